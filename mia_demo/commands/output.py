"""Output of a command: its result as text; progress and remarks on standard error."""

import json
import sys
from typing import Any

from tqdm import tqdm

from mia_demo.report.text import as_attribute_markdown, results_markdown
from mia_demo.smoothing import format_alpha
from mia_demo.sweep.rows import row_from_json

# Only --json and run.json have these.
HIDDEN_KEYS = {
    *("config", "settings", "versions", "checkpoints", "attribute_reference", "licence"),
    *("attacks", "robustness"),
    *("format", "kind", "complete", "stage", "step", "total_steps"),
}


def as_text(result: dict[str, Any]) -> str:
    """A result for people: one line per key, lane and check."""
    lines = []
    for key, value in result.items():
        if key == "checks":
            for check in value:
                mark = "ok  " if check["ok"] else "FAIL"
                remedy = "" if check["ok"] else f" -> {check['remedy']}"
                lines.append(f"{mark} {check['name']}: {check['found']}{remedy}")
        elif key == "lanes" and isinstance(value, dict):
            lines += [_lane_as_text(name, lane) for name, lane in value.items()]
        elif key == "rows":
            rows = [row_from_json(row) for row in value]
            lines += [
                results_markdown(rows),
                as_attribute_markdown(rows, result["attribute_reference"]),
            ]
        elif key == "matrix":
            lines += _matrix_as_text(value)
        elif key in HIDDEN_KEYS:
            continue
        elif value is None:
            lines.append(f"{key}: not measured")
        else:
            lines.append(f"{key}: {value if isinstance(value, str) else json.dumps(value)}")
    return "\n".join(lines)


def _lane_as_text(name: str, lane: dict[str, Any]) -> str:
    top1 = lane["evaluator_top1"]
    hits = round(lane["acc1"] * len(top1))
    return (
        f"{name} (alpha {format_alpha(lane['alpha'])}): the evaluator recognises the identity in "
        f"{hits} of {len(top1)} reconstructions (it sees {', '.join(map(str, top1))}); "
        f"target confidence {lane['target_confidence']:.0%}, delta_face {lane['delta_face']:.2f}"
    )


def _matrix_as_text(rows: list[dict[str, Any]]) -> list[str]:
    """Acc@1 of every attack, a line for each target."""
    lines = []
    for row in rows:
        cells = ", ".join(f"{name} {cell['acc1']:.0%}" for name, cell in row["cells"].items())
        gap = row["gradient_gap"]
        without = ""
        if gap is not None:
            without = f"; with the gradient {100 * gap['value']:+.0f} points more"
        lines.append(f"{row['lane']}: the evaluator recognises {cells}{without}")
    return lines


def log_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def progress(name: str, unit: str = "step", *, shown: bool = True) -> "tqdm[Any]":
    """A bar on standard error, on a terminal only."""
    return tqdm(desc=name, unit=unit, file=sys.stderr, disable=None if shown else True)
