"""What can be asked of the commands that train; see ``mia_demo.commands.requests``."""

from dataclasses import dataclass
from pathlib import Path

from mia_demo.commands.options import Request, flag, option
from mia_demo.errors import ConfigError
from mia_demo.system.json_files import MAX_INTEGER

_DEFENCES = "label_smoothing, tl_dmi, ssf, midre, bido, mid, loft, at_at or adversarial"


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Request):
    """Train a target classifier with any smoothing factor; resumable."""

    command = "train"

    alpha: float | None = option(
        "smoothing factor of a target, at most 1 (default with a --defence: 0)", None
    )
    defence: str = option(f"of the training against attacks: {_DEFENCES}", "label_smoothing")
    strengths: list[str] | None = option(
        "change a strength of the defence, such as beta=0.01; may be repeated",
        None,
        name="--set",
        metavar="NAME=NUMBER",
    )
    recipe: str | None = option("the paper's settings: facescrub or celeba", None)
    evaluator: bool = flag("--evaluator", "train the recipe's evaluator, not a target")
    epochs: int | None = option("(default: 24, a recipe: 100)", None)
    batch_size: int | None = option("pictures (default: 64, a recipe: 128)", None)
    learning_rate: float | None = option("of Adam (default: 0.002, a recipe: 0.001)", None)
    milestones: list[float] | None = option(
        "of the epochs, where the learning rate falls to a tenth (default: 0.75 0.9)",
        None,
        metavar="SHARE...",
    )
    phases: tuple[float, float] | None = option(
        "of the epochs, where a negative alpha sets in and where it is full (default: 0.5 0.75; "
        "at once: 0 0)",
        None,
        metavar="SHARE SHARE",
    )
    photos: int | None = option("of each identity to train on (default: all)", None)
    architecture: str | None = option(
        "torchvision name (default: compact_resnet, a recipe: resnet152)", None
    )
    input_size: int | None = option("pixels (default: 64, a recipe: 224)", None)
    initial_weights: str = option(
        "random, pretrained (the zoo's own start), imagenet (torchvision downloads them), or a "
        "safetensors file",
        "random",
        metavar="WEIGHTS",
    )
    augmentation: str = option(
        "reference (crops and colours as in the paper) or mirror (left-right alone)",
        "reference",
        metavar="HOW",
    )
    data: Path | None = option("zip or folder of identities (default: the zoo's)", None)
    layout: str | None = option(
        "of --data: folders, facescrub or celeba (default: the recipe's, or folders)", None
    )
    seed: int = option("of all random draws", 42)
    output: Path = option("zoo folder for the checkpoint")


@dataclass(frozen=True, kw_only=True)
class UseDataRequest(Request):
    """Tell a zoo in which local folder its identities lie."""

    command = "use-data"

    data: Path = option("the folder")
    layout: str = option("folders, facescrub or celeba")
    seed: int = option("of the split", 42)
    crop: float | None = option(
        "share of the side of the prior's pictures that classifiers see (default: 800/1024 for "
        "facescrub and celeba, which suits FFHQ, else 1)",
        None,
    )
    output: Path = option("zoo folder")


@dataclass(frozen=True, kw_only=True)
class TrainPriorRequest(Request):
    """Train the attacker's prior (StyleGAN2) on public images."""

    command = "train-prior"

    data: Path = option("zip, or folder of zips or images")
    resolution: int = option("pixels, a power of two from 32", 128)
    minutes: float = option("computing time of this sitting", 30)
    seed: int = option("of all random draws", 0)
    output: Path = option("zoo folder for the checkpoint")
    resume: bool = flag("--resume", "continue from the state in --output")

    def __post_init__(self) -> None:
        if not self.minutes >= 0:
            raise ConfigError(f"--minutes must be 0 or more, not {self.minutes}.")
        if abs(self.seed) > MAX_INTEGER:
            raise ConfigError(f"--seed must be at most {MAX_INTEGER}, not {self.seed}.")


@dataclass(frozen=True, kw_only=True)
class CheckPriorRequest(Request):
    """Measure the prior on public people that it never saw."""

    command = "check-prior"

    data: Path = option("folder with public_*.zip")
    output: Path = option("folder for figures and pictures")
