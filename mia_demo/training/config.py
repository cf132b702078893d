"""Settings of a classifier's training, and what its network looks like before it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from mia_demo.data.transforms import AUGMENTATIONS, REFERENCE
from mia_demo.defences.defence import Defence
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.registry import build_defence
from mia_demo.errors import ConfigError
from mia_demo.models.classifiers import Classifier, build_classifier
from mia_demo.smoothing import REFERENCE_PHASES, check_alpha
from mia_demo.system.seeds import SeededDraws
from mia_demo.training.initial_weights import RANDOM

# What each setting of a training is called, its least and its greatest value.
TRAINING_LIMITS: dict[str, tuple[str, float, float]] = {
    "epochs": ("Epochs", 1, 10_000),
    "batch_size": ("The batch size", 2, 10_000),
    "learning_rate": ("The learning rate", 1e-9, 1e30),
    "input_size": ("The input size in pixels", 16, 2048),
    "seed": ("The seed", -(2**63), 2**63 - 1),
}

# Older checkpoints, made before there was a choice, do not mention these.
UNSAID: dict[str, Any] = {
    "initial_weights": RANDOM,
    "augmentation": REFERENCE,
    "defence": LabelSmoothing.name,
    "strengths": {},
}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that determines a training, apart from the data."""

    alpha: float = 0.0
    architecture: str = "compact_resnet"
    arguments: dict[str, Any] = field(default_factory=dict)
    input_size: int = 64
    epochs: int = 24
    batch_size: int = 64
    learning_rate: float = 2e-3
    milestones: tuple[float, ...] = (0.75, 0.9)  # shares of the epochs: learning rate / 10
    phases: tuple[float, float] = REFERENCE_PHASES  # see ``alpha_at_epoch``
    seed: int = 42
    initial_weights: str = RANDOM  # or imagenet, pretrained, or the path of a safetensors file
    augmentation: str = REFERENCE  # one of AUGMENTATIONS
    defence: str = LabelSmoothing.name  # one of DEFENCES
    strengths: dict[str, float] = field(default_factory=dict)  # its own; others as published

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        # Written out, so that a recipe is whole whatever later versions take by default.
        object.__setattr__(self, "strengths", asdict(self.protection()))
        for name, (words, low, high) in TRAINING_LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{words} must lie in {low:g}..{high:g}, not {value}.")
        if self.augmentation not in AUGMENTATIONS:
            known = ", ".join(AUGMENTATIONS)
            raise ConfigError(f"No augmentation {self.augmentation!r}; choose one of {known}.")
        at_once = self.phases == (0.0, 0.0)
        if not at_once and not 0 <= self.phases[0] < self.phases[1] <= 1:
            raise ConfigError(f"Phases must rise within 0..1 or both be 0, not {self.phases}.")

    def protection(self) -> Defence:
        """The defence with its strengths."""
        return build_defence(self.defence, self.strengths)

    def classifier(self, num_classes: int) -> Classifier:
        """A network with the random weights of this seed and the defence's layers."""
        with SeededDraws(self.seed):
            classifier = build_classifier(
                self.architecture, num_classes, self.input_size, self.arguments
            )
            self.protection().change(classifier.network)
        return classifier

    def to_json(self) -> dict[str, Any]:
        pairs = {"milestones": list(self.milestones), "phases": list(self.phases)}
        values = {**asdict(self), **pairs}
        return {name: value for name, value in values.items() if UNSAID.get(name) != value}

    def learning_rate_at(self, epoch: int) -> float:
        passed = sum(epoch >= round(share * self.epochs) for share in self.milestones)
        return float(self.learning_rate * 0.1**passed)
