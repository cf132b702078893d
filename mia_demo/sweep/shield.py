"""The board on which every defence meets every attack: cell by cell, a row for each target.

A cell is a sweep of one attack on one target, in a folder of its own; all have the same seeds and
the same budget of classifier passes in the optimisation. So the board can be killed at any moment
and goes on, grows by targets and people, and ``torchrun`` shares it out: attacks by identity,
students and rows by target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from mia_demo.attack.attack import Attacker
from mia_demo.attack.config import AttackConfig
from mia_demo.attack.methods import METHODS
from mia_demo.attack.named import classifier_passes
from mia_demo.errors import DataError
from mia_demo.metrics.recognition import identity_centres, recognised
from mia_demo.metrics.robustness import EPSILONS, PGD_STEPS, robust_accuracies
from mia_demo.models.classifiers import Classifier
from mia_demo.sweep.board import (
    BoardCell,
    BoardRow,
    Robustness,
    Share,
    load_row,
    row_files,
    save_row,
)
from mia_demo.sweep.distributed import run_team_sweep
from mia_demo.sweep.judging import Judge
from mia_demo.sweep.known_photos import KnownPhotos
from mia_demo.sweep.provenance import Provenance
from mia_demo.sweep.shield_plan import ShieldPlan
from mia_demo.sweep.sweep import SweepPlan, judge_again
from mia_demo.sweep.table import reconstructions
from mia_demo.sweep.team import Team
from mia_demo.training.classifier import STATE_FILE, LabelledImages, predict
from mia_demo.zoo.reading import Zoo

SURE = 0.9  # a target that is surer of a picture is convinced
ROBUSTNESS_PICTURES = 100  # test pictures that are perturbed
TAUGHT = "taught"


def run_shield(
    team: Team, attacker: Attacker, judge: Judge, plan: ShieldPlan
) -> Iterator[tuple[str, int]]:
    """Runs what is missing, as many targets at a time as there are processes.

    A student or a row is one process's work, so each takes a target's; the attacks on each target
    are shared out by identity. Every process ends up with every file.

    Yields:
        Target and attack that are running, and how many attacks on an identity are done in all.

    Raises:
        ConfigError, PeerError: as ``run_team_sweep``.
    """
    before = 0
    jury = _Jury(attacker, judge)
    for start in range(0, len(plan.lanes), team.size):
        lanes = plan.lanes[start : start + team.size]
        _teach_students(team.for_part(f"students from {start}"), attacker, plan, lanes)
        for lane in lanes:
            for name, sweep in plan.cells(lane):
                cell = f"{lane} {name}"
                for done in run_team_sweep(team.for_part(cell), attacker, judge, sweep):
                    yield cell, before + done
                before += sweep.total
        _judge_rows(team.for_part(f"rows from {start}"), jury, plan, lanes)


def _teach_students(team: Team, attacker: Attacker, plan: ShieldPlan, lanes: Sequence[str]) -> None:
    """One target's student for each process, where attacks need it."""

    def teach(lane: str) -> str:
        if attacker.student(lane):
            return ""
        for _, sweep in plan.cells(lane):
            if METHODS[sweep.config.method].by_student and len(sweep.finished()) < sweep.total:
                for _ in attacker.teach(lane):
                    pass
                return TAUGHT
        return ""

    answers = team.answers(lanes, teach)
    for owner, lane in enumerate(lanes):
        folder = attacker.student_folder(lane)
        if folder and answers[lane] == TAUGHT:
            team.share_file(owner, folder / STATE_FILE)


def _judge_rows(team: Team, jury: _Jury, plan: ShieldPlan, lanes: Sequence[str]) -> None:
    """One target's row for each process."""

    def judge(lane: str) -> str:
        if not jury.has_judged(plan, lane):
            save_row(*jury.row(plan, lane), plan.folder)
        return ""

    team.answers(lanes, judge)
    for owner, lane in enumerate(lanes):
        for path in row_files(plan.folder, lane):
            team.share_file(owner, path)


def finished_rows(plan: ShieldPlan) -> list[BoardRow]:
    """
    Raises:
        DataError: one is missing or damaged.
    """
    return [load_row(row_files(plan.folder, lane)[1]) for lane in plan.lanes]


class _Jury:
    """Both judges' answers, picture by picture, and the target's own."""

    def __init__(self, attacker: Attacker, judge: Judge) -> None:
        self.attacker = attacker
        self.zoo = attacker.zoo
        self.judge = judge

    @cached_property
    def _faces(self) -> tuple[Tensor, Tensor]:
        size = self.zoo.entry("evaluator").input_size
        photos = KnownPhotos(self.zoo, size, self.judge.compute)
        embeddings = photos.outputs("embedder", self.judge.embedder, "train")
        return identity_centres(embeddings, photos.labels("train"))

    def has_judged(self, plan: ShieldPlan, lane: str) -> bool:
        """Whether the row is there, of the same attacks and the same networks."""
        try:
            row = load_row(row_files(plan.folder, lane)[1])
        except DataError:
            return False
        now = (list(plan.seeds), self._checkpoints(lane))
        wanted = {
            name: (list(sweep.identities), _settings(sweep.config))
            for name, sweep in plan.cells(lane)
        }
        found = {name: (cell.identities, cell.settings) for name, cell in row.cells.items()}
        return wanted == found and now == (row.record.seeds, row.record.checkpoints)

    def row(self, plan: ShieldPlan, lane: str) -> tuple[BoardRow, npt.NDArray[np.uint8]]:
        """A target's finished row, with pictures as ``save_row`` takes them."""
        compute = self.judge.compute
        entry = self.zoo.entry(lane)
        classifier = self.attacker.lane(lane).classifier
        cells, seconds = {}, 0.0
        size = self.attacker.framing.picture_size
        everybody = plan.everybody
        best = np.zeros((len(plan.attacks), len(everybody), size, size, 3), np.uint8)
        for index, (name, sweep) in enumerate(plan.cells(lane)):
            judge_again(self.judge, sweep, size)
            seconds += sum(result["seconds"] for result in sweep.results())
            pictures = reconstructions(self.zoo, sweep, 0)
            cells[name] = self._cell(sweep, pictures, classifier)
            first = pictures.images[:: len(pictures.labels) // len(sweep.identities)]
            columns = [everybody.index(number) for number in sweep.identities]
            best[index, columns] = first.permute(0, 2, 3, 1).numpy()
        test = _some_test_pictures(self.zoo, classifier.input_size)
        row = BoardRow(
            lane=lane,
            defence=entry.defence,
            strengths=dict(entry.strengths),
            alpha=entry.alpha,
            test_accuracy=entry.test_accuracy,
            robust=Robustness(
                epsilons=list(EPSILONS),
                pgd_steps=PGD_STEPS,
                pictures=len(test.labels),
                **robust_accuracies(classifier, test, compute, EPSILONS),
            ),
            cells=cells,
            record=Provenance.now(compute, everybody, plan.seeds, seconds, self._checkpoints(lane)),
        )
        return row, best

    def _cell(
        self, sweep: SweepPlan, pictures: LabelledImages, classifier: Classifier
    ) -> BoardCell:
        """Shares of the pictures, which are ordered by identity."""

        def logits(network: nn.Module) -> Tensor:
            return predict(network, pictures.images, self.judge.compute)

        config, people = sweep.config, len(sweep.identities)
        top1 = logits(self.judge.evaluator).argmax(dim=1)
        seen = top1 == pictures.labels
        known = recognised(logits(self.judge.embedder), *self._faces) == pictures.labels
        confidences = logits(classifier).softmax(dim=1)
        sure = confidences.gather(1, pictures.labels[:, None]).squeeze(1) > SURE
        return BoardCell(
            identities=list(sweep.identities),
            needs=METHODS[config.method].needs,
            passes=classifier_passes(config),
            settings=_settings(config),
            acc1=_share(seen, people),
            face_rank1=_share(known, people),
            sure=_share(sure, people),
            convinced_but_wrong=_share(sure & ~seen & ~known, people),
            top1=top1[:: len(top1) // people].tolist(),
        )

    def _checkpoints(self, lane: str) -> dict[str, str]:
        names = ("prior", "evaluator", "embedder", lane)
        return {name: self.zoo.entry(name).stored.sha256 for name in names}


def _settings(config: AttackConfig) -> dict[str, Any]:
    own = ("identity", "seed", "lanes")
    return {name: value for name, value in config.to_json().items() if name not in own}


def _share(holds: Tensor, people: int) -> Share:
    return Share.of(holds.double().reshape(people, -1).mean(dim=1).tolist())


def _some_test_pictures(zoo: Zoo, size: int) -> LabelledImages:
    """Every n-th of the test split, so that all identities are among them."""
    identities = zoo.identities()
    items: Sequence[Any] = zoo.split_items(identities)["test"]
    stride = max(1, len(items) // ROBUSTNESS_PICTURES)
    return LabelledImages(*identities.items(size, items[::stride]))
