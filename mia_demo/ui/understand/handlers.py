"""Event handlers of the Understand page."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from mia_demo.errors import ConfigError, DemoError
from mia_demo.metrics.embedding_view import embedding_view
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.sweep.results import SweepResults
from mia_demo.sweep.sweep import parse_numbers
from mia_demo.ui.engine.attack_news import FinishedAttack
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.engine.field_checks import check_identity
from mia_demo.ui.engine.understand_work import ByLane, Pixels, lane_features, lane_logits
from mia_demo.ui.shared.handler import toasts, with_errors_told
from mia_demo.ui.understand.label_view import label_json
from mia_demo.ui.understand.view import (
    NO_GRADIENTS,
    Landed,
    embedding_json,
    lane_labels,
    own_gradients_json,
    recorded_gradients_json,
)

MIN_MAPPED, MAX_MAPPED = 2, 6  # identities in the embedding view; more would overlap
MAX_KEPT = 600  # cached logits and features, each of one identity in one network
LOOK_SECONDS = 2.0  # estimate for ZeroGPU
MIN_LABEL_ALPHA, MAX_LABEL_ALPHA = -0.3, 0.5

VIEW_FAILED = "This view failed unexpectedly; the server's log says why. Reload the page."

log = logging.getLogger(__name__)

View = dict[str, Any]
Seen = tuple[str, int]  # sha256 of the weights (a name may be reused), and an identity


class UnderstandHandlers:
    """Handlers that share one engine and cache what its networks computed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.library = ResultsLibrary(engine.zoo, engine.runs)
        self._logits: OrderedDict[Seen, Tensor] = OrderedDict()
        self._features: OrderedDict[Seen, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    # -- embedding view -----------------------------------------------------------------------

    def open_embedding(self, identities: str, request: gr.Request) -> Iterator[tuple[Any, View]]:
        """The section is seen: the last view, or one that includes a new attack's identity."""
        own = self._own(request)
        try:
            people = self.people(identities)
            stays = own is None or own.config.identity in people
        except DemoError:  # an empty or unfinished list
            stays = False
        if not stays:
            attacked = 0 if own is None else own.config.identity
            others = [n for n in range(len(self.engine.identities)) if n != attacked][
                : MAX_MAPPED - 2
            ]
            identities = ",".join(map(str, [attacked, *others]))
        # Told once, and not at all where it stays: the visitor may be writing another list.
        told = gr.skip() if stays else identities
        for view in self.embedding(identities, request):
            yield told, view
            told = gr.skip()

    def embedding(self, identities: str, request: gr.Request) -> Iterator[View]:
        """Yields the embedding view: features of training images and of reconstructions."""
        with toasts():
            people = self.people(identities)
            landed = self._landed(people, self._own(request))
            job = self.engine.look(lambda: self._embedding(people, landed), "the embedding view")
        yield from with_errors_told(
            (
                {"phase": "waiting", "status": update.sentence("the view", verb="comes")}
                if isinstance(update, Waiting)
                else update
                for update in job.updates()
            ),
            lambda message: {"phase": "failed", "status": message},
            VIEW_FAILED,
        )

    def _embedding(self, people: Sequence[int], landed: Landed) -> Generator[View, None, None]:
        lanes = lane_labels(self.engine.zoo)
        names = [lane.name for lane in lanes]
        known, photos = {}, {}
        for number in people:
            known[number], missing = self._known(self._features, names, number)
            if missing:
                photos[number] = missing, self._training_photos(number, missing[0])
        reached: ByLane = {}
        if photos or landed.images:
            pictures = {name: landed.images[name] for name in names if name in landed.images}
            work = partial(lane_features, photos, pictures)
            for looked_at, features in self.engine.on_device(work, seconds=LOOK_SECONDS):
                if looked_at is None:
                    reached = features
                else:
                    yield {"phase": "computing", "status": f"Looked at identity {looked_at} …"}
                    known[looked_at] |= self._keep(self._features, looked_at, features)
        labels = [number for number in people for _ in known[number][names[0]]]
        views = {}
        for name in names:
            trained = torch.cat([known[number][name] for number in people])
            views[name] = embedding_view(
                trained,
                torch.tensor(labels),
                torch.from_numpy(reached[name]) if name in reached else trained[:0],
                torch.tensor(landed.identities.get(name, ()), dtype=torch.int64),
            )
        shown = {n: np.asarray(self._photo(n, 0)) for n in people}
        yield embedding_json(lanes, views, labels, shown, landed)

    def _training_photos(self, number: int, lane: str) -> Pixels:
        """An identity's training photos [N, 3, S, S] at the input size of a lane."""
        zoo, identities = self.engine.zoo, self.engine.identities
        size, indices = zoo.entry(lane).input_size, zoo.images_of(identities, number, "train")
        images, _ = identities.tensors(size, labels=[number], indices=indices)
        return images.numpy()

    def _landed(self, people: Sequence[int], own: FinishedAttack | None) -> Landed:
        """The visitor's reconstructions, or else the recorded ones."""
        if own is not None and own.config.identity in people:
            identity = own.config.identity
            meant = {name: [identity] * len(images) for name, images in own.images.items()}
            return Landed(
                own.images, meant, f"The small pictures are your reconstructions of {identity}."
            )
        results, caveat = self._recorded()
        shown = [] if results is None else [n for n in people if n in results.record.identities]
        if results is None or not shown:
            return Landed({}, {}, "No reconstructions to show yet: attack one of these identities.")
        lanes = results.record.lanes
        return Landed(
            {lane: np.stack([results.picture(lane, n) for n in shown]) for lane in lanes},
            dict.fromkeys(lanes, shown),
            "The small pictures are the recorded sweep’s best reconstructions. "
            f"Attack one of these identities to see your own. {caveat}".strip(),
        )

    def people(self, text: str) -> list[int]:
        """The identities that a text names.

        Raises:
            ConfigError: too few, too many, or unknown ones.
        """
        people = list(dict.fromkeys(parse_numbers(text)))
        if not MIN_MAPPED <= len(people) <= MAX_MAPPED:
            raise ConfigError(f"Name {MIN_MAPPED} to {MAX_MAPPED} identities, not {len(people)}.")
        for number in people:
            check_identity(number, len(self.engine.identities))
        return people

    # -- gradient stability -------------------------------------------------------------------

    def gradients(self, request: gr.Request) -> View:
        """The cosines of the visitor's last attack, or else the recorded ones."""
        lanes = lane_labels(self.engine.zoo)
        own = self._own(request)
        if own is not None:
            view = own_gradients_json(lanes, own)
            if view["lanes"]:
                return view
        results, caveat = self._recorded()
        if results is None:
            return NO_GRADIENTS
        return recorded_gradients_json(lanes, results, caveat)

    # -- the smoothed label -------------------------------------------------------------------

    def open_label(
        self, identity: float | None, alpha: float | None, request: gr.Request
    ) -> tuple[Any, View]:
        """The section is seen: the identity of the last attack, or else the chosen one."""
        own = self._own(request)
        number = identity if own is None else own.config.identity
        return number, self.label(number, alpha)

    def label(self, identity: float | None, alpha: float | None) -> View:
        """The label, softmax and gradient of an identity's first test image."""
        with toasts():
            if identity is None or alpha is None:
                raise ConfigError("Fill in the identity and the smoothing factor.")
            if not MIN_LABEL_ALPHA <= alpha <= MAX_LABEL_ALPHA:
                raise ConfigError(
                    f"The smoothing factor must lie between {MIN_LABEL_ALPHA} and "
                    f"{MAX_LABEL_ALPHA}."
                )
            number = int(identity)
            check_identity(number, len(self.engine.identities))
            tests = self.engine.zoo.images_of(self.engine.identities, number, "test")
            if not tests:
                raise ConfigError(f"Identity {number} has no test photo; choose somebody else.")
            first_test = tests[0]
            lanes = lane_labels(self.engine.zoo)
            logits = self._logits_of([lane.name for lane in lanes], number, first_test)
            photo = np.asarray(self._photo(number, first_test))
            return label_json(lanes, logits, number, float(alpha), photo)

    def _logits_of(self, names: Sequence[str], number: int, index: int) -> dict[str, Tensor]:
        """Logits [C] of one image by lane; computed once per network."""
        known, missing = self._known(self._logits, names, number)
        if not missing:
            return known

        size = self.engine.zoo.entry(missing[0]).input_size
        images, _ = self.engine.identities.tensors(size, labels=[number], indices=[index])
        work = partial(lane_logits, missing, images[0].numpy())
        job = self.engine.look(
            lambda: self.engine.on_device(work, seconds=LOOK_SECONDS), "the smoothed label"
        )
        for update in job.updates():
            if not isinstance(update, Waiting):
                return known | self._keep(self._logits, number, update)
        raise ConfigError("The networks gave no answer; choose the identity again.")

    # -----------------------------------------------------------------------------------------

    def _own(self, request: gr.Request) -> FinishedAttack | None:
        return self.engine.finished_attacks.get(str(request.session_hash))

    def _recorded(self) -> tuple[SweepResults | None, str]:
        """The zoo's first readable recorded sweep, and how the zoo has changed since."""
        for sweep in self.library.sweeps():
            if sweep.is_recorded:
                try:
                    return sweep.load(), self.library.caveat(sweep.record)
                except DemoError as error:
                    log.warning("%s", error)
        return None, ""

    def _photo(self, number: int, index: int) -> Tensor:
        """uint8 [64, 64, 3]."""
        images, _ = self.engine.identities.tensors(64, labels=[number], indices=[index])
        return images[0].permute(1, 2, 0)

    def _known(
        self, cache: OrderedDict[Seen, Tensor], names: Sequence[str], number: int
    ) -> tuple[dict[str, Tensor], list[str]]:
        """What is cached of an identity by lane, and the lanes that are missing."""
        zoo = self.engine.zoo
        with self._lock:
            found = {name: cache.get((zoo.entry(name).stored.sha256, number)) for name in names}
        known = {name: tensor for name, tensor in found.items() if tensor is not None}
        return known, [name for name in names if name not in known]

    def _keep(
        self, cache: OrderedDict[Seen, Tensor], number: int, seen: ByLane
    ) -> dict[str, Tensor]:
        """Caches outputs of lanes for an identity, and returns them."""
        tensors = {name: torch.from_numpy(value) for name, value in seen.items()}
        with self._lock:
            for name, tensor in tensors.items():
                cache[self.engine.zoo.entry(name).stored.sha256, number] = tensor
            while len(cache) > MAX_KEPT:
                cache.popitem(last=False)
        return tensors
