"""``make-zoo``, ``convert``, ``publish`` and ``doctor``: whole zoos, and what goes in and out."""

from __future__ import annotations

import argparse
from typing import Any

from mia_demo import doctor as doctor_checks
from mia_demo.commands.output import log
from mia_demo.convert.pipeline import ClassifierFacts, convert_file
from mia_demo.recipes.make_zoo import ZooRecipe
from mia_demo.recipes.make_zoo import make_zoo as remake
from mia_demo.recipes.publish import publish_zoo
from mia_demo.system.device import choose_compute
from mia_demo.zoo.folder import EMBEDDED_ZOO
from mia_demo.zoo.opening import open_zoo


def make_zoo(options: argparse.Namespace) -> dict[str, Any]:
    output = options.output or EMBEDDED_ZOO
    compute = choose_compute(options.device)
    zoo = remake(options.data, output, ZooRecipe(), compute, minutes=options.minutes, log=log)
    return {
        "zoo": str(output),
        "checkpoints": {
            entry.name: {"bytes": entry.stored.bytes, "test_accuracy": entry.test_accuracy}
            for entry in zoo.manifest.checkpoints
        },
    }


def convert(options: argparse.Namespace) -> dict[str, Any]:
    facts = ClassifierFacts(
        kind=options.kind,
        alpha=options.alpha,
        architecture=options.architecture,
        input_size=options.input_size,
        class_names=options.class_names,
    )
    entry = convert_file(options.source, options.output, options.name, facts, log)
    origin = entry.training.converted_from
    result = {
        "checkpoint": str(options.output / entry.stored.file),
        "name": entry.name,
        "kind": entry.kind,
        "architecture": entry.architecture,
        "arguments": entry.arguments,
        "input_size": entry.input_size,
        "parameters": origin["parameters"],
        "bytes": entry.stored.bytes,
        "sha256": entry.stored.sha256,
        "source_sha256": origin["sha256"],
        "licence": origin["licence"],
    }
    if entry.kind != "prior":
        result["num_classes"] = entry.num_classes
        result["test_accuracy"] = entry.test_accuracy  # nobody measured it here
    if entry.kind == "target":
        result["alpha"] = entry.alpha
    return result


def publish(options: argparse.Namespace) -> dict[str, Any]:
    zoo = open_zoo(options.zoo)
    done = publish_zoo(zoo, options.repo, private=options.private, data_sheet=options.data_sheet)
    return {
        "commit": done.address.revision,
        "address": str(done.address),
        "url": done.url,
        "files": done.files,
        "bytes": done.total_bytes,
    }


def doctor(options: argparse.Namespace) -> dict[str, Any]:
    checks = doctor_checks.run_checks(
        options.zoo, options.device, online=options.online, accuracy=options.accuracy
    )
    return {"ok": all(check["ok"] for check in checks), "checks": checks}
