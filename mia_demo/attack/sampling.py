"""Stage 1: a pool of styles from the prior, and the best start candidates for an identity.

The pool is shared by all lanes, identities and seeds; a classifier looks at it once. Picking the
start candidates of any identity is then a lookup. The embedded zoo ships its pool; for other
lanes the part an attack needs is computed on first use and remembered in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_demo.attack.lanes import Lane
from mia_demo.attack.renderer import Renderer
from mia_demo.attack.search import Told, all_confidences
from mia_demo.errors import ConfigError
from mia_demo.models.stylegan2 import Generator
from mia_demo.system.device import Compute
from mia_demo.training.state import step_generator
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import UNSTORED, CheckpointEntry
from mia_demo.zoo.reading import Zoo
from mia_demo.zoo.training_record import TrainingRecord

POOL_NAME = "pool"
POOL_STYLES = 6000  # stored; an attack draws its own subset of these, so that seeds differ
POOL_SEED = 42
POOL_PSI = 0.5
MAX_OTHER_POOLS = 3  # 10 MB each
BATCH = 250  # styles between two reports of progress, at most


@dataclass(frozen=True)
class Pool:
    """styles [N, w_dim] and, for each lane, confidences [N, C] (float32, CPU).

    Rows of styles that a lane's classifier has not seen yet are nan.
    """

    styles: Tensor
    confidences: dict[str, Tensor]

    def start_candidates(
        self, lane: str, identity: int, count: int, subset: Tensor, *, told: Told = all_confidences
    ) -> Tensor:
        """Indices of the ``count`` styles of ``subset`` that look most like the identity.

        Args:
            told: what the attacker learns; ties keep the random order of ``subset``.
        """
        scores = told(self.confidences[lane][subset])[:, identity]
        # A stable order makes equal scores (saturated at 0 or 1) reproducible.
        best = torch.sort(scores, descending=True, stable=True).indices[:count]
        return subset[best]

    def unseen(self, lane: str, subset: Tensor) -> Tensor:
        """Which styles of ``subset`` the lane's classifier has yet to see: bool."""
        if lane not in self.confidences:
            return torch.ones(len(subset), dtype=torch.bool)
        return self.confidences[lane][subset, 0].isnan()


def pool_subset(size: int, seed: int) -> Tensor:
    """The styles that an attack with this seed may start from.

    Raises:
        ConfigError: more than the pool has.
    """
    if size > POOL_STYLES:
        raise ConfigError(f"The pool has {POOL_STYLES} styles; {size} were asked for.")
    return torch.randperm(POOL_STYLES, generator=step_generator(seed, 0))[:size]


def sample_styles(generator: Generator, count: int, truncation_psi: float) -> Tensor:
    """w [count, w_dim] of one style per picture, truncated towards the mean, on the CPU."""
    rng = torch.Generator().manual_seed(POOL_SEED)
    z = torch.randn(count, generator.z_dim, generator=rng)
    device = next(generator.parameters()).device
    with torch.no_grad():
        return generator.mapping(z.to(device), truncation_psi)[:, 0].cpu()


@torch.no_grad()
def pool_confidences(renderer: Renderer, lanes: list[Lane], styles: Tensor) -> dict[str, Tensor]:
    """Mean softmax over a picture and its mirror image.

    Args:
        styles: [n, w_dim].

    Returns:
        lane name -> [n, C] on the CPU.
    """

    compute = renderer.compute

    def look(part: slice) -> dict[str, Tensor]:
        # No other stage clips, as in the reference code.
        images = renderer.images(styles[part].to(compute.device)).clamp(-1, 1)
        with compute.autocast():
            scores = {}
            for lane in lanes:
                seen = renderer.framing.view(images, lane.classifier.input_size)
                views = torch.cat([seen, seen.flip(3)])
                logits = lane.attacked(views.contiguous(memory_format=torch.channels_last))
                probabilities = logits.float().softmax(dim=1)
                scores[lane.name] = probabilities.reshape(2, len(images), -1).mean(dim=0).cpu()
        return scores

    parts = renderer.micro_batches.run(len(styles), look)
    return {lane.name: torch.cat([part[lane.name] for part in parts]) for lane in lanes}


class PoolCache:
    """Finds or computes the pool of a zoo's prior for any lanes."""

    def __init__(self, zoo: Zoo, renderer: Renderer) -> None:
        self.zoo = zoo
        self.renderer = renderer
        self._pools: dict[float, Pool] = {}

    def get(
        self, lanes: list[Lane], truncation_psi: float, subset: Tensor
    ) -> Iterator[Pool | float]:
        """Yields progress in 0..1 while computing, and the pool last.

        Args:
            subset: which styles every lane must have seen.
        """
        pool = self._pools.get(truncation_psi) or self._stored(truncation_psi)
        if pool is None:
            pool = Pool(sample_styles(self.renderer.generator, POOL_STYLES, truncation_psi), {})
        unseen = {lane.name: pool.unseen(lane.name, subset) for lane in lanes}
        missing = {lane.name: lane for lane in lanes if unseen[lane.name].any()}
        if missing:
            rows = subset[torch.stack([unseen[name] for name in missing]).any(dim=0)]
            yield 0.0
            fresh = self._empty(pool, list(missing.values()))
            batch = min(BATCH, 10 * self.renderer.micro_batches.size)
            for done in range(0, len(rows), batch):
                some = rows[done : done + batch]
                scores = pool_confidences(self.renderer, list(missing.values()), pool.styles[some])
                for name, values in scores.items():
                    fresh[name][some] = values
                yield min(1.0, (done + batch) / len(rows))
            pool = Pool(pool.styles, {**pool.confidences, **fresh})
        self.put(truncation_psi, pool)
        yield pool

    def _empty(self, pool: Pool, lanes: list[Lane]) -> dict[str, Tensor]:
        """Tables [N, C] for the lanes, with what the pool knows already."""
        return {
            lane.name: pool.confidences[lane.name].clone()
            if lane.name in pool.confidences
            else torch.full((len(pool.styles), lane.classifier.num_classes), torch.nan)
            for lane in lanes
        }

    def load_stored(self) -> None:
        """Reads the zoo's own pool now, not when an attack first needs it."""
        if stored := self._stored(POOL_PSI):
            self.put(POOL_PSI, stored)

    def known(self) -> dict[float, Pool]:
        """The pools so far, by truncation."""
        return dict(self._pools)

    def put(self, truncation_psi: float, pool: Pool) -> None:
        """Keeps a pool, and beside that of ``POOL_PSI`` the few that were used last."""
        self._pools.pop(truncation_psi, None)
        self._pools[truncation_psi] = pool
        others = [psi for psi in self._pools if psi != POOL_PSI]
        for psi in others[:-MAX_OTHER_POOLS]:
            del self._pools[psi]

    def forget(self, lane: str) -> None:
        """Drops a lane's confidences."""
        for psi, pool in list(self._pools.items()):
            others = {name: scores for name, scores in pool.confidences.items() if name != lane}
            self._pools[psi] = Pool(pool.styles, others)

    def _stored(self, truncation_psi: float) -> Pool | None:
        """The zoo's own pool, as far as it was computed with today's checkpoints."""
        if truncation_psi != POOL_PSI or not self.zoo.entries("pool"):
            return None
        made_with = self.zoo.entry(POOL_NAME).training.made_with
        if made_with.get("prior") != self.zoo.entry("prior").stored.sha256:
            return None
        tensors = self.zoo.tensors(POOL_NAME)
        if "styles" not in tensors or any(len(rows) != POOL_STYLES for rows in tensors.values()):
            return None  # of another program's zoo
        current = {entry.name: entry.stored.sha256 for entry in self.zoo.entries("target")}
        return Pool(
            styles=tensors.pop("styles"),
            confidences={
                name: values
                for name, values in tensors.items()
                if name in current and made_with.get(name) == current[name]
            },
        )


def store_pool(zoo: FolderZoo, compute: Compute) -> None:
    """Computes the pool for the lanes attacked by default and adds it as a checkpoint."""
    names = ["prior", *zoo.default_lanes()]
    made_with = {name: zoo.entry(name).stored.sha256 for name in names}
    if zoo.entries("pool") and zoo.entry(POOL_NAME).training.made_with == made_with:
        return
    renderer = Renderer.of(zoo, compute)
    lanes = [Lane.load(zoo, name, compute) for name in zoo.default_lanes()]
    styles = sample_styles(renderer.generator, POOL_STYLES, POOL_PSI).half().float()  # as stored
    tensors = pool_confidences(renderer, lanes, styles)
    entry = CheckpointEntry(
        name=POOL_NAME,
        kind="pool",
        stored=UNSTORED,
        architecture="pool",
        seed=POOL_SEED,
        training=TrainingRecord(made_with=made_with, truncation_psi=POOL_PSI, styles=POOL_STYLES),
    )
    zoo.add(entry, {"styles": styles, **tensors}, torch.float16)
