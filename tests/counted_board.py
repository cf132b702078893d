"""``mia_demo shield`` with a log of its work: ``python -m tests.counted_board LOG ARGUMENTS``.

The log gets a line for every row that is made and for every step of a student, who is taught little
here: 64 pictures, which is a step an epoch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mia_demo.attack import student
from mia_demo.cli import main
from mia_demo.sweep import shield


def counted_board(log: Path, arguments: Sequence[str]) -> int:
    robust_accuracies, train_classifier = shield.robust_accuracies, student.train_classifier

    def note(what: str) -> None:
        with log.open("a") as file:
            file.write(f"{what}\n")

    def robust(*given: Any) -> Any:
        note("row")
        return robust_accuracies(*given)

    def train(*given: Any) -> Iterator[Any]:
        for frame in train_classifier(*given):
            note("step")
            yield frame

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(student, "STUDENT_PICTURES", 64)
        changed.setattr(shield, "robust_accuracies", robust)
        changed.setattr(student, "train_classifier", train)
        return main(arguments)


if __name__ == "__main__":
    sys.exit(counted_board(Path(sys.argv[1]), sys.argv[2:]))
