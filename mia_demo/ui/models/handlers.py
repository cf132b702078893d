"""Event handlers of the Models page: look, load from the Hub, upload, measure, remove."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from mia_demo.errors import ConfigError, DemoError
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.engine.jobs import Job
from mia_demo.ui.engine.models_work import LoadedPeople, measure_again
from mia_demo.ui.engine.sessions import SessionJobs
from mia_demo.ui.engine.who_asks import is_private
from mia_demo.ui.models.addition import (
    ADDITION_FAILED,
    AdditionJobView,
    AdditionNews,
    Form,
    Panel,
    told,
)
from mia_demo.ui.models.view import (
    added_sentence,
    group_json,
    machine_facts,
)
from mia_demo.ui.shared.handler import follow, start_and_stop, toasts, with_errors_told
from mia_demo.ui.shared.lanes import (
    MAX_BOARD_LANES,
    added_models,
    attack_lanes,
    attacked_people,
    lane_names,
    ticked_lanes,
)
from mia_demo.visitors.added_models import AddedModels, Addition
from mia_demo.visitors.added_store import MAX_ZOO_BYTES
from mia_demo.visitors.own_people import KEPT_HOURS, OwnPeople
from mia_demo.zoo.accuracy import MeasuredAccuracy
from mia_demo.zoo.hub import HubAddress, download_zoo
from mia_demo.zoo.reading import Zoo

UPDATE_SECONDS = 1 / 4
TWO_FILES = (
    "Choose two files at once: the weights (.safetensors) and their manifest entry (.json). "
    "Pickles (.pt, .bin, .pkl) are never opened."
)
SHARED_SERVER = (
    "Others use this server as well. What you add is on no other page than yours; it stays for "
    f"{KEPT_HOURS} hours at most. Public zoos up to {MAX_ZOO_BYTES // 1_000_000} MB can be "
    "loaded, one visitor at a time."
)

# The first status, and the work.
Prepared = tuple[str, Callable[[], Generator[AdditionNews, None, None]]]


class ModelsHandlers:
    """Handlers that share one engine.

    Unless noted, they return the panel, the Attack page's people and lanes, and the buttons Load
    and Stop.

    Attributes:
        measured: newly measured accuracies, by key of the people and sha256 of the weights.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.additions: SessionJobs[AdditionNews] = SessionJobs()
        self.measured: dict[tuple[str, str], MeasuredAccuracy] = {}

    # -- looking ------------------------------------------------------------------------------

    def look(self, panel: Panel, own: Panel, request: gr.Request) -> Panel:
        """The page is opened."""
        return {**panel, **self._loaded(own, request)}

    def restore(
        self, key: str, attacked: str, ticked: list[str], own: Panel, request: gr.Request
    ) -> tuple[Any, ...]:
        """The app is opened; the tab may remember the key of earlier additions."""
        if not is_private(request) and self.engine.added.tab(key) is not None:
            self.engine.tab_keys.put(str(request.session_hash), key)
        panel = {"status": "", "phase": "ready", "progress": None, "key": key}
        form = Form(request, panel, attacked, ticked, own)
        return (*self._page(form, panel), *start_and_stop(running=False))

    def measure(self, panel: Panel, own: Panel, request: gr.Request) -> Iterator[Panel]:
        """The button that measures all accuracies again."""
        yield from with_errors_told(
            self._measure(panel, own, request),
            lambda message: told(panel, message, "failed"),
            ADDITION_FAILED,
        )

    def _measure(self, panel: Panel, own: Panel, request: gr.Request) -> Iterator[Panel]:
        shown = self._shown(own, request)
        job = self.engine.shared(
            lambda: self.engine.on_device(partial(measure_again, shown)),
            "a measurement of accuracies",
        )
        for update in job.updates():
            if isinstance(update, Waiting):
                status, progress = update.sentence("the measurement"), None
            else:
                self.measured.update(update.results)
                status, progress = update.sentence, update.done / update.total
            panel = told(panel, status, "busy", progress)
            yield {**panel, **self._loaded(own, request)}
        yield {**panel, "phase": "done", "progress": None, **self._loaded(own, request)}

    # -- adding -------------------------------------------------------------------------------

    def load(self, request: gr.Request, address: str, *form: Any) -> Iterator[tuple[Any, ...]]:
        """The Load button: adds a zoo from the Hub.

        Args:
            form: the fields of ``Form`` in their order.
        """

        def prepare(models: AddedModels) -> Prepared:
            wanted = HubAddress.parse(address)
            self.engine.added.access(models)
            return f"Asking the Hub for {wanted} …", lambda: self._from_hub(models, wanted)

        yield from self._add(prepare, Form(request, *form))

    def upload(
        self, request: gr.Request, files: list[str] | None, *form: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Adds two uploaded files: a classifier and its manifest entry."""
        paths = [Path(file) for file in files or []]

        def prepare(models: AddedModels) -> Prepared:
            by_kind = {path.suffix.lower(): path for path in paths}
            if len(paths) != 2 or set(by_kind) != {".safetensors", ".json"}:
                raise ConfigError(TWO_FILES)
            self.engine.added.check_room(models)
            weights, entry = by_kind[".safetensors"], by_kind[".json"]
            return "Looking through the files …", lambda: self._from_files(models, weights, entry)

        try:
            yield from self._add(prepare, Form(request, *form))
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    def remove(
        self, panel: Panel, attacked: str, ticked: list[str], own: Panel, request: gr.Request
    ) -> tuple[Any, ...]:
        """The confirmed Remove button of a lane, or of a zoo with its own people."""
        name = str(panel.get("chosen", ""))
        with toasts():
            models = added_models(self.engine, request)
            if models is None:
                raise ConfigError("That is not yours to remove; reload the page.")
            self.engine.remove_added(models, name)
        status = f"Removed: {name}." if name in ticked else "Removed."
        panel = {**told(panel, status, "done"), "chosen": ""}
        form = Form(request, panel, attacked, ticked, own)
        chosen = EMBEDDED if name == attacked else ""
        return (*self._page(form, panel, chosen), gr.skip(), gr.skip())

    # -----------------------------------------------------------------------------------------

    def _add(
        self, prepare: Callable[[AddedModels], Prepared], form: Form
    ) -> Iterator[tuple[Any, ...]]:
        view = AdditionJobView(self.added, form)
        yield from with_errors_told(self._adding(prepare, view), view.failed, view.unexpected)

    def _adding(
        self, prepare: Callable[[AddedModels], Prepared], view: AdditionJobView
    ) -> Iterator[tuple[Any, ...]]:
        form, session = view.form, str(view.form.request.session_hash)
        key, models = "", self.engine.added.owner
        try:
            if not is_private(form.request):
                key, models = self.engine.added.open_tab(
                    self.engine.tab_keys.get(session) or str(form.panel.get("key", ""))
                )
                self.engine.tab_keys.put(session, key)
            status, work = prepare(models)
            job = self.additions.start(
                session, lambda: Job(work, self.engine.additions, "another visitor's addition")
            )
            view.begin(key, status)
            yield from follow(self.additions, session, job, view, interval=UPDATE_SECONDS)
        finally:
            self.engine.added.close_empty(key)

    def _from_files(
        self, models: AddedModels, weights: Path, entry: Path
    ) -> Generator[AdditionNews, None, None]:
        self.engine.added.check_room(models)
        yield from models.add_upload(weights, entry)

    def _from_hub(
        self, models: AddedModels, address: HubAddress
    ) -> Generator[AdditionNews, None, None]:
        # Once more: others may have come first while this one waited.
        access = self.engine.added.access(models)
        if access.is_anonymous:
            self.engine.added.make_room(str(address))
        with closing(download_zoo(str(address), access)) as frames:
            for news in frames:
                if isinstance(news, Zoo):
                    yield from models.add_zoo(news)
                else:
                    yield news

    def added(self, added: Addition | None, form: Form, panel: Panel) -> tuple[Any, Any, Any]:
        """Panel, people and lanes after an addition; None means it was stopped."""
        if added is None:
            return told(panel, "Stopped; nothing was added.", "stopped"), gr.skip(), gr.skip()
        lanes = self._lanes(form, added.lanes)
        # Without choices nothing is updated: other people's lanes are shown.
        ticked = lanes.get("value", form.ticked) if "choices" in lanes else added.lanes
        unticked = [name for name in added.lanes if name not in ticked]
        panel = told(panel, added_sentence(added, unticked), "done")
        chosen = added.people.key if added.people else ""
        return (*self._page(form, panel, chosen)[:2], lanes)

    def _page(self, form: Form, panel: Panel, chosen: str = "") -> tuple[Any, Any, Any]:
        """Panel, people (with ``chosen`` selected) and lanes as they are now."""
        return (
            {**panel, **self._loaded(form.own, form.request)},
            attacked_people(self.engine, form.request, self._own(form.own), chosen),
            self._lanes(form),
        )

    def _loaded(self, own: Panel, request: gr.Request) -> Panel:
        shown = self._shown(own, request)
        return {
            "machine": machine_facts(self.engine),
            "groups": [group_json(self.engine, people, self.measured) for people in shown],
            "note": "" if is_private(request) else SHARED_SERVER,
        }

    def _shown(self, own: Panel, request: gr.Request) -> list[LoadedPeople]:
        """All people that this visitor can attack, with their lanes."""
        engine, added = self.engine, added_models(self.engine, request)
        lanes = lane_names(engine, request, engine.embedded)
        shown = [LoadedPeople(engine.embedded, lanes, added.lane_names() if added else ())]
        for people in added.people if added else ():
            shown.append(LoadedPeople(people, people.zoo.target_names()))
        if (mine := self._own(own)) is not None:
            shown.append(LoadedPeople(mine, mine.zoo.target_names()))
        return shown

    def _own(self, own: Panel) -> OwnPeople | None:
        """The visitor's own people, from the Train page's panel."""
        key = str((own or {}).get("key", ""))
        try:
            return self.engine.own_people.open(key) if key else None
        except DemoError:
            return None

    def _lanes(self, form: Form, new: Sequence[str] = ()) -> Any:
        """The Attack page's lanes; those of other people change with the people."""
        if form.attacked != EMBEDDED:
            return gr.skip()
        choices = attack_lanes(self.engine, form.request, self.engine.embedded)
        return ticked_lanes(choices, form.ticked, *new, most=MAX_BOARD_LANES)
