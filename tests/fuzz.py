"""Mutated inputs of every kind that strangers send: ``python -m tests.fuzz --kind zip``.

Not part of the quick suite. Each input is a seeded mutation of a sound one and goes through what a
visitor's or a publisher's file goes through. An expected error is one of the program's own;
anything else is a traceback that somebody would have seen. Printed, as JSON: tracebacks, inputs
that took longer than 10 s of computing, and the process's peak memory. Exit code 1: there was any.

A kind is a function that makes sound samples and one that takes a mutated file; ``KINDS`` lists
them.
"""

from __future__ import annotations

import argparse
import io
import json
import pickle
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from mia_demo.convert.pipeline import ClassifierFacts, convert_file
from mia_demo.data.identities import open_identity_set
from mia_demo.errors import CheckpointError, DemoError
from mia_demo.models.stylegan2 import Generator
from mia_demo.visitors.entries import read_entry
from mia_demo.visitors.networks import check_classifier_weights
from mia_demo.visitors.upload import store_upload
from mia_demo.zoo.folder import FolderZoo
from mia_demo.zoo.manifest import MANIFEST
from tests.fuzz_api import sound_requests, take_request
from tests.fuzz_runs import mutated_file, run_files, take_run_file
from tests.mutations import Mutation, mutated_bytes, mutated_json, mutated_tensors
from tests.tiny_zoo import GENERATOR, PEOPLE, make_tiny_zoo

MAX_SECONDS = 10.0
MAX_PEAK_BYTES = 1 << 30
CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Kind:
    """Inputs of one kind.

    Attributes:
        samples: makes sound files, given a folder.
        mutate: changes the bytes of one.
        take: does with a file what the program does; has a folder of its own for results.
    """

    samples: Callable[[Path], list[Path]]
    mutate: Mutation
    take: Callable[[Path, Path], object]


# -- the kinds ------------------------------------------------------------------------------------


def zoo_manifest(folder: Path) -> list[Path]:
    return [make_tiny_zoo(folder / "zoo").root / MANIFEST]


def open_mutated_zoo(file: Path, folder: Path) -> None:
    """Opens a zoo and loads everything that it lists, as page and command line do."""
    for path in (file.parent / "zoo").iterdir():
        if path.name != MANIFEST:
            (folder / path.name).symlink_to(path)
    shutil.copy(file, folder / MANIFEST)
    zoo = FolderZoo(folder)
    zoo.manifest.to_json()
    for entry in zoo.manifest.checkpoints:
        load = {"target": zoo.load_classifier, "evaluator": zoo.load_classifier,
                "embedder": zoo.load_embedder, "prior": zoo.load_prior}  # fmt: skip
        load.get(entry.kind, zoo.tensors)(entry.name)
    zoo.split(zoo.identities(), 16, "train")


def target_entry(folder: Path) -> list[Path]:
    zoo = make_tiny_zoo(folder / "zoo")
    path = folder / "entry.json"
    path.write_text(json.dumps(zoo.entry("zero").to_json()))
    return [path]


def take_entry(file: Path, folder: Path) -> None:
    weights = file.parent / "zoo" / "zero.safetensors"
    entry = read_entry(file.read_bytes(), "")
    staging = FolderZoo.create(folder)
    staging.take(weights, entry, entry.name)
    check_classifier_weights(staging, staging.entry(entry.name), PEOPLE)


def target_weights(folder: Path) -> list[Path]:
    return [make_tiny_zoo(folder / "zoo").root / "zero.safetensors"]


def take_weights(file: Path, folder: Path) -> None:
    """Weights whose size and hash are right, as a stranger's are; else through convert."""
    zoo = FolderZoo(file.parent / "zoo")
    staging = FolderZoo.create(folder / "staging")
    staging.take(file, zoo.entry("zero"), "zero")
    manifest = json.loads((staging.root / MANIFEST).read_text())
    stored = staging._stored("zero.safetensors")
    manifest["checkpoints"][0].update(bytes=stored.bytes, sha256=stored.sha256)
    (staging.root / MANIFEST).write_text(json.dumps(manifest))
    try:
        checked = FolderZoo(staging.root)
        check_classifier_weights(checked, checked.entry("zero"), PEOPLE)
    except CheckpointError:
        convert(file, folder)


def photo_zips(folder: Path) -> list[Path]:
    zoo = make_tiny_zoo(folder / "zoo")
    deflated = folder / "deflated.zip"
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((40, 40)).save(buffer, "JPEG")
    with zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as target:
        for name in ("ada", "bob"):
            for number in range(4):
                target.writestr(f"set/{name}/{number}.jpg", buffer.getvalue())
        target.writestr("identities.json", "{}")
    return [zoo.root / "identities_0.zip", deflated]


def take_zip(file: Path, folder: Path) -> None:
    try:
        list(store_upload(file, folder / "clean.zip"))
    finally:
        identities = open_identity_set(file)
        identities.tensors(16)


def foreign_networks(folder: Path) -> list[Path]:
    torch.manual_seed(0)
    state = Generator(**GENERATOR).state_dict()
    torch.save({"g_ema": state, "args": argparse.Namespace(lr=0.1)}, folder / "zip.pt")
    torch.save(state, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    plain = folder / "plain.pkl"
    plain.write_bytes(pickle.dumps({"G_ema": {"x": 2**70}, "list": [1, (2.5, "a")]}, protocol=4))
    return [folder / "zip.pt", folder / "legacy.pt", plain, *CASES.glob("*.pkl")]


def convert(file: Path, folder: Path) -> None:
    convert_file(file, folder / "zoo", "x", ClassifierFacts(), lambda _: None)


KINDS = {
    "manifest": Kind(zoo_manifest, mutated_json, open_mutated_zoo),
    "entry": Kind(target_entry, mutated_json, take_entry),
    "safetensors": Kind(target_weights, mutated_tensors, take_weights),
    "zip": Kind(photo_zips, mutated_bytes, take_zip),
    "pickle": Kind(foreign_networks, mutated_bytes, convert),
    "runs": Kind(run_files, mutated_file, take_run_file),
    "api": Kind(sound_requests, mutated_json, take_request),
}


def run(kind: Kind, inputs: int, seed: int, keep: Path | None) -> dict[str, Any]:
    """Takes so many mutated inputs and counts what came of them.

    Args:
        keep: folder for the inputs that went wrong.
    """
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        samples = [path.read_bytes() for path in kind.samples(home)]
        for number in range(inputs):
            rng = random.Random(f"{seed}/{number}")  # noqa: S311
            file = home / "mutated"
            file.write_bytes(kind.mutate(rng, rng.choice(samples)))
            results = home / "results"
            results.mkdir()
            started = time.process_time()
            try:
                kind.take(file, results)
                outcomes["taken"] += 1
            except DemoError as error:
                outcomes["refused"] += 1
                str(error).encode()  # it can be printed
            except Exception:
                outcomes["tracebacks"] += 1
                wrong.append(f"input {number}: {traceback.format_exc(limit=-3)}")
            seconds = time.process_time() - started
            slowest = max(slowest, seconds)
            if seconds > MAX_SECONDS:
                outcomes["hangs"] += 1
                wrong.append(f"input {number} took {seconds:.0f} s")
            if keep and wrong and wrong[-1].startswith(f"input {number}"):
                keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, keep / f"{number}")
            shutil.rmtree(results)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "inputs": inputs,
        "seed": seed,
        **{name: outcomes[name] for name in ("taken", "refused", "tracebacks", "hangs")},
        "slowest_seconds": round(slowest, 2),
        "peak_bytes": peak,
        "wrong": wrong[:5],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that went wrong")
    options = parser.parse_args()
    figures = run(KINDS[options.kind], options.inputs, options.seed, options.keep)
    sys.stdout.write(json.dumps({"kind": options.kind, **figures}, indent=2) + "\n")
    bad = figures["tracebacks"] or figures["hangs"] or figures["peak_bytes"] > MAX_PEAK_BYTES
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
