"""Seeded random numbers where torch's functions take no generator.

Layers initialise themselves from torch's global generator, and dropout draws from it. Seeding the
global generator would change the numbers of every other thread, and their draws would change ours.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class SeededDraws(TorchDispatchMode):
    """Inside ``with SeededDraws(seed):`` this thread draws as if after ``torch.manual_seed(seed)``.

    The numbers are identical to the bit; the global generator is neither read nor changed. When
    entered again, the same object continues its sequence.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in func.tags or given.get("generator"):
            return func(*args, **given)
        if func is torch.ops.aten.native_dropout.default:  # it has no overload with a generator
            return self._dropout(*args)
        drawing = _with_generator(func)
        if drawing is None:  # fused attention, which draws nothing here
            if _dropout_of(func, args, given):
                raise NotImplementedError(f"{func} cannot be seeded; train without its dropout.")
            return func(*args, **given)
        device = args[0].device if isinstance(args[0], Tensor) else given.get("device")
        given["generator"] = self._generator(torch.device(device or "cpu"))
        return drawing(*args, **given)

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self.generators:
            place = "cpu" if device.type == "meta" else device  # which has no numbers to draw
            self.generators[device] = torch.Generator(place).manual_seed(self.seed)
        return self.generators[device]

    def _dropout(self, x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
        """What a GPU calls for dropout: the scaled input and its mask."""
        kept = torch.ones_like(x, dtype=torch.bool)
        if train is False:
            return x.clone(), kept
        kept.bernoulli_(1 - p, generator=self._generator(x.device))
        return x * kept / (1 - p), kept


def _with_generator(func: Any) -> Callable[..., Any] | None:
    """The overload of a drawing operation that takes a generator; None if there is none."""
    if any(argument.name == "generator" for argument in func._schema.arguments):
        return func
    name = func._overloadname
    wanted = "generator" if name == "default" else f"{name}_generator"
    return getattr(func.overloadpacket, wanted, None)


def _dropout_of(func: Any, args: Sequence[Any], given: Mapping[str, Any]) -> float:
    """An operation's share of dropout; 0 if it has none."""
    names = [argument.name for argument in func._schema.arguments]
    values = dict(zip(names, args, strict=False)) | dict(given)
    return float(values.get("dropout_p", 0.0))
