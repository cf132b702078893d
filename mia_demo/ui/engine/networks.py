"""The networks that the work of all visitors shares, loaded when they are first needed.

With them the photos that every training on the demo's people is tested on.
"""

from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mia_demo.attack.attack import Attacker
from mia_demo.attack.sampling import Pool
from mia_demo.data.identities import IdentitySet
from mia_demo.sweep.judging import Judge
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages
from mia_demo.ui.engine.jobs import Frame
from mia_demo.zoo.layers import LayeredZoo

MAX_LOADED = 2  # visitors' people whose networks stay in memory
MAX_GUESTS = 6  # lanes that visitors added, likewise

# Work on the device. It may run in a forked process, so it and its frames must be picklable (a
# function of a module, or ``partial`` of one) and hold no tensors, and what it changes in memory
# must be among its frames.
Work = Callable[["Networks"], Generator[Frame, None, Any]]


@dataclass(frozen=True)
class GrownPool:
    """What another process has added to a pool.

    Attributes:
        styles: float32 [N, w_dim].
        confidences: by lane float32 [N, C].
        checkpoints: sha256 of these lanes.
    """

    truncation_psi: float
    styles: npt.NDArray[np.float32]
    confidences: dict[str, npt.NDArray[np.float32]]
    checkpoints: dict[str, str]


class Networks:
    """Attacker and judge of the demo's people, and attackers of visitors' own people.

    Only the job that holds the device comes here, so no lock is needed.
    """

    def __init__(self, zoo: LayeredZoo, identities: IdentitySet, compute: Compute) -> None:
        self.zoo = zoo
        self.identities = identities
        self.compute = compute
        self._attacker: Attacker | None = None
        self._judge: Judge | None = None
        self._test_photos: dict[int, LabelledImages] = {}  # by their side, 15 MB at 64 px
        self._own: OrderedDict[Path, Attacker] = OrderedDict()  # by their zoo's folder
        self._guests: OrderedDict[str, None] = OrderedDict()  # used longest ago first

    def attacker(self, zoo: LayeredZoo | None = None) -> Attacker:
        """The attacker of the demo's people, or of a zoo of own people."""
        if zoo is not None and zoo.own.path != self.zoo.own.path:
            attacker = self._own.pop(zoo.own.path, None) or Attacker(zoo, self.compute)
            self._own[zoo.own.path] = attacker
            if len(self._own) > MAX_LOADED:
                self._own.popitem(last=False)
            _update(attacker, zoo)
            return attacker
        if self._attacker is None:
            self._attacker = Attacker(self.zoo, self.compute)
        return self._attacker

    def judge(self) -> Judge:
        if self._judge is None:
            self._judge = Judge(self.zoo, self.compute)
        return self._judge

    def test_photos(self, zoo: LayeredZoo, size: int) -> LabelledImages:
        """Of the demo's people, or of a zoo of own people."""
        is_own = zoo.own.path != self.zoo.own.path
        if not is_own and size in self._test_photos:
            return self._test_photos[size]
        photos = LabelledImages(*zoo.split(zoo.identities(), size, "test"))
        if not is_own:
            self._test_photos[size] = photos
        return photos

    def load(self) -> None:
        """Loads everything that came with the demo."""
        attacker = self.attacker()
        for name in self.zoo.base.default_lanes():
            attacker.lane(name)
        attacker.pools.load_stored()
        self.judge()

    def forget(self, zoo: LayeredZoo, name: str) -> None:
        """Drops a deleted target: its name may be given to another."""
        own = zoo.own.path != self.zoo.own.path
        attacker = self._own.get(zoo.own.path) if own else self._attacker
        if attacker is not None:
            attacker.forget(name)

    def forget_all(self, zoo: LayeredZoo) -> None:
        """Drops the networks of own people."""
        self._own.pop(zoo.own.path, None)

    def keep_few_guests(self, zoo: LayeredZoo, used: Sequence[str]) -> None:
        """Drops all added lanes but the last used ones, because visitors may add any number."""
        if zoo.own.path != self.zoo.own.path:
            return
        for name in used:
            if name not in self.zoo.target_names():
                self._guests[name] = None
                self._guests.move_to_end(name)
        while len(self._guests) > MAX_GUESTS:
            name, _ = self._guests.popitem(last=False)
            self.forget(self.zoo, name)

    # -- between processes ----------------------------------------------------------------------

    def update(self, zoo: LayeredZoo) -> None:
        """Applies what visitors trained or deleted since this process was forked."""
        if self._attacker is not None:
            _update(self._attacker, zoo)

    def pools(self) -> dict[float, Pool]:
        """The pools of the demo's people so far, by truncation."""
        return self._attacker.pools.known() if self._attacker else {}

    def grown(self, before: Mapping[float, Pool]) -> Generator[GrownPool, None, None]:
        """What was added to the pools since ``before``."""
        checkpoints = _checkpoints(self.zoo)
        for truncation_psi, pool in self.pools().items():
            known = before[truncation_psi].confidences if truncation_psi in before else {}
            fresh = {
                name: rows
                for name, rows in pool.confidences.items()
                if name in checkpoints and known.get(name) is not rows
            }
            if fresh:
                yield GrownPool(
                    truncation_psi,
                    pool.styles.numpy(),
                    {name: rows.numpy() for name, rows in fresh.items()},
                    {name: checkpoints[name] for name in fresh},
                )

    def learn(self, grown: GrownPool) -> None:
        """Adds what another process has computed, for lanes whose weights are still the same."""
        checkpoints = _checkpoints(self.zoo)
        fresh = {
            name: torch.from_numpy(rows)
            for name, rows in grown.confidences.items()
            if checkpoints.get(name) == grown.checkpoints[name]
        }
        known = self.pools().get(grown.truncation_psi)
        pool = known or Pool(torch.from_numpy(grown.styles), {})
        merged = Pool(pool.styles, {**pool.confidences, **fresh})
        self.attacker().pools.put(grown.truncation_psi, merged)


def _update(attacker: Attacker, zoo: LayeredZoo) -> None:
    """Shows an attacker the zoo of another process, where names may mean other weights."""
    own = attacker.zoo
    assert isinstance(own, LayeredZoo)
    if zoo is own:
        return
    before = {name: own.entry(name).stored.sha256 for name in own.lane_order()}
    own.become(zoo)
    for name, sha256 in before.items():
        after = own.find(name)
        if after is None or after.stored.sha256 != sha256:
            attacker.forget(name)


def _checkpoints(zoo: LayeredZoo) -> dict[str, str]:
    return {entry.name: entry.stored.sha256 for entry in zoo.entries("target")}
