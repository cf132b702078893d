"""The Plug & Play Attack: sampling, optimisation, selection, as a stream of frames."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.attack.framing import Framing
from mia_demo.attack.lanes import Lane, check_lane, stage_names
from mia_demo.attack.optimisation import Optimisation, StepRecord, target_confidence
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.sampling import Pool, PoolCache, pool_subset
from mia_demo.attack.selection import robust_confidence
from mia_demo.data.transforms import to_uint8
from mia_demo.errors import ConfigError, DeviceError
from mia_demo.models.folding import fold_batch_norms, with_weights_in
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.system.memory import is_out_of_memory
from mia_demo.training.state import step_generator
from mia_demo.zoo.reading import Zoo

# Pixels of pictures that keep a device busy; a single attack fills a CPU.
PIXELS_TO_FILL = {"cuda": 512 * 64**2}
SELECTION_STEP = 10_000  # seeds selection's crops; above every step, so that none repeats
SHOWN = 8  # candidates a frame carries: as many as a page can show
CONFIDENCE_MEMORY = 0.7  # crops make single-step confidences jump; "best" follows their average


class Attacker:
    """Everything an attack needs, loaded once and frozen; safe to use one attack at a time.

    Args:
        zoo: where prior, targets and evaluator come from.
        compute: device and precision.
    """

    def __init__(self, zoo: Zoo, compute: Compute) -> None:
        self.zoo = zoo
        self.compute = compute
        self.renderer = Renderer.of(zoo, compute)
        evaluator = compute.place(fold_batch_norms(zoo.load_classifier("evaluator")))
        self.evaluator = with_weights_in(evaluator, compute.dtype)
        self._lanes: dict[str, Lane] = {}
        self.pools = PoolCache(zoo, self.renderer)

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

    def forget(self, name: str) -> None:
        """Drops a target that no longer exists; another may get its name."""
        self._lanes.pop(name, None)
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
        return _Run(self, config, list(identities), every).frames()

    def group_size(self, config: AttackConfig) -> int:
        """How many identities fill the device."""
        candidates = len(config.lanes) * min(config.candidates, config.batch_size)
        pixels = candidates * self.generator.resolution**2
        return max(1, PIXELS_TO_FILL.get(self.compute.device.type, 0) // pixels)


class _Run:
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
        start = self._start_styles(pool, subset)
        yield self._frame("sampling", 1, 1, self._judged(*self._look_at(start[:, :SHOWN])))

        final: list[Tensor] = []
        chunks = start.split(config.batch_size, dim=1)
        for number, chunk in enumerate(chunks):
            optimisation = Optimisation(self.renderer, self.lanes, self.identities, chunk, config)
            for frames in self._optimise(optimisation, number, len(chunks)):
                latest = frames
                yield frames
            final.append(optimisation.styles())
        yield tuple(replace(f, stage="selection", step=1, total_steps=1) for f in latest)
        yield self._select(torch.cat(final, dim=1))

    def _optimise(
        self, optimisation: Optimisation, chunk: int, chunks: int
    ) -> Iterator[tuple[AttackFrame, ...]]:
        """All steps of one chunk of candidates, the first always among the frames."""
        steps = self.config.steps
        smooth: Tensor | None = None
        for step in range(steps):
            record = optimisation.step(step_generator(self.config.seed, 1 + step))
            now = record.confidences
            smooth = now if smooth is None else now.lerp(smooth, CONFIDENCE_MEMORY)
            if step % self.every == 0:
                tracks = self._progress(record, smooth)
                yield self._frame("optimisation", chunk * steps + step + 1, steps * chunks, tracks)

    def _start_styles(self, pool: Pool, subset: Tensor) -> Tensor:
        chosen = [
            pool.start_candidates(lane.name, identity, self.config.candidates, subset)
            for lane in self.samplers
            for identity in self.identities
        ]
        return torch.stack([pool.styles[indices] for indices in chosen])

    def _select(self, styles: Tensor) -> tuple[AttackFrame, ...]:
        """Scores all candidates, keeps the best of each track, best first."""
        config = self.config
        candidates = styles.shape[1]
        targets = torch.tensor(self.identities, device=self.compute.device)
        targets = targets.repeat_interleave(candidates)
        kept_styles, kept_images, kept_scores = [], [], []
        for lane, lane_styles in zip(self.selectors, styles.chunk(len(self.lanes)), strict=True):
            images, (views,) = self.renderer.render(lane_styles.flatten(0, 1), [lane])
            scores = robust_confidence(
                self.renderer,
                lane,
                views,
                targets,
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
        return self._judged(
            record.images[:, :SHOWN],
            smooth[:, :SHOWN],
            losses=record.losses.tolist(),
            cosines=record.gradient_cosine.tolist(),
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
        pictures = to_uint8(images).permute(0, 1, 3, 4, 2).cpu().numpy()
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
