"""What ``run.json`` says of an attack: settings, origin and results."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from mia_demo.attack.config import AttackConfig
from mia_demo.attack.frames import AttackFrame, LaneFrame
from mia_demo.attack.lanes import stage_names
from mia_demo.attack.named import classifier_passes
from mia_demo.metrics.attributes import Shares
from mia_demo.metrics.judge import Verdict
from mia_demo.runs.origin import place_of
from mia_demo.sweep.provenance import source_commit
from mia_demo.system.clock import time_now
from mia_demo.system.device import Compute
from mia_demo.zoo.manifest import library_versions
from mia_demo.zoo.reading import Zoo

RUN_FORMAT = 1


class _JudgedLane(TypedDict, total=False):
    """Figures that only ``attack`` of the command line computes."""

    acc5: float
    delta_eval: float
    delta_face: float
    attributes: Shares


class LaneReport(_JudgedLane):
    """A lane's results; lists have one element per picture, best first."""

    alpha: float
    test_accuracy: float | None
    target_confidence: float
    confidences: list[float]
    evaluator_top1: list[int]
    evaluator_confidences: list[float]
    acc1: float
    images: list[str]


class _OfSomeRuns(TypedDict, total=False):
    """``zoo`` is for Hub zoos only; older versions wrote fewer."""

    zoo: str
    commit: str
    classifier_passes: dict[str, int]


class AttackReport(_OfSomeRuns):
    """``run.json``."""

    format: Literal[1]
    kind: Literal["attack"]
    date: str
    complete: bool
    stage: Literal["optimisation", "done"]
    step: int
    total_steps: int
    device: str
    precision: str
    threads: int
    seconds: float
    config: dict[str, Any]
    versions: dict[str, str]
    checkpoints: dict[str, str]
    lanes: dict[str, LaneReport]


def attack_report(
    zoo: Zoo,
    config: AttackConfig,
    compute: Compute,
    frame: AttackFrame,
    *,
    verdicts: Mapping[str, Verdict] | None = None,
    attributes: Mapping[str, Shares] | None = None,
) -> dict[str, Any]:
    """The JSON object of one attack (design: ``attack --json``), image paths excluded.

    Args:
        frame: the last one. A stopped attack's shows candidates instead of kept results.
        verdicts: of both judges on each lane's kept images; without them the report has only the
            evaluator's verdict, which every frame carries.
        attributes: by lane, the share of kept images with the right value.
    """
    targets = dict.fromkeys(name for lane in config.lanes for name in stage_names(lane))
    steps = config.steps * config.candidates * len(config.lanes) if frame.is_last else 0
    return {
        **({"zoo": zoo.origin} if zoo.origin else {}),
        "format": RUN_FORMAT,
        "kind": "attack",
        "date": time_now(),
        "commit": source_commit(),
        "complete": frame.is_last,
        "stage": frame.stage,
        "step": frame.step,
        "total_steps": frame.total_steps,
        "identity": config.identity,
        "seed": config.seed,
        "preset": config.preset,
        **place_of(compute),
        "seconds": round(frame.seconds, 3),
        "candidate_steps_per_second": round(steps / max(frame.seconds, 1e-9), 1),
        "classifier_passes": classifier_passes(config),
        "config": config.to_json(),
        "versions": library_versions(),
        "checkpoints": {
            name: zoo.entry(name).stored.sha256 for name in ("prior", "evaluator", *targets)
        },
        "lanes": {
            lane.name: _lane_report(
                lane,
                config.identity,
                (verdicts or {}).get(lane.name),
                (attributes or {}).get(lane.name, {}),
            )
            for lane in frame.lanes
        },
    }


def _lane_report(
    lane: LaneFrame, identity: int, verdict: Verdict | None, attributes: Shares
) -> dict[str, Any]:
    order = lane.best_first()
    top1 = verdict.top1 if verdict else tuple(lane.evaluator_top1[k] for k in order)
    report: dict[str, Any] = {
        "alpha": lane.alpha,
        "test_accuracy": lane.test_accuracy,
        "target_confidence": lane.target_confidence,
        "confidences": [lane.confidences[k] for k in order],
        "evaluator_top1": list(top1),
        "evaluator_confidences": [lane.evaluator_confidences[k] for k in order],
        "acc1": top1.count(identity) / len(top1),
        "images": [],
    }
    if verdict:
        judged = ("acc1", "acc5", "delta_eval", "delta_face")
        report |= {figure: getattr(verdict, figure) for figure in judged}
        report["attributes"] = attributes
    return report
