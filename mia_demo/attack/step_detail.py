"""One step of one candidate in numbers, to be looked at under a magnifying glass."""

from __future__ import annotations

from torch import Tensor

from mia_demo.attack.frames import StepDetail
from mia_demo.attack.optimisation import StepTrace

SHOWN_NUMBERS = 12  # of w
SHOWN_RIVALS = 4  # identities beside the target


def step_detail(trace: StepTrace, track: int, candidate: int, target: int) -> StepDetail:
    """What a candidate went through in a step."""
    logits = trace.logits[track, candidate].float().cpu()
    ranked = [int(k) for k in logits.argsort(descending=True) if int(k) != target]
    identities = (target, *ranked[:SHOWN_RIVALS])
    gradient, moved = trace.gradient[track, candidate], trace.moved[track, candidate]
    return StepDetail(
        w=_first(trace.w[track, candidate]),
        gradient=_first(gradient),
        moved=_first(moved),
        gradient_norm=float(f"{float(gradient.norm()):.3g}"),
        moved_norm=float(f"{float(moved.norm()):.3g}"),
        identities=identities,
        logits=tuple(round(float(logits[k]), 2) for k in identities),
        loss=round(float(trace.losses[track, candidate]), 3),
    )


def _first(values: Tensor) -> tuple[float, ...]:
    return tuple(float(f"{value:.3g}") for value in values[:SHOWN_NUMBERS].tolist())
