"""A step's networks as CUDA graphs.

A step is about a thousand short operations, and a GPU computes them faster than Python can launch
them. A CUDA graph records the operations of a forward and a backward pass once for each shape and
then launches them as one. Crops, losses and Adam, whose shapes or places change, stay as they are.

Written without a GPU at hand: no figure says yet what it gains (``bench`` times it where there is
one), so it is used only where it is asked for.
"""

import logging
from collections.abc import Callable
from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

log = logging.getLogger(__name__)

Function = Callable[[Tensor], Tensor]
# Records a function on a sample argument; returns a function that replays those operations.
Capture = Callable[[Function, tuple[Tensor]], Function]

MAX_SHAPES = 4  # per network; each graph keeps memory of its own
TOLERANCE = 0.02  # of the largest number: what bfloat16 may differ by from one algorithm to another


class Replays:
    """Differentiable functions of one tensor, recorded for each shape that they meet.

    A function must do the same operations whatever the tensor's values, with weights that stay
    where they are. Where recording fails or gives another result, the function itself is used.
    """

    def __init__(self, capture: Capture | None = None) -> None:
        self._capture = capture or _capture
        self._recorded: WeakKeyDictionary[object, dict[torch.Size, Function]] = WeakKeyDictionary()

    def call(self, owner: object, function: Function, x: Tensor) -> Tensor:
        """``function(x)``, with its gradient.

        Args:
            owner: the network whose weights the function uses; its graphs go when it goes.
        """
        recorded = self._recorded.setdefault(owner, {})
        if x.shape not in recorded:
            if len(recorded) == MAX_SHAPES:
                return function(x)
            recorded[x.shape] = self._record(function, x)
        if recorded[x.shape] is function:
            return function(x)
        # Every replay writes to the same memory, so the result is cloned; ``x * 1`` copies the
        # gradient.
        return recorded[x.shape](x * 1).clone()

    def _record(self, function: Function, x: Tensor) -> Function:
        sample = x.detach().clone().requires_grad_()
        try:
            replayed = self._capture(function, (sample,))
            differences = [
                _difference(a, b)
                for a, b in zip(_passes(replayed, x), _passes(function, x), strict=True)
            ]
        except RuntimeError as error:
            log.warning("CUDA graphs are not used for %s: %s", tuple(x.shape), error)
            return function
        if max(differences) > TOLERANCE:
            log.warning("CUDA graphs are not used for %s: their results differ.", tuple(x.shape))
            return function
        return replayed


def _capture(function: Function, sample: tuple[Tensor]) -> Function:
    return cast(Function, torch.cuda.make_graphed_callables(function, sample))


def _passes(function: Function, x: Tensor) -> tuple[Tensor, Tensor]:
    """Result and gradient of the sum of its squares, as copies."""
    own = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        result = function(own * 1)
        (gradient,) = torch.autograd.grad(result.square().sum(), own)
    return result.detach().clone(), gradient.clone()


def _difference(a: Tensor, b: Tensor) -> float:
    """Largest difference as a share of the largest number; infinite where one is not finite."""
    scale = b.abs().amax().clamp_min(1e-12)
    return float(((a - b).abs().amax() / scale).nan_to_num(torch.inf))
