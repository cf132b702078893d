"""``toy`` and ``bench``: the paper's example in figures, and the speed of this machine."""

from typing import Any

from mia_demo.bench.paper_scale import run_paper_bench
from mia_demo.bench.small import run_bench
from mia_demo.commands.output import log_line
from mia_demo.commands.requests import BenchRequest, ToyRequest
from mia_demo.sweep.sweep import parse_numbers
from mia_demo.system.device import choose_compute
from mia_demo.toy import run_toy


def answer_toy(request: ToyRequest) -> dict[str, Any]:
    result = run_toy(request.alpha)
    return {
        "alpha": result.alpha,
        "final_loss": round(result.final_loss, 4),
        "steps": result.walk.steps,
        "distance": round(result.walk.distance, 2),
        "end": list(result.walk.path[-1]),
    }


def answer_bench(request: BenchRequest) -> dict[str, Any]:
    compute = choose_compute(request.device)
    if request.paper_scale:
        batches, targets = parse_numbers(request.batches), request.target.split(",")
        return run_paper_bench(compute, targets, batches, request.at_once, log_line)
    return run_bench(request.zoo, compute)
