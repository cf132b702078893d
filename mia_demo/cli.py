"""Command line: parsing, printing, exit codes. The work is done in ``commands``.

With ``--json`` standard output carries one JSON object and nothing else; progress and logs go to
standard error. Expected failures end with one line and exit code 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from mia_demo import __version__
from mia_demo.errors import DemoError

SET_HELP = (
    "change one setting of the preset, such as steps=100 or loss=cross_entropy; may be repeated"
)
LANES_HELP = (
    "comma-separated lanes (default: all targets of the zoo); 'zero>negative>zero' gives "
    "sampling, optimisation and selection a target each"
)

ZOO_HELP = (
    "zoo folder, or a zoo of the Hugging Face Hub, at best with the 40 digits of its commit "
    "(default: the embedded zoo)"
)

DESCRIPTION = (
    "Attacks face classifiers that differ in the smoothing factor of their training labels, from "
    "the command line. With --json standard output carries one JSON object and nothing else. "
    "'COMMAND --help' has a command's options."
)


class Parser(argparse.ArgumentParser):
    """A typing error is one line, as every other error."""

    def error(self, message: str) -> NoReturn:
        if message.endswith("expected one argument"):
            message += "; a value that begins with a minus needs =, such as --alphas=-0.1,0"
        self.exit(2, f"error: {message} ({self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    common.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    common.add_argument("--zoo", metavar="PATH|hf://USER/REPO@REVISION", help=ZOO_HELP)

    parser = Parser(prog="python -m mia_demo", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[common], help=text, description=text)

    attack = command("attack", "Attack one identity in several lanes side by side.")
    attack.add_argument("--identity", type=int, required=True, help="number of the identity")
    attack.add_argument("--preset", default="quick", help="quick, standard or paper")
    attack.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=SET_HELP)
    attack.add_argument("--lanes", help=LANES_HELP)
    attack.add_argument("--seed", type=int, default=0)
    attack.add_argument("--output", type=Path, help="folder for images and run.json")

    sweep = command("sweep", "Attack many identities and print the results table; resumable.")
    sweep.add_argument("--identities", default="0-99", help="such as 0-9,17")
    sweep.add_argument("--seeds", default="0", help="attack seeds, such as 0,1,2")
    sweep.add_argument("--preset", default="quick", help="quick, standard or paper")
    sweep.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=SET_HELP)
    sweep.add_argument("--lanes", help=LANES_HELP)
    variants = sweep.add_mutually_exclusive_group()
    variants.add_argument(
        "--training-seeds",
        help="such as 42,43: trains every target of the zoo with each seed in --output/zoo and "
        "sweeps those, pooled over trainings",
    )
    variants.add_argument(
        "--alphas",
        help="smoothing factors, trains a target for each in --output/zoo "
        "and sweeps those (write --alphas=-0.1,0)",
    )
    sweep.add_argument("--output", type=Path, required=True, help="folder for the results")

    record = command("record", "Ship a finished sweep or attack with the zoo, and quote a sweep.")
    recorded = record.add_mutually_exclusive_group(required=True)
    recorded.add_argument("--sweep", type=Path, help="folder of a finished sweep")
    recorded.add_argument("--attack", type=Path, help="folder of a finished attack")
    record.add_argument("--name", required=True, help="such as standard")
    record.add_argument(
        "--quote", type=Path, nargs="*", default=[], help="texts that quote results, such as README"
    )

    train = command("train", "Train a target classifier with any smoothing factor; resumable.")
    train.add_argument("--alpha", type=float, help="smoothing factor of a target, at most 1")
    train.add_argument("--recipe", help="the paper's settings: facescrub or celeba")
    train.add_argument(
        "--evaluator", action="store_true", help="train the recipe's evaluator, not a target"
    )
    train.add_argument("--epochs", type=int, help="(default: 24, a recipe: 100)")
    train.add_argument("--batch-size", type=int, help="pictures (default: 64, a recipe: 128)")
    train.add_argument(
        "--learning-rate", type=float, help="of Adam (default: 0.002, a recipe: 0.001)"
    )
    train.add_argument(
        "--milestones", type=float, nargs="+", metavar="SHARE",
        help="of the epochs, where the learning rate falls to a tenth (default: 0.75 0.9)",
    )  # fmt: skip
    train.add_argument(
        "--phases", type=float, nargs=2, metavar="SHARE",
        help="of the epochs, where a negative alpha sets in and where it is full "
        "(default: 0.5 0.75; at once: 0 0)",
    )  # fmt: skip
    train.add_argument("--photos", type=int, help="of each identity to train on (default: all)")
    train.add_argument(
        "--architecture", help="torchvision name (default: compact_resnet, a recipe: resnet152)"
    )
    train.add_argument("--input-size", type=int, help="pixels (default: 64, a recipe: 224)")
    train.add_argument(
        "--initial-weights", default="random", metavar="WEIGHTS",
        help="random, pretrained (the zoo's own start), imagenet (torchvision downloads them), or "
        "a safetensors file",
    )  # fmt: skip
    train.add_argument(
        "--augmentation", default="reference", metavar="HOW",
        help="reference (crops and colours as in the paper) or mirror (left-right alone)",
    )  # fmt: skip
    train.add_argument("--data", type=Path, help="zip or folder of identities (default: the zoo's)")
    train.add_argument(
        "--layout",
        help="of --data: folders, facescrub or celeba (default: the recipe's, or folders)",
    )
    train.add_argument("--seed", type=int, default=42)
    train.add_argument("--output", type=Path, required=True, help="zoo folder for the checkpoint")

    data = command("use-data", "Tell a zoo in which local folder its identities lie.")
    data.add_argument("--data", type=Path, required=True, help="the folder")
    data.add_argument("--layout", required=True, help="folders, facescrub or celeba")
    data.add_argument("--seed", type=int, default=42, help="of the split")
    data.add_argument(
        "--crop", type=float,
        help="share of the side of the prior's pictures that classifiers see (default: 800/1024 "
        "for facescrub and celeba, which suits FFHQ, else 1)",
    )  # fmt: skip
    data.add_argument("--output", type=Path, required=True, help="zoo folder")

    prior = command("train-prior", "Train the attacker's prior (StyleGAN2) on public images.")
    prior.add_argument("--data", type=Path, required=True, help="zip, or folder of zips or images")
    prior.add_argument("--resolution", type=int, default=64, help="pixels, a power of two")
    prior.add_argument("--minutes", type=float, default=30, help="computing time of this sitting")
    prior.add_argument("--seed", type=int, default=0)
    prior.add_argument("--output", type=Path, required=True, help="zoo folder for the checkpoint")
    prior.add_argument("--resume", action="store_true", help="go on from the state in --output")

    check = command("check-prior", "Measure the prior on public people that it never saw.")
    check.add_argument("--data", type=Path, required=True, help="folder with public_*.zip")
    check.add_argument("--output", type=Path, required=True, help="folder for figures and pictures")

    make = command("make-zoo", "Remake the whole zoo from images; resumable.")
    make.add_argument("--data", type=Path, required=True, help="target.zip and public_*.zip")
    make.add_argument("--minutes", type=float, default=180, help="time budget of this sitting")
    make.add_argument("--output", type=Path, help="zoo folder (default: the embedded zoo)")

    convert = command(
        "convert", "Take over foreign weights as safetensors; nothing in their file is executed."
    )
    convert.add_argument("source", type=Path, help="StyleGAN2-ADA .pkl, or .pt/.pth of torch.save")
    convert.add_argument("--output", type=Path, required=True, help="zoo folder, new or existing")
    convert.add_argument("--name", help="of the checkpoint (default: prior, or the file's name)")
    convert.add_argument("--kind", help="of a classifier: target (default) or evaluator")
    convert.add_argument("--alpha", type=float, help="smoothing factor a target was trained with")
    convert.add_argument("--architecture", help="of a classifier, to check what the file tells")
    convert.add_argument("--input-size", type=int, help="of a classifier, pixels (default 224)")
    convert.add_argument("--class-names", type=Path, help="text file, one a line, or JSON list")

    toy = command("toy", "The paper's two-dimensional example.")
    toy.add_argument("--alpha", type=float, required=True, help="smoothing factor, at most 1")

    bench = command("bench", "Speed of the attack against the plain loop of the reference code.")
    bench.add_argument(
        "--paper-scale", action="store_true",
        help="instead: seconds and memory of a step at 1024 px, with random weights",
    )  # fmt: skip
    bench.add_argument(
        "--batches", default="1,2", help="candidates at paper scale, such as 1,10,20"
    )
    bench.add_argument("--target", default="resnet18", help="architecture at paper scale")
    bench.add_argument("--at-once", type=int, help="pictures at once (default: as fits the device)")

    doctor = command("doctor", "Check this installation and name remedies.")
    doctor.add_argument("--online", action="store_true", help="also try to reach the Hub")
    doctor.add_argument(
        "--accuracy", action="store_true", help="also measure the classifiers' test accuracy again"
    )

    publish = command("publish", "Upload a zoo to the Hub and print the commit to pin.")
    publish.add_argument("--repo", required=True, metavar="USER/NAME", help="made if need be")
    publish.add_argument("--private", action="store_true", help="nobody else may see it")
    publish.add_argument(
        "--data-sheet", type=Path, metavar="FILE", help="Markdown: where the images come from"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    parser = build_parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help()
        return 2
    options = parser.parse_args(arguments)
    # torch takes seconds to import: --help and typing errors need not wait for it.
    from mia_demo import commands

    run = getattr(commands, options.command.replace("-", "_"))
    try:
        result = run(options)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; finished parts are kept", file=sys.stderr)
        return 130
    if result is None:
        return 0
    if options.json:
        print(json.dumps(result, allow_nan=False))
    else:
        print(commands.as_text(result))
    return 1 if result.get("ok") is False else 0
