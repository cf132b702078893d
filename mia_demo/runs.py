"""Run folders: one attack or training saved with its config, seeds, versions and images.

``run.json`` is written last, so a folder with it is complete.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from mia_demo.attack.attack import AttackFrame, LaneFrame
from mia_demo.attack.config import AttackConfig
from mia_demo.attack.lanes import stage_names
from mia_demo.device import Compute
from mia_demo.errors import ConfigError
from mia_demo.evaluation.attributes import Shares
from mia_demo.evaluation.judge import Verdict
from mia_demo.files import replacing, write_json
from mia_demo.zoo import Zoo, library_versions

RUN_FILE = "run.json"
RUNS = Path(__file__).resolve().parent.parent / "runs"


def attack_report(
    zoo: Zoo,
    config: AttackConfig,
    compute: Compute,
    frame: AttackFrame,
    verdicts: dict[str, Verdict],
    attributes: dict[str, Shares],
    candidate_steps: int,
) -> dict[str, Any]:
    """The JSON object of one attack (design: ``attack --json``), image paths excluded.

    Args:
        frame: the last frame.
        verdicts: the judge's word on each lane's kept images.
        attributes: by lane, share of kept images with the right value; empty without heads.
        candidate_steps: updates of single candidates that were computed, over all lanes.
    """
    targets = dict.fromkeys(name for lane in config.lanes for name in stage_names(lane))
    return {
        **({"zoo": zoo.origin} if zoo.origin else {}),
        "identity": config.identity,
        "seed": config.seed,
        "preset": config.preset,
        "device": str(compute.device),
        "precision": compute.precision,
        "seconds": round(frame.seconds, 3),
        "candidate_steps_per_second": round(candidate_steps / max(frame.seconds, 1e-9), 1),
        "config": config.to_json(),
        "versions": library_versions(),
        "checkpoints": {
            name: zoo.entry(name).stored.sha256 for name in ("prior", "evaluator", *targets)
        },
        "lanes": {
            lane.name: _lane_report(lane, verdicts[lane.name], attributes.get(lane.name, {}))
            for lane in frame.lanes
        },
    }


def _lane_report(lane: LaneFrame, verdict: Verdict, attributes: Shares) -> dict[str, Any]:
    return {
        "alpha": lane.alpha,
        "test_accuracy": lane.test_accuracy,
        "target_confidence": lane.target_confidence,
        "confidences": list(lane.confidences),
        "evaluator_top1": list(verdict.top1),
        "acc1": verdict.acc1,
        "acc5": verdict.acc5,
        "delta_eval": verdict.delta_eval,
        "delta_face": verdict.delta_face,
        "attributes": attributes,
        "images": [],
    }


def save_attack(directory: Path, report: dict[str, Any], frame: AttackFrame) -> dict[str, Any]:
    """Writes the kept images as PNG and ``run.json``.

    Returns:
        The report with every lane's image paths.

    Raises:
        ConfigError: the folder cannot be written.
    """
    lanes = {name: dict(values) for name, values in report["lanes"].items()}
    try:
        for lane in frame.lanes:
            paths = []
            for rank, pixels in enumerate(lane.images):
                path = directory / f"{lane.name}_{rank:02d}.png"
                with replacing(path) as temporary:
                    Image.fromarray(pixels).save(temporary, format="PNG")
                paths.append(str(path))
            lanes[lane.name]["images"] = paths
        complete = {**report, "lanes": lanes}
        write_json(directory / RUN_FILE, complete)
    except OSError as error:
        raise ConfigError(
            f"Cannot write to {directory} ({error}); choose another --output."
        ) from error
    return complete
