"""The paper's training settings for FaceScrub and CelebA, and how a training departs from them.

From the reference code's configurations, identical for every architecture: Adam (1e-3), 100 epochs,
batches of 128, learning rate / 10 after 75 and 90 epochs, seed 42, ImageNet initialisation, and
the schedule of negative smoothing factors (``mia_demo.smoothing``). The evaluator is an
Inception-v3 at 299 px whose auxiliary head has weight 1.
"""

from dataclasses import dataclass, replace

from mia_demo.system.device import Compute
from mia_demo.training.config import UNSAID, TrainConfig
from mia_demo.training.initial_weights import IMAGENET

# Holds for every training with this program.
ALWAYS_DIFFERENT = (
    "pictures that are not square are cropped to their centred square before anything else",
    "brightness, contrast, saturation and hue are changed in this order, not in a random one",
    "an auxiliary head has as many outputs as there are identities, not 1000",
)


@dataclass(frozen=True)
class Recipe:
    """Settings of targets and evaluator for one data set."""

    target: TrainConfig
    evaluator: TrainConfig


_TARGET = TrainConfig(
    architecture="resnet152",
    input_size=224,
    epochs=100,
    batch_size=128,
    learning_rate=1e-3,
    seed=42,
    initial_weights=IMAGENET,
)
_EVALUATOR = replace(
    _TARGET, architecture="inception_v3", arguments={"aux_logits": True}, input_size=299
)
RECIPES = {
    "facescrub": Recipe(_TARGET, replace(_EVALUATOR, milestones=(0.8,))),
    "celeba": Recipe(_TARGET, replace(_EVALUATOR, milestones=(0.75, 0.9))),
}


def differences_from_paper(config: TrainConfig, paper: TrainConfig, compute: Compute) -> list[str]:
    """How a training differs from the paper's, apart from alpha; one phrase per difference."""
    given, wanted = ({**UNSAID, **each.to_json()} for each in (config, paper))
    settings = sorted(given.keys() | wanted.keys())
    found = [
        f"{name} {given[name]} instead of {wanted[name]}"
        for name in settings
        if name not in ("alpha", "arguments") and given[name] != wanted[name]
    ]
    if compute.precision != "fp32":
        found.append(f"convolutions in {compute.precision} instead of fp32")
    return [*found, *ALWAYS_DIFFERENT]
