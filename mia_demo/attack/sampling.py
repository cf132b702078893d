"""Stage 1: a pool of styles from the prior, and the best start candidates for an identity.

The pool is shared by all lanes, identities and seeds; a classifier looks at it once. Picking the
start candidates of any identity is then a lookup. The embedded zoo ships its pool; for other
lanes it is computed on first use and remembered in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.attack.lanes import Lane
from mia_demo.device import Compute
from mia_demo.errors import ConfigError
from mia_demo.models.stylegan2 import Generator
from mia_demo.training.state import step_generator
from mia_demo.zoo import UNSTORED, CheckpointEntry, Zoo

POOL_NAME = "pool"
POOL_STYLES = 6000  # stored; an attack draws its own subset of these, so that seeds differ
POOL_SEED = 42
POOL_PSI = 0.5
BATCH = 250


@dataclass(frozen=True)
class Pool:
    """styles [N, w_dim] and, for each lane, confidences [N, C] (float32, CPU)."""

    styles: Tensor
    confidences: dict[str, Tensor]

    def start_candidates(self, lane: str, identity: int, count: int, subset: Tensor) -> Tensor:
        """Indices of the ``count`` styles of ``subset`` that look most like the identity."""
        scores = self.confidences[lane][subset, identity]
        # A stable order makes equal scores (saturated at 0 or 1) reproducible.
        best = torch.sort(scores, descending=True, stable=True).indices[:count]
        return subset[best]

    def subset(self, size: int, seed: int) -> Tensor:
        """The styles that an attack with this seed may start from."""
        if size > len(self.styles):
            raise ConfigError(f"The pool has {len(self.styles)} styles; {size} were asked for.")
        return torch.randperm(len(self.styles), generator=step_generator(seed, 0))[:size]


def sample_styles(generator: Generator, count: int, truncation_psi: float) -> Tensor:
    """w [count, w_dim] of one style a picture, truncated towards the mean, on the CPU."""
    rng = torch.Generator().manual_seed(POOL_SEED)
    z = torch.randn(count, generator.z_dim, generator=rng)
    device = next(generator.parameters()).device
    with torch.no_grad():
        return generator.mapping(z.to(device), truncation_psi)[:, 0].cpu()


@torch.no_grad()
def pool_confidences(
    generator: Generator, lanes: list[Lane], styles: Tensor, compute: Compute
) -> dict[str, Tensor]:
    """Mean softmax over a picture and its mirror image, for a few styles.

    Args:
        styles: [n, w_dim].

    Returns:
        lane name -> [n, C] on the CPU.
    """
    with compute.autocast():
        # The only stage that clips, as in the reference code.
        images = generator.synthesize(styles.to(compute.device)).float().clamp(-1, 1)
        views = torch.cat([images, images.flip(3)]).contiguous(memory_format=torch.channels_last)
        logits = {lane.name: lane.classifier(views).float() for lane in lanes}
    return {
        name: values.softmax(dim=1).reshape(2, len(styles), -1).mean(dim=0).cpu()
        for name, values in logits.items()
    }


class PoolCache:
    """Finds or computes the pool of a zoo's prior for any lanes."""

    def __init__(self, zoo: Zoo, generator: Generator, compute: Compute) -> None:
        self.zoo = zoo
        self.generator = generator
        self.compute = compute
        self._pools: dict[float, Pool] = {}

    def get(self, lanes: list[Lane], truncation_psi: float) -> Iterator[Pool | float]:
        """Yields progress in 0..1 while computing, and the pool last."""
        pool = self._pools.get(truncation_psi) or self._stored(truncation_psi)
        if pool is None:
            pool = Pool(sample_styles(self.generator, POOL_STYLES, truncation_psi), {})
        unknown = {lane.name: lane for lane in lanes if lane.name not in pool.confidences}
        missing = list(unknown.values())
        if missing:
            yield 0.0
            parts: list[dict[str, Tensor]] = []
            for start in range(0, len(pool.styles), BATCH):
                styles = pool.styles[start : start + BATCH]
                parts.append(pool_confidences(self.generator, missing, styles, self.compute))
                yield min(1.0, (start + BATCH) / len(pool.styles))
            fresh = {lane.name: torch.cat([part[lane.name] for part in parts]) for lane in missing}
            pool = Pool(pool.styles, {**pool.confidences, **fresh})
        self._pools[truncation_psi] = pool
        yield pool

    def forget(self, lane: str) -> None:
        """Drops a lane's confidences."""
        for psi, pool in list(self._pools.items()):
            others = {name: scores for name, scores in pool.confidences.items() if name != lane}
            self._pools[psi] = Pool(pool.styles, others)

    def _stored(self, truncation_psi: float) -> Pool | None:
        """The zoo's own pool, as far as it was computed with today's checkpoints."""
        if truncation_psi != POOL_PSI or not self.zoo.entries("pool"):
            return None
        made_with = self.zoo.entry(POOL_NAME).training["made_with"]
        if made_with.get("prior") != self.zoo.entry("prior").stored.sha256:
            return None
        tensors = self.zoo.tensors(POOL_NAME)
        current = {entry.name: entry.stored.sha256 for entry in self.zoo.entries("target")}
        return Pool(
            styles=tensors.pop("styles"),
            confidences={
                name: values
                for name, values in tensors.items()
                if made_with[name] == current.get(name)
            },
        )


def store_pool(zoo: Zoo, compute: Compute) -> None:
    """Computes the pool for all targets of a zoo and adds it as a checkpoint."""
    names = ["prior", *zoo.target_names()]
    made_with = {name: zoo.entry(name).stored.sha256 for name in names}
    if zoo.entries("pool") and zoo.entry(POOL_NAME).training["made_with"] == made_with:
        return
    generator = compute.place(zoo.load_prior())
    lanes = [Lane.load(zoo, name, compute) for name in zoo.target_names()]
    styles = sample_styles(generator, POOL_STYLES, POOL_PSI).half().float()  # as stored
    parts = [
        pool_confidences(generator, lanes, styles[start : start + BATCH], compute)
        for start in range(0, len(styles), BATCH)
    ]
    tensors = {lane.name: torch.cat([part[lane.name] for part in parts]) for lane in lanes}
    entry = CheckpointEntry(
        name=POOL_NAME,
        kind="pool",
        stored=UNSTORED,
        architecture="pool",
        seed=POOL_SEED,
        training={"made_with": made_with, "truncation_psi": POOL_PSI, "styles": POOL_STYLES},
    )
    zoo.add(entry, {"styles": styles, **tensors}, torch.float16)
