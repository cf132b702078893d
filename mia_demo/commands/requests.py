"""What can be asked of ``python -m mia_demo``: one class per command, one field per option.

typer makes the command line of these classes (``mia_demo.cli``), and the commands receive their
instances. Nothing here imports torch, which takes seconds: ``--help`` need not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from typer import Argument, Option

from mia_demo.errors import ConfigError

Preset = Annotated[str, Option(help="quick, standard or paper")]
Settings = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="KEY=VALUE",
        help="change one setting of the preset, such as steps=100 or loss=cross_entropy; may be "
        "repeated",
    ),
]
Lanes = Annotated[
    str | None,
    Option(
        help="comma-separated lanes (default: all targets of the zoo); 'zero>negative>zero' gives "
        "sampling, optimisation and selection a target each"
    ),
]
PublicData = Annotated[Path, Option(help="folder with public_*.zip")]
OutputZoo = Annotated[Path, Option(help="zoo folder for the checkpoint")]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Options of every command."""

    command: ClassVar[str]

    as_json: Annotated[
        bool, Option("--json", help="print one JSON object to standard output, nothing else")
    ] = False
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1 or mps")] = "auto"
    zoo: Annotated[
        str | None,
        Option(
            metavar="PATH|hf://USER/REPO@REVISION",
            help="zoo folder, or a zoo on the Hugging Face Hub, preferably with the 40 digits of "
            "its commit (default: the embedded zoo)",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class AttackRequest(Request):
    """Attack one identity in several lanes side by side."""

    command = "attack"

    identity: Annotated[int, Option(help="number of the identity")]
    preset: Preset = "quick"
    settings: Settings = None
    lanes: Lanes = None
    seed: int = 0
    output: Annotated[Path | None, Option(help="folder for images and run.json")] = None


@dataclass(frozen=True, kw_only=True)
class SweepRequest(Request):
    """Attack many identities and print the results table; resumable."""

    command = "sweep"

    identities: Annotated[str, Option(help="such as 0-9,17")] = "0-99"
    seeds: Annotated[str, Option(help="attack seeds, such as 0,1,2")] = "0"
    preset: Preset = "quick"
    settings: Settings = None
    lanes: Lanes = None
    training_seeds: Annotated[
        str | None,
        Option(
            help="such as 42,43: trains every target of the zoo with each seed in --output/zoo and "
            "sweeps those, pooled over trainings"
        ),
    ] = None
    alphas: Annotated[
        str | None,
        Option(
            help="smoothing factors, such as -0.1,0: trains a target for each in --output/zoo and "
            "sweeps those"
        ),
    ] = None
    output: Annotated[Path, Option(help="folder for the results")]

    def __post_init__(self) -> None:
        if self.training_seeds and self.alphas:
            raise ConfigError("Give --training-seeds or --alphas, not both.")


@dataclass(frozen=True, kw_only=True)
class RecordRequest(Request):
    """Ship a finished sweep or attack with the zoo, and quote a sweep."""

    command = "record"

    sweep: Annotated[Path | None, Option(help="folder of a finished sweep")] = None
    attack: Annotated[Path | None, Option(help="folder of a finished attack")] = None
    name: Annotated[str, Option(help="such as standard")]
    quote: Annotated[list[Path] | None, Option(help="texts that quote results, such as README")] = (
        None
    )

    def __post_init__(self) -> None:
        if (self.sweep is None) == (self.attack is None):
            raise ConfigError("Give --sweep or --attack, one of them.")


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Request):
    """Train a target classifier with any smoothing factor; resumable."""

    command = "train"

    alpha: Annotated[float | None, Option(help="smoothing factor of a target, at most 1")] = None
    recipe: Annotated[str | None, Option(help="the paper's settings: facescrub or celeba")] = None
    evaluator: Annotated[
        bool, Option("--evaluator", help="train the recipe's evaluator, not a target")
    ] = False
    epochs: Annotated[int | None, Option(help="(default: 24, a recipe: 100)")] = None
    batch_size: Annotated[int | None, Option(help="pictures (default: 64, a recipe: 128)")] = None
    learning_rate: Annotated[
        float | None, Option(help="of Adam (default: 0.002, a recipe: 0.001)")
    ] = None
    milestones: Annotated[
        list[float] | None,
        Option(
            metavar="SHARE...",
            help="of the epochs, where the learning rate falls to a tenth (default: 0.75 0.9)",
        ),
    ] = None
    phases: Annotated[
        tuple[float, float] | None,
        Option(
            metavar="SHARE SHARE",
            help="of the epochs, where a negative alpha sets in and where it is full (default: "
            "0.5 0.75; at once: 0 0)",
        ),
    ] = None
    photos: Annotated[int | None, Option(help="of each identity to train on (default: all)")] = None
    architecture: Annotated[
        str | None,
        Option(help="torchvision name (default: compact_resnet, a recipe: resnet152)"),
    ] = None
    input_size: Annotated[int | None, Option(help="pixels (default: 64, a recipe: 224)")] = None
    initial_weights: Annotated[
        str,
        Option(
            metavar="WEIGHTS",
            help="random, pretrained (the zoo's own start), imagenet (torchvision downloads them), "
            "or a safetensors file",
        ),
    ] = "random"
    augmentation: Annotated[
        str,
        Option(
            metavar="HOW",
            help="reference (crops and colours as in the paper) or mirror (left-right alone)",
        ),
    ] = "reference"
    data: Annotated[
        Path | None, Option(help="zip or folder of identities (default: the zoo's)")
    ] = None
    layout: Annotated[
        str | None,
        Option(help="of --data: folders, facescrub or celeba (default: the recipe's, or folders)"),
    ] = None
    seed: int = 42
    output: OutputZoo


@dataclass(frozen=True, kw_only=True)
class UseDataRequest(Request):
    """Tell a zoo in which local folder its identities lie."""

    command = "use-data"

    data: Annotated[Path, Option(help="the folder")]
    layout: Annotated[str, Option(help="folders, facescrub or celeba")]
    seed: Annotated[int, Option(help="of the split")] = 42
    crop: Annotated[
        float | None,
        Option(
            help="share of the side of the prior's pictures that classifiers see (default: "
            "800/1024 for facescrub and celeba, which suits FFHQ, else 1)"
        ),
    ] = None
    output: Annotated[Path, Option(help="zoo folder")]


@dataclass(frozen=True, kw_only=True)
class TrainPriorRequest(Request):
    """Train the attacker's prior (StyleGAN2) on public images."""

    command = "train-prior"

    data: Annotated[Path, Option(help="zip, or folder of zips or images")]
    resolution: Annotated[int, Option(help="pixels, a power of two")] = 64
    minutes: Annotated[float, Option(help="computing time of this sitting")] = 30
    seed: int = 0
    output: OutputZoo
    resume: Annotated[bool, Option("--resume", help="continue from the state in --output")] = False


@dataclass(frozen=True, kw_only=True)
class CheckPriorRequest(Request):
    """Measure the prior on public people that it never saw."""

    command = "check-prior"

    data: PublicData
    output: Annotated[Path, Option(help="folder for figures and pictures")]


@dataclass(frozen=True, kw_only=True)
class MakeZooRequest(Request):
    """Remake the whole zoo from images; resumable."""

    command = "make-zoo"

    data: Annotated[Path, Option(help="folder with target.zip and public_*.zip")]
    minutes: Annotated[float, Option(help="time budget of this sitting")] = 180
    output: Annotated[Path | None, Option(help="zoo folder (default: the embedded zoo)")] = None


@dataclass(frozen=True, kw_only=True)
class ConvertRequest(Request):
    """Take over foreign weights as safetensors; nothing in their file is executed."""

    command = "convert"

    source: Annotated[Path, Argument(help="StyleGAN2-ADA .pkl, or .pt/.pth of torch.save")]
    output: Annotated[Path, Option(help="zoo folder, new or existing")]
    name: Annotated[
        str | None, Option(help="of the checkpoint (default: prior, or the file's name)")
    ] = None
    kind: Annotated[str | None, Option(help="of a classifier: target (default) or evaluator")] = (
        None
    )
    alpha: Annotated[float | None, Option(help="smoothing factor a target was trained with")] = None
    architecture: Annotated[
        str | None, Option(help="of a classifier, to check what the file tells")
    ] = None
    input_size: Annotated[int | None, Option(help="of a classifier, pixels (default 224)")] = None
    class_names: Annotated[Path | None, Option(help="text file, one per line, or JSON list")] = None


@dataclass(frozen=True, kw_only=True)
class ToyRequest(Request):
    """The paper's two-dimensional example."""

    command = "toy"

    alpha: Annotated[float, Option(help="smoothing factor, at most 1")]


@dataclass(frozen=True, kw_only=True)
class BenchRequest(Request):
    """Speed of the attack against the plain loop of the reference code."""

    command = "bench"

    paper_scale: Annotated[
        bool,
        Option(
            "--paper-scale",
            help="instead: seconds and memory of a step at 1024 px, with random weights",
        ),
    ] = False
    batches: Annotated[str, Option(help="candidates at paper scale, such as 1,10,20")] = "1,2"
    target: Annotated[str, Option(help="architecture at paper scale")] = "resnet18"
    at_once: Annotated[
        int | None, Option(help="pictures at once (default: as many as fit the device)")
    ] = None


@dataclass(frozen=True, kw_only=True)
class DoctorRequest(Request):
    """Check this installation and name remedies."""

    command = "doctor"

    online: Annotated[bool, Option("--online", help="also try to reach the Hub")] = False
    accuracy: Annotated[
        bool, Option("--accuracy", help="also measure the classifiers' test accuracy again")
    ] = False


@dataclass(frozen=True, kw_only=True)
class PublishRequest(Request):
    """Upload a zoo to the Hub and print the commit to pin."""

    command = "publish"

    repo: Annotated[str, Option(metavar="USER/NAME", help="created if it does not exist")]
    private: Annotated[bool, Option("--private", help="nobody else may see it")] = False
    data_sheet: Annotated[
        Path | None, Option(metavar="FILE", help="Markdown: where the images come from")
    ] = None


REQUESTS: tuple[type[Request], ...] = (
    AttackRequest,
    SweepRequest,
    RecordRequest,
    TrainRequest,
    UseDataRequest,
    TrainPriorRequest,
    CheckPriorRequest,
    MakeZooRequest,
    ConvertRequest,
    ToyRequest,
    BenchRequest,
    DoctorRequest,
    PublishRequest,
)
# Options that take several values in a row, as in ``--milestones 0.6 0.9``.
SEVERAL = ("--milestones", "--quote")
