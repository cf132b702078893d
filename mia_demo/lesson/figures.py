"""The figures that the lesson quotes: all read from recorded results, none written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mia_demo.errors import DataError
from mia_demo.report.board_words import record_words
from mia_demo.report.columns import percent
from mia_demo.report.text import record_sentence
from mia_demo.sweep.board import BoardRow, recorded_board
from mia_demo.sweep.library import ResultsLibrary
from mia_demo.sweep.results import SweepResults
from mia_demo.zoo.reading import Zoo


@dataclass(frozen=True)
class OwnAttack:
    """What came out of the visitor's last attack: whom the evaluator sees in each lane's best.

    Attributes:
        attack: its name, if it has one.
        words: what it followed.
    """

    identity: int
    attack: str | None
    words: str
    top1: Mapping[str, int]

    def sentence(self) -> str:
        seen = [lane for lane, number in self.top1.items() if number == self.identity]
        where = "in no lane"
        if seen:
            where = "in every lane" if len(seen) == len(self.top1) else f"in {', '.join(seen)}"
        return (
            f"Your last attack, on identity {self.identity} ({self.words}): "
            f"the evaluator recognises the person {where}."
        )


@dataclass
class Figures:
    """Figures of a zoo's recorded sweeps, read when they are first asked for.

    Attributes:
        own: the visitor's last attack, if there is one.
        cited: the sweeps that were asked for, by name.
        boards: rows of the board that were asked for, by target.

    Raises:
        DataError: from all methods that are given a sweep: it or what was asked of it is missing
            or damaged.
    """

    zoo: Zoo
    library: ResultsLibrary
    own: OwnAttack | None = None
    cited: dict[str, SweepResults] = field(default_factory=dict)
    boards: dict[str, BoardRow] = field(default_factory=dict)

    @property
    def people(self) -> int:
        return self.zoo.entry("evaluator").num_classes or 0

    @property
    def photos(self) -> int:
        """Training photos of each identity."""
        return self.zoo.manifest.train_images

    def sweep(self, name: str) -> SweepResults:
        """A recorded sweep."""
        if name not in self.cited:
            recorded = {s.folder.name: s for s in self.library.sweeps() if s.is_recorded}
            if name not in recorded:
                raise DataError(
                    f"These checkpoints came without the recorded results {name!r}; sweep on the "
                    "Compare page to get figures of your own."
                )
            self.cited[name] = recorded[name].load()
        return self.cited[name]

    def board_row(self, lane: str) -> BoardRow:
        """A target's row of the recorded board of defences and attacks."""
        row = next((row for row in recorded_board(self.zoo)[1] if row.lane == lane), None)
        if row is None:
            raise DataError(
                f"These checkpoints came without a recorded board of {lane}; the command shield "
                "makes one."
            )
        self.boards[lane] = row
        return row

    def value(self, sweep: str, lane: str, figure: str) -> float:
        """A figure of a lane's row in a recorded table."""
        row = next((row for row in self.sweep(sweep).rows if row.lane == lane), None)
        if row is None:
            raise DataError(f"The recorded results {sweep!r} have no lane {lane!r}.")
        found = row.figure(figure)
        if found is None or found.value is None:
            raise DataError(f"The recorded results {sweep!r} have no {figure} of lane {lane!r}.")
        return found.value

    def shares(self, sweep: str, lanes: Sequence[str], figure: str = "acc1") -> str:
        """``positive 78.8%, zero 71.3% and negative 27.5%``."""
        parts = [f"{lane} {percent(self.value(sweep, lane, figure))}" for lane in lanes]
        return f"{', '.join(parts[:-1])} and {parts[-1]}"

    def last_cosine(self, sweep: str, lane: str) -> float:
        """Mean gradient cosine at the last recorded step of the optimisation."""
        curve = self.sweep(sweep).curves.get(lane, [])
        cosines = [p["gradient_cosine"] for p in curve if p["gradient_cosine"] is not None]
        if not cosines:
            raise DataError(f"The recorded results {sweep!r} have no gradients of lane {lane!r}.")
        return float(cosines[-1])

    def sources(self) -> list[str]:
        """Where the figures asked for so far come from."""
        sweeps = [
            f"“{name}”, recorded {record_sentence(results.record)}"
            for name, results in self.cited.items()
        ]
        return [*sweeps, *(f"“Shield”: {record_words([row])}" for row in self.boards.values())]
