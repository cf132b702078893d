"""A damaged run on the Runs page."""

from __future__ import annotations

from typing import Any, NoReturn

from mia_demo.errors import ConfigError
from mia_demo.runs.damaged_run import DamagedRun
from mia_demo.runs.store import delete_folder
from mia_demo.ui.runs.shown_run import ShownRun


class ShownDamaged(ShownRun[DamagedRun]):
    """One damaged run, which can be deleted."""

    def item(self) -> dict[str, Any]:
        return self.damaged_item(self.run.reason)

    def summary(self) -> str:
        return self.run.reason

    def delete(self) -> None:
        delete_folder(self.run.folder)

    def head(self) -> dict[str, Any]:
        return {**super().head(), "caveat": ""}

    def sentences(self) -> list[str]:
        return [self.run.reason, "Nothing can be shown of it; delete it."]

    def compared_parts(self, other: ShownRun[DamagedRun]) -> NoReturn:
        raise ConfigError("Damaged runs cannot be compared; delete them.")

    def repeater(self) -> NoReturn:
        raise ConfigError("This run is damaged, so it cannot be repeated; delete it.")
