"""Event handlers of the classifiers trained here: list, name, download, delete."""

import base64
from typing import Any

from mia_demo.errors import ConfigError, DataError
from mia_demo.runs.training_run import TrainingRun
from mia_demo.ui.boards.training_view import own_list
from mia_demo.ui.engine.engine import EMBEDDED, Engine
from mia_demo.ui.shared.handler import toasts
from mia_demo.visitors.own_people import People
from mia_demo.zoo.manifest import CheckpointEntry

DOWNLOAD_PART_BYTES = 3_000_000  # of a download; a multiple of 3, so that its base64 has no padding


class OwnClassifiers:
    """The list of classifiers that were trained on some people, and what its buttons do."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def open(self) -> dict[str, Any]:
        """The app is opened; earlier visits may have left classifiers."""
        return self.listed(self.engine.embedded)

    def listed(self, people: People, newest: str = "") -> dict[str, Any]:
        """The list of the classifiers trained on these people."""
        entries, names = people.zoo.own_targets(), self.engine.kept.names
        return own_list(entries, names, newest=newest, people=people.key or EMBEDDED)

    def rename(self, own: dict[str, Any]) -> dict[str, Any]:
        """A classifier gets a name beside that of its lane; an empty one takes it back."""
        with toasts():
            people = self.engine.people(str(own.get("people", EMBEDDED)))
            entry = own_entry(people, str(own.get("chosen", "")))
            self.engine.kept.names.set(TrainingRun(entry).key, str(own.get("title", "")))
        return self.listed(people, str(own.get("newest", "")))

    def delete(self, own: dict[str, Any]) -> dict[str, Any]:
        """The confirmed Delete button of a classifier."""
        with toasts():
            people = self.engine.people(str(own.get("people", EMBEDDED)))
            self.engine.delete_target(str(own.get("chosen", "")), people)
        return self.listed(people)

    def read_part(self, key: str, name: str, offset: int) -> dict[str, str]:
        """A part of a classifier's file as base64.

        Raises:
            DemoError: there is no such classifier, or it cannot be read.
        """
        people = self.engine.people(key)
        entry = own_entry(people, name)
        try:
            with people.zoo.verified_path(entry.stored).open("rb") as file:
                file.seek(max(0, int(offset)))
                return {"part": base64.b64encode(file.read(DOWNLOAD_PART_BYTES)).decode()}
        except OSError as error:
            raise DataError(
                f"The classifier {name!r} cannot be read ({error.strerror})."
            ) from error


def own_entry(people: People, name: str) -> CheckpointEntry:
    """
    Raises:
        ConfigError: none of this name was trained on these people.
    """
    for entry in people.zoo.own_targets():
        if entry.name == name:
            return entry
    raise ConfigError(f"There is no classifier {name!r} of your own; reload the page.")
