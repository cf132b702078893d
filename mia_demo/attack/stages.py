"""One attack on a few identities: sampling, optimisation and selection, with their clock."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.attack.lanes import stage_names
from mia_demo.attack.methods import METHODS
from mia_demo.attack.optimisation import target_confidence
from mia_demo.attack.sampling import Pool, pool_subset
from mia_demo.attack.search import Search, StepRecord, step_detail
from mia_demo.attack.selection import robust_confidence
from mia_demo.data.transforms import to_uint8
from mia_demo.errors import ConfigError, DeviceError
from mia_demo.system.memory import is_out_of_memory
from mia_demo.training.state import step_generator

if TYPE_CHECKING:
    from mia_demo.attack.attack import Attacker

SELECTION_STEP = 10_000  # seeds selection's crops; above every step, so that none repeats
SHOWN = 8  # candidates a frame carries: as many as a page can show
CONFIDENCE_MEMORY = 0.7  # crops make single-step confidences jump; "best" follows their average


class Stages:
    """One attack on a few identities: the clock, the tracks and the three stages.

    Tracks are ordered lane by lane, as in ``optimisation``.
    """

    def __init__(
        self, attacker: Attacker, config: AttackConfig, identities: list[int], every: int
    ) -> None:
        self.attacker = attacker
        self.identities = identities
        self.every = every
        self.config = config
        self.method = METHODS[config.method]
        self.compute = attacker.compute
        self.renderer = attacker.renderer
        stages = [[attacker.lane(name) for name in stage_names(lane)] for lane in config.lanes]
        self.samplers, self.lanes, self.selectors = map(list, zip(*stages, strict=True))
        for lane in [*self.samplers, *self.lanes, *self.selectors]:
            if max(identities) >= lane.classifier.num_classes:
                raise ConfigError(
                    f"Identity {max(identities)} is out of range; lane {lane.name} knows "
                    f"0 to {lane.classifier.num_classes - 1}."
                )
        self.seconds = 0.0
        self._resumed_at = 0.0

    def frames(self) -> Iterator[tuple[AttackFrame, ...]]:
        self._resumed_at = time.perf_counter()
        try:
            for frame in self._stages():
                yield frame
                self._resumed_at = time.perf_counter()  # the consumer's time is not ours
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise DeviceError(
                "The device has too little memory for this attack, even picture by picture; lower "
                "the batch size or choose a larger device."
            ) from error

    def _stages(self) -> Iterator[tuple[AttackFrame, ...]]:
        pool: Pool | None = None
        config = self.config
        subset = pool_subset(config.pool_size, config.seed)
        for progress in self.attacker.pools.get(self.samplers, config.truncation_psi, subset):
            if isinstance(progress, Pool):
                pool = progress
            else:
                yield self._frame("sampling", round(progress * 100), 100, ())
        assert pool is not None
        if self.method.by_student:
            yield from self._let_students_stand_in()
        start = self._start_styles(pool, subset)
        yield self._frame("sampling", 1, 1, self._judged(*self._look_at(start[:, :SHOWN])))

        final: list[Tensor] = []
        drawn: list[Tensor] = []
        # By the gradient, candidates do not influence each other, so that some may wait their turn.
        together = config.batch_size if self.method.follows_gradient else config.candidates
        chunks = start.split(together, dim=1)
        for number, chunk in enumerate(chunks):
            search = self.method.search(
                self.renderer,
                self.lanes,
                self.identities,
                chunk,
                config,
                prior=pool.styles[subset],
                told=self.method.told,
            )
            for frames in self._optimise(search, number, len(chunks)):
                latest = frames
                yield frames
            final.append(search.styles())
            if (pictures := search.pictures()) is not None:
                drawn.append(pictures)
        yield tuple(replace(f, stage="selection", step=1, total_steps=1) for f in latest)
        yield self._select(torch.cat(final, dim=1), torch.cat(drawn, dim=1) if drawn else None)

    def _let_students_stand_in(self) -> Iterator[tuple[AttackFrame, ...]]:
        """Puts a student in the place of every lane's target; some have none yet."""
        students = []
        for lane in self.lanes:
            if self.attacker.student(lane.name) is None:
                for progress in self.attacker.teach(lane.name):
                    yield self._frame("sampling", round(progress * 100), 100, ())
            student = self.attacker.student(lane.name)
            assert student is not None
            students.append(student)
        self.lanes = students

    def _optimise(
        self, search: Search, chunk: int, chunks: int
    ) -> Iterator[tuple[AttackFrame, ...]]:
        """All steps of one chunk of candidates, the first always among the frames."""
        steps = self.config.steps
        smooth: Tensor | None = None
        for step in range(steps):
            record = search.step(step_generator(self.config.seed, 1 + step))
            now = record.confidences
            smooth = now if smooth is None else now.lerp(smooth, CONFIDENCE_MEMORY)
            if step % self.every == 0:
                tracks = self._progress(record, smooth)
                yield self._frame("optimisation", chunk * steps + step + 1, steps * chunks, tracks)

    def _start_styles(self, pool: Pool, subset: Tensor) -> Tensor:
        chosen = [
            pool.start_candidates(
                lane.name, identity, self.config.candidates, subset, told=self.method.told
            )
            for lane in self.samplers
            for identity in self.identities
        ]
        return torch.stack([pool.styles[indices] for indices in chosen])

    def _select(self, styles: Tensor, pictures: Tensor | None) -> tuple[AttackFrame, ...]:
        """Scores all candidates, keeps the best of each track, best first.

        Args:
            pictures: [T, K, 3, R, R], where they are not those of the styles.
        """
        config = self.config
        candidates = styles.shape[1]
        targets = torch.tensor(self.identities, device=self.compute.device)
        targets = targets.repeat_interleave(candidates)
        kept_styles, kept_images, kept_scores = [], [], []
        by_lane = styles.chunk(len(self.lanes))
        for number, (lane, lane_styles) in enumerate(zip(self.selectors, by_lane, strict=True)):
            if pictures is None:
                images, (views,) = self.renderer.render(lane_styles.flatten(0, 1), [lane])
            else:
                own = pictures.chunk(len(self.lanes))[number].flatten(0, 1)
                own = own.to(self.compute.device)
                framing = self.renderer.framing
                images = framing.picture(own)
                views = framing.view(own, lane.classifier.input_size)
            scores = robust_confidence(
                self.renderer,
                lane,
                views,
                targets,
                told=self.method.told,
                rounds=config.selection_rounds,
                rng=step_generator(config.seed, SELECTION_STEP),  # equal crops for all lanes
            )
            per_identity = zip(
                lane_styles, images.split(candidates), scores.split(candidates), strict=True
            )
            for own_styles, own_images, own_scores in per_identity:
                order = torch.sort(own_scores, descending=True, stable=True).indices
                order = order[: config.kept]
                kept_styles.append(own_styles[order.cpu()])
                kept_images.append(own_images[order])
                kept_scores.append(own_scores[order])
        judged = self._judged(
            torch.stack(kept_images), torch.stack(kept_scores), torch.stack(kept_styles)
        )
        return self._frame("done", 1, 1, judged)

    def _progress(self, record: StepRecord, smooth: Tensor) -> tuple[LaneFrame, ...]:
        # A page shows SHOWN candidates: those that started best.
        lanes = self._judged(
            record.images[:, :SHOWN],
            smooth[:, :SHOWN],
            losses=record.losses.tolist(),
            cosines=record.gradient_cosine.tolist(),
        )
        if record.trace is None:
            return lanes
        targets = self.identities * len(self.lanes)
        return tuple(
            replace(lane, detail=step_detail(record.trace, track, lane.best, targets[track]))
            for track, lane in enumerate(lanes)
        )

    def _judged(
        self,
        images: Tensor,
        confidences: Tensor,
        styles: Tensor | None = None,
        losses: list[float] | None = None,
        cosines: list[float] | None = None,
    ) -> tuple[LaneFrame, ...]:
        """One lane frame per track, from images [T, K, 3, R, R] and confidences [T, K]."""
        logits = self.renderer.logits(self.attacker.evaluator, images.flatten(0, 1))
        verdict = logits.softmax(dim=1).max(dim=1)
        shape = images.shape[:2]
        top1 = verdict.indices.unflatten(0, shape).tolist()
        certainty = verdict.values.unflatten(0, shape).tolist()
        pictures = self.renderer.micro_batches.on_one_core(
            lambda: to_uint8(images).permute(0, 1, 3, 4, 2).cpu().numpy()
        )
        named = zip(self.config.lanes, self.lanes, strict=True)
        tracks = [track for track in named for _ in self.identities]
        return tuple(
            LaneFrame(
                name=name,
                alpha=lane.alpha,
                test_accuracy=lane.test_accuracy,
                images=pictures[index],
                confidences=tuple(confidences[index].tolist()),
                best=int(confidences[index].argmax()),
                evaluator_top1=tuple(top1[index]),
                evaluator_confidences=tuple(certainty[index]),
                loss=losses[index] if losses else math.nan,
                gradient_cosine=cosines[index] if cosines else math.nan,
                styles=None if styles is None else styles[index].numpy(),
            )
            for index, (name, lane) in enumerate(tracks)
        )

    @torch.no_grad()
    def _look_at(self, styles: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [T, K, 3, P, P] of styles [T, K, w_dim], and their target confidence [T, K]."""
        pictures, views = self.renderer.render(styles.flatten(0, 1), self.lanes)
        logits = [
            self.renderer.logits(lane.attacked, part)
            for lane, part in zip(self.lanes, views, strict=True)
        ]
        tracks = torch.cat(logits).unflatten(0, styles.shape[:2])
        scores = target_confidence(tracks, self.identities * len(self.lanes))
        return pictures.unflatten(0, styles.shape[:2]), scores

    def _frame(
        self, stage: str, step: int, total: int, tracks: tuple[LaneFrame, ...]
    ) -> tuple[AttackFrame, ...]:
        """One frame per identity; they share the computing time evenly."""
        self.compute.synchronize()
        now = time.perf_counter()
        self.seconds += now - self._resumed_at
        self._resumed_at = now
        count = len(self.identities)
        return tuple(
            AttackFrame(stage, step, total, self.seconds / count, tracks[position::count])
            for position in range(count)
        )
