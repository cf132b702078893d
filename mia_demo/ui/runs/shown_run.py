"""A kept run on the Runs page, as plain JSON: what every kind shows, and what each adds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from mia_demo.data.pictures import data_uri
from mia_demo.errors import ConfigError
from mia_demo.runs.run import Run, setting_differences
from mia_demo.ui.boards.attack_view import photo_of
from mia_demo.ui.boards.lane_styles import styles_in
from mia_demo.ui.engine.engine import Engine
from mia_demo.ui.runs.repeater import Repeater

AnyRun = TypeVar("AnyRun", bound=Run)


class ShownRun(ABC, Generic[AnyRun]):
    """One run on the page.

    Attributes:
        files: kinds of files to take home.
    """

    files: tuple[str, ...] = ()

    def __init__(self, engine: Engine, run: AnyRun) -> None:
        self.engine = engine
        self.run = run
        self.mark = ""  # tells the title from that of another run

    @property
    def title(self) -> str:
        return f"{self.run.title}{self.mark}"

    # -- in the list --------------------------------------------------------------------------

    def item(self) -> dict[str, Any]:
        """The entry of the list.

        Raises:
            DataError: the run's pictures are damaged.
        """
        run = self.run
        return {
            "key": run.key,
            "kind": run.kind,
            "title": self.title,
            "badge": "recorded" if run.is_recorded else "",
            "words": self.summary(),
            "when": time_words(run.date),
            "faces": "",
            "count": 0,
            "change": not run.is_recorded,
        }

    def damaged_item(self, reason: str) -> dict[str, Any]:
        """The entry of the list if the run turns out to be damaged."""
        return {**ShownRun.item(self), "badge": "damaged", "words": reason}

    @abstractmethod
    def summary(self) -> str:
        """A line below the title."""

    @abstractmethod
    def delete(self) -> None:
        """Deletes the run.

        Raises:
            ConfigError: it cannot be deleted.
        """

    # -- opened -------------------------------------------------------------------------------

    def head(self) -> dict[str, Any]:
        """What stands above an opened run."""
        run = self.run
        zoo, compute = self.engine.zoo, self.engine.compute
        changes = run.origin.changes_since(zoo, compute) if run.origin else []
        return {
            "key": run.key,
            "title": self.title,
            "recorded": run.is_recorded,
            "words": self.sentences(),
            "caveat": f"Changed since: {'; '.join(changes)}." if changes else "",
            "command": run.command(),
            "page": "",
            "does": "Show",
            "link": "",
            "files": list(self.files),
        }

    @abstractmethod
    def sentences(self) -> list[str]:
        """What it was, and where it was computed."""

    def parts(self) -> dict[str, Any]:
        """Values of the page's parts that show it, by name (see ``handlers.Opened``)."""
        return {}

    def download(self, kind: str) -> tuple[str, bytes]:
        """Name and content of a file to take home.

        Raises:
            ConfigError: there is no such file.
            DataError: the run is damaged.
        """
        raise ConfigError(f"There is no {kind!r} download of this run.")

    @abstractmethod
    def repeater(self) -> Repeater:
        """Repeats the run.

        Raises:
            ConfigError: one of its classifiers is gone.
        """

    # -- beside another of its kind -----------------------------------------------------------

    def compared_parts(self, other: ShownRun[AnyRun]) -> dict[str, Any]:
        """Values of the page's parts that show both.

        Raises:
            DataError: one of them is damaged.
        """
        both = (self, other)
        lanes = dict.fromkeys(lane for shown in both for lane in shown.lanes())
        styles = styles_in(self.engine.zoo, list(lanes))
        others = set(other.identities())
        people = [number for number in self.identities() if number in others]
        compared = {
            "titles": [shown.title for shown in both],
            "words": [shown.caption() for shown in both],
            "photos": [shown.photos(people) for shown in both],
            "differences": setting_differences(self.run, other.run),
            "lanes": [
                {
                    "name": lane,
                    "style": styles[lane],
                    "sides": [
                        shown.side(lane, people) if lane in shown.lanes() else None
                        for shown in both
                    ],
                }
                for lane in lanes
            ],
        }
        return {"compared": compared}

    def caption(self) -> str:
        """One line beside the other run's."""
        return self.title

    def lanes(self) -> Sequence[str]:
        """Lanes with pictures to compare."""
        return ()

    def identities(self) -> Sequence[int]:
        """Whose pictures it has."""
        return ()

    def photos(self, people: Sequence[int]) -> list[dict[str, str]]:
        """Real photos of whom its pictures should show."""
        return []

    def side(self, lane: str, people: Sequence[int]) -> dict[str, Any]:
        """A lane's pictures.

        Args:
            people: identities that both runs have.
        """
        raise NotImplementedError


def time_words(date: str) -> str:
    """ISO 8601 for people; empty where nothing was noted."""
    try:
        return f"{datetime.fromisoformat(date):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return ""


def real_photo(engine: Engine, identity: int) -> list[dict[str, str]]:
    """The photo as a picture of a comparison, if there is one."""
    photo = photo_of(engine.identities, identity)
    alt = f"Training photo of identity {identity}"
    return [] if photo is None else [{"uri": data_uri(photo), "alt": alt}]
