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

from mia_demo import __version__
from mia_demo.errors import DemoError

SET_HELP = (
    "change one setting of the preset, such as steps=100 or loss=cross_entropy; may be repeated"
)
LANES_HELP = (
    "comma-separated lanes (default: all targets of the zoo); 'zero>negative>zero' gives "
    "sampling, optimisation and selection a target each"
)


def build_parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    common.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    common.add_argument("--zoo", metavar="PATH", help="zoo folder (default: the embedded zoo)")

    parser = argparse.ArgumentParser(prog="python -m mia_demo", description=__doc__)
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
    sweep.add_argument(
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
    train.add_argument("--alpha", type=float, required=True, help="smoothing factor, at most 1")
    train.add_argument("--epochs", type=int, default=24)
    train.add_argument("--architecture", default="compact_resnet", help="or a torchvision name")
    train.add_argument("--input-size", type=int, default=64, help="pixels")
    train.add_argument("--data", type=Path, help="zip or folder of identities (default: the zoo's)")
    train.add_argument("--seed", type=int, default=42)
    train.add_argument("--output", type=Path, required=True, help="zoo folder for the checkpoint")

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

    toy = command("toy", "The paper's two-dimensional example.")
    toy.add_argument("--alpha", type=float, required=True, help="smoothing factor, at most 1")

    command("bench", "Speed of the attack against the plain loop of the reference code.")

    doctor = command("doctor", "Check this installation and name remedies.")
    doctor.add_argument("--online", action="store_true", help="also try to reach the Hub")
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
