"""``make-zoo``, ``convert``, ``publish`` and ``doctor``: commands about whole zoos."""

from dataclasses import fields
from typing import Any

from mia_demo.commands.output import log_line
from mia_demo.commands.requests import ConvertRequest, DoctorRequest, MakeZooRequest, PublishRequest
from mia_demo.convert.pipeline import ClassifierFacts, convert_file
from mia_demo.doctor import run_checks
from mia_demo.recipes.make_zoo import ZooRecipe, make_zoo
from mia_demo.recipes.publish import publish_zoo
from mia_demo.system.device import choose_compute
from mia_demo.zoo.folder import EMBEDDED_ZOO
from mia_demo.zoo.opening import open_zoo


def answer_make_zoo(request: MakeZooRequest) -> dict[str, Any]:
    output = request.output or EMBEDDED_ZOO
    compute = choose_compute(request.device)
    zoo = make_zoo(
        request.data, output, ZooRecipe(), compute, minutes=request.minutes, log=log_line
    )
    return {
        "zoo": str(output),
        "checkpoints": {
            entry.name: {"bytes": entry.stored.bytes, "test_accuracy": entry.test_accuracy}
            for entry in zoo.manifest.checkpoints
        },
    }


def answer_convert(request: ConvertRequest) -> dict[str, Any]:
    facts = ClassifierFacts(
        **{field.name: getattr(request, field.name) for field in fields(ClassifierFacts)}
    )
    entry = convert_file(request.source, request.output, request.name, facts, log_line)
    origin = entry.training.converted_from
    result = {
        "checkpoint": str(request.output / entry.stored.file),
        **{name: getattr(entry, name) for name in ("name", "kind", "architecture", "arguments")},
        "input_size": entry.input_size,
        "parameters": origin["parameters"],
        "bytes": entry.stored.bytes,
        "sha256": entry.stored.sha256,
        "source_sha256": origin["sha256"],
        "licence": origin["licence"],
    }
    if entry.kind != "prior":
        result["num_classes"] = entry.num_classes
        result["test_accuracy"] = entry.test_accuracy  # not measured here
    if entry.kind == "target":
        result["alpha"] = entry.alpha
    return result


def answer_publish(request: PublishRequest) -> dict[str, Any]:
    zoo = open_zoo(request.zoo)
    done = publish_zoo(zoo, request.repo, private=request.private, data_sheet=request.data_sheet)
    return {
        "commit": done.address.revision,
        "address": str(done.address),
        "url": done.url,
        "files": done.files,
        "bytes": done.total_bytes,
    }


def answer_doctor(request: DoctorRequest) -> dict[str, Any]:
    checks = run_checks(
        request.zoo, request.device, online=request.online, accuracy=request.accuracy
    )
    return {"ok": all(check["ok"] for check in checks), "checks": checks}
