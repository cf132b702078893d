"""What a defence may change of a training.

A new one is a subclass in a file of its own, listed in ``registry.DEFENCES``. All keep the
smoothing loss, with alpha = 0 unless both are wanted, and change a part of what surrounds it.
"""

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar

from torch import Tensor, nn

from mia_demo.errors import ConfigError


def strength(default: float, low: float, high: float, words: str) -> Any:
    """A number that sets how strong a defence is, with its range and what it is called."""
    return field(default=default, metadata={"low": low, "high": high, "words": words})


@dataclass(frozen=True)
class Step:
    """One step of a training, as a defence sees it.

    Attributes:
        images: augmented batch [B, 3, S, S] in [-1, 1].
        labels: int64 [B].
        network: in training mode.
        loss: of a batch and its labels, the smoothing loss and the logits [B, C] in float32.
    """

    images: Tensor
    labels: Tensor
    network: nn.Module
    loss: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Defence:
    """Plain training, of which a defence overrides one or two of the three methods.

    Random draws come from torch's global generator, which the training seeds.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def __post_init__(self) -> None:
        for each in self.strengths():
            value, about = getattr(self, each.name), each.metadata
            if not about["low"] <= value <= about["high"]:
                raise ConfigError(
                    f"{about['words']} must lie in {about['low']:g}..{about['high']:g}, "
                    f"not {value}."
                )

    @classmethod
    def strengths(cls) -> tuple[Field[float], ...]:
        """The numbers that set how strong it is."""
        return fields(cls)

    def change(self, network: nn.Module) -> None:
        """Changes the layers of a fresh network, before weights are loaded.

        Raises:
            ConfigError: the architecture does not have what the defence changes.
        """

    def start_epoch(self, network: nn.Module) -> None:
        """Puts the network into training mode."""
        network.train()

    def objective(self, step: Step) -> tuple[Tensor, Tensor]:
        """The loss to minimise, and the logits [B, C] that the training accuracy counts."""
        return step.loss(step.images, step.labels)
