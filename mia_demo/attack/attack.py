"""The Plug & Play Attack: sampling, optimisation, selection, as a stream of frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame
from mia_demo.attack.framing import Framing
from mia_demo.attack.lanes import Lane, check_lane
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.sampling import POOL_PSI, POOL_STYLES, Pool, PoolCache
from mia_demo.attack.stages import Stages
from mia_demo.attack.student import (
    in_place_of,
    lessons_of,
    stored_student,
    teach_student,
)
from mia_demo.models.classifiers import Classifier
from mia_demo.models.folding import fold_batch_norms, with_weights_in
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.zoo.reading import Zoo

# Pixels of pictures that keep a device busy; a single attack fills a CPU.
PIXELS_TO_FILL = {"cuda": 512 * 64**2}


class Attacker:
    """Everything an attack needs, loaded once and frozen; safe to use one attack at a time.

    Args:
        zoo: where prior, targets and evaluator come from.
        compute: device and precision.
        students: folder that keeps what the targets taught; None keeps it in memory alone.
    """

    def __init__(self, zoo: Zoo, compute: Compute, *, students: Path | None = None) -> None:
        self.zoo = zoo
        self.compute = compute
        self.renderer = Renderer.of(zoo, compute)
        evaluator = compute.place(fold_batch_norms(zoo.load_classifier("evaluator")))
        self.evaluator = with_weights_in(evaluator, compute.dtype)
        self._lanes: dict[str, Lane] = {}
        self.pools = PoolCache(zoo, self.renderer)
        self._students: dict[str, Lane] = {}  # by the target that taught them
        self._students_folder = students

    @property
    def generator(self) -> Generator:
        return self.renderer.generator

    @property
    def framing(self) -> Framing:
        return self.renderer.framing

    def lane(self, name: str) -> Lane:
        """A lane by name, loaded on first use.

        Raises:
            ConfigError: the zoo has no such target.
        """
        if name not in self._lanes:
            if not self.zoo.is_target(name):
                check_lane(name, self.zoo.target_names())
            self._lanes[name] = Lane.load(self.zoo, name, self.compute)
        return self._lanes[name]

    def student_folder(self, name: str) -> Path | None:
        """Where the student of this target, as it is now, is kept."""
        states = self._students_folder
        return lessons_of(self.zoo, name, states) if states else None

    def student(self, name: str) -> Lane | None:
        """The target's student, once it has been taught: with the zoo, or here."""
        if name not in self._students and (stored := stored_student(self.zoo, name)):
            self._students[name] = in_place_of(self.lane(name), stored, self.compute)
        return self._students.get(name)

    def teach(self, name: str) -> Iterator[float]:
        """Makes the target's student, always from the pool of ``POOL_PSI``.

        Yields:
            Progress in 0..1, of asking the target and then of teaching.
        """
        pool: Pool | None = None
        lane, everything = self.lane(name), torch.arange(POOL_STYLES)
        for part in self.pools.get([lane], POOL_PSI, everything):
            if isinstance(part, Pool):
                pool = part
            else:
                yield part
        assert pool is not None
        for progress in teach_student(self.renderer, lane, pool, self.student_folder(name)):
            if isinstance(progress, Classifier):
                self._students[name] = in_place_of(lane, progress, self.compute)
            else:
                yield progress

    def forget(self, name: str) -> None:
        """Drops a target that no longer exists; another may get its name."""
        self._lanes.pop(name, None)
        self._students.pop(name, None)
        self.pools.forget(name)

    def run(self, config: AttackConfig, *, every: int = 1) -> Iterator[AttackFrame]:
        """Attacks one identity in all lanes.

        The frames repeat to the bit with one seed on one device, thread count, precision and
        version of torch.

        Args:
            config: what to attack and how.
            every: yield one in so many optimisation steps; judging their pictures costs time.

        Raises:
            ConfigError: the identity or a lane does not exist.
        """
        group = self.run_group(config, [config.identity], every=every)
        return (frame for (frame,) in group)

    def run_group(
        self, config: AttackConfig, identities: Sequence[int], *, every: int
    ) -> Iterator[tuple[AttackFrame, ...]]:
        """Attacks several identities in one batch, to fill a large device.

        Args:
            config: its identity is not used.

        Yields:
            A frame for each identity, step by step as ``run``.
        """
        return Stages(self, config, list(identities), every).frames()

    def group_size(self, config: AttackConfig) -> int:
        """How many identities fill the device."""
        candidates = len(config.lanes) * min(config.candidates, config.batch_size)
        pixels = candidates * self.generator.resolution**2
        return max(1, PIXELS_TO_FILL.get(self.compute.device.type, 0) // pixels)
