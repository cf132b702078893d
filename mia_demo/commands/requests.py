"""What can be asked of ``python -m mia_demo``: one class per command, one field per option.

typer makes the command line from these classes (``mia_demo.cli``); commands receive instances.
Nothing here imports torch, which takes seconds: ``--help`` need not wait for it.
"""

from dataclasses import dataclass, field
from pathlib import Path

from typer import Argument

from mia_demo.commands.options import Request, flag, option
from mia_demo.commands.training_requests import (
    CheckPriorRequest,
    TrainPriorRequest,
    TrainRequest,
    UseDataRequest,
)
from mia_demo.errors import ConfigError

_ATTACK = (
    "another attack than the preset's: cross_entropy, temperature, poincare, max_margin, logit, "
    "paa, taa, if_gmi, mirror, random, student or brep_mi"
)
_GRAPHS = "replay each step's networks as CUDA graphs (an NVIDIA GPU; not measured yet)"
_PRESET = "quick, standard or paper"
_SETTINGS = (
    "change one setting of the preset, such as steps=100 or loss=cross_entropy; may be repeated"
)
_LANES = (
    "comma-separated lanes (default: the zoo's smoothing factors; its other defences by name); "
    "'zero>negative>zero' gives sampling, optimisation and selection a target each"
)
# Options that take several values in a row, as in ``--milestones 0.6 0.9``.
SEVERAL = ("--milestones", "--quote")


@dataclass(frozen=True, kw_only=True)
class AttackRequest(Request):
    """Attack one identity in several lanes side by side."""

    command = "attack"

    identity: int = option("number of the identity")
    attack: str | None = option(_ATTACK, None)
    preset: str = option(_PRESET, "quick")
    settings: list[str] | None = option(_SETTINGS, None, name="--set", metavar="KEY=VALUE")
    lanes: str | None = option(_LANES, None)
    seed: int = option("of all random draws", 0)
    cuda_graphs: bool = flag("--cuda-graphs", _GRAPHS)
    output: Path | None = option("folder for images and run.json", None)


@dataclass(frozen=True, kw_only=True)
class SweepRequest(Request):
    """Attack many identities and print the results table; resumable."""

    command = "sweep"

    identities: str = option("such as 0-9,17", "0-99")
    seeds: str = option("attack seeds, such as 0,1,2", "0")
    attack: str | None = option(_ATTACK, None)
    preset: str = option(_PRESET, "quick")
    settings: list[str] | None = option(_SETTINGS, None, name="--set", metavar="KEY=VALUE")
    lanes: str | None = option(_LANES, None)
    training_seeds: str | None = option(
        "such as 42,43: trains every target of the zoo with each seed in --output/zoo and sweeps "
        "those, pooled over trainings",
        None,
    )
    alphas: str | None = option(
        "smoothing factors, such as -0.1,0: trains a target for each in --output/zoo and sweeps "
        "those",
        None,
    )
    cuda_graphs: bool = flag("--cuda-graphs", _GRAPHS)
    output: Path = option("folder for the results")

    def __post_init__(self) -> None:
        if self.training_seeds and self.alphas:
            raise ConfigError("Give --training-seeds or --alphas, not both.")


@dataclass(frozen=True, kw_only=True)
class ShieldRequest(Request):
    """Attack every defence with every attack at one budget; resumable."""

    command = "shield"

    defences: str = option(
        "comma-separated targets of the zoo or their defences, or all it has; a defence that it "
        "lacks is trained in --output/zoo (see train --help)",
        "all",
    )
    strengths: list[str] | None = option(
        "of a defence to train; may be repeated", None, name="--set", metavar="DEFENCE.NAME=NUMBER"
    )
    training_seeds: str | None = option(
        "such as 43: the zoo's smoothing factors trained again with each seed are targets too, "
        "named as zero@43",
        None,
    )
    attacks: str = option("comma-separated attacks (see attack --help), or all", "all")
    identities: str = option("such as 0-9,17", "0-99")
    blind_identities: str | None = option(
        "identities for attacks without the gradient (default: the same)", None
    )
    seeds: str = option("attack seeds, such as 0,1,2", "0")
    preset: str = option(_PRESET, "quick")
    passes: int | None = option(
        "of a picture through the classifier, forwards or back, in each attack's optimisation "
        "(default: as many as the preset's own attack takes)",
        None,
    )
    output: Path = option("folder for the results", Path("runs/shield"))


@dataclass(frozen=True, kw_only=True)
class RecordRequest(Request):
    """Ship a finished sweep, attack or board with the zoo, and quote a sweep."""

    command = "record"

    sweep: Path | None = option("folder of a finished sweep", None)
    attack: Path | None = option("folder of a finished attack", None)
    shield: Path | None = option("folder of a board; its finished rows are shipped", None)
    people: bool = flag("--people", "attack the people of the first screen, and ship that")
    name: str = option("such as standard", "")
    quote: list[Path] | None = option("texts that quote results, such as README.md", None)

    def __post_init__(self) -> None:
        if [bool(self.sweep), bool(self.attack), bool(self.shield), self.people].count(True) != 1:
            raise ConfigError("Give exactly one of --sweep, --attack, --shield, --people.")
        if (self.sweep or self.attack) and not self.name:
            raise ConfigError("Give --name, such as standard.")


@dataclass(frozen=True, kw_only=True)
class MakeZooRequest(Request):
    """Remake the whole zoo from images; resumable."""

    command = "make-zoo"

    data: Path = option("folder with target.zip and public_*.zip")
    minutes: float = option("time budget of this sitting", 180)
    output: Path | None = option("zoo folder (default: the embedded zoo)", None)


@dataclass(frozen=True, kw_only=True)
class ConvertRequest(Request):
    """Take over foreign weights as safetensors; nothing in their file is executed."""

    command = "convert"

    source: Path = field(
        metadata={"typer": Argument(help="StyleGAN2-ADA .pkl, or .pt/.pth of torch.save")}
    )
    output: Path = option("zoo folder, new or existing")
    name: str | None = option("of the checkpoint (default: prior, or the file's name)", None)
    kind: str | None = option("of a classifier: target (default) or evaluator", None)
    alpha: float | None = option("smoothing factor a target was trained with", None)
    architecture: str | None = option("of a classifier, to check what the file tells", None)
    input_size: int | None = option("of a classifier, pixels (default 224)", None)
    class_names: Path | None = option("text file, one per line, or JSON list", None)


@dataclass(frozen=True, kw_only=True)
class ToyRequest(Request):
    """The paper's two-dimensional example."""

    command = "toy"

    alpha: float = option("smoothing factor, at most 1")


@dataclass(frozen=True, kw_only=True)
class BenchRequest(Request):
    """Speed of the attack against the plain loop of the reference code."""

    command = "bench"

    paper_scale: bool = flag(
        "--paper-scale", "instead: seconds and memory of a step at 1024 px, with random weights"
    )
    batches: str = option("candidates at paper scale, such as 1,10,20", "1,2")
    target: str = option("architectures at paper scale, such as resnet18,resnet152", "resnet18")
    at_once: int | None = option("pictures at once (default: as many as fit the device)", None)


@dataclass(frozen=True, kw_only=True)
class DoctorRequest(Request):
    """Check this installation and name remedies."""

    command = "doctor"

    online: bool = flag("--online", "also try to reach the Hub")
    accuracy: bool = flag("--accuracy", "also measure the classifiers' test accuracy again")


@dataclass(frozen=True, kw_only=True)
class PublishRequest(Request):
    """Upload a zoo to the Hub and print the commit to pin."""

    command = "publish"

    repo: str = option("created if it does not exist", metavar="USER/NAME")
    private: bool = flag("--private", "nobody else may see it")
    data_sheet: Path | None = option("Markdown: where the images come from", None, metavar="FILE")


REQUESTS: tuple[type[Request], ...] = (
    *(AttackRequest, SweepRequest, ShieldRequest, RecordRequest, TrainRequest, UseDataRequest),
    *(TrainPriorRequest, CheckPriorRequest, MakeZooRequest, ConvertRequest),
    *(ToyRequest, BenchRequest, DoctorRequest, PublishRequest),
)
