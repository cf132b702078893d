"""Files to take home from an attack: an HTML report, its data as JSON, pictures."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.errors import ConfigError
from mia_demo.report.templates import render
from mia_demo.runs.attack_run import AttackRun
from mia_demo.runs.drawing import animation, sheet_png
from mia_demo.system.clock import readable

FILE_TYPES = {
    "html": "text/html",
    "png": "image/png",
    "webp": "image/webp",
    "json": "application/json",
}


def export(run: AttackRun, kind: str, photo: npt.NDArray[np.uint8] | None) -> bytes:
    """A file's content.

    Args:
        kind: one of ``FILE_TYPES``.
        photo: uint8 [R, R, 3], a training photo of the identity; None if the zoo has none.

    Raises:
        ConfigError: no such kind, or the run has no recording to animate.
        DataError: the run is damaged.
    """
    if kind == "html":
        return attack_html(run, photo).encode()
    if kind == "png":
        return sheet_png(run, photo)
    if kind == "json":
        text = json.dumps(as_json(run), indent=2, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode(errors="backslashreplace")  # as ``write_json``
    if kind == "webp":
        replay = run.replay()
        if replay is None:
            raise ConfigError("This run has no recording; run it again to get one.")
        return animation(run, replay, photo)
    raise ConfigError(f"There is no {kind!r} download; choose {', '.join(FILE_TYPES)}.")


def file_name(run: AttackRun, kind: str) -> str:
    """Made of numbers alone: a visitor's words never end up in a path."""
    return f"attack-identity-{run.config.identity}-seed-{run.config.seed}.{kind}"


def as_json(run: AttackRun) -> dict[str, Any]:
    """Config, seed, versions, hashes and verdicts; pictures by file name."""
    lanes = {
        name: {**lane, "images": [Path(path).name for path in lane["images"]]}
        for name, lane in run.report["lanes"].items()
    }
    return {
        "name": run.name,
        "recorded": run.is_recorded,
        "command": run.command(),
        **run.report,
        "lanes": lanes,
    }


def attack_html(run: AttackRun, photo: npt.NDArray[np.uint8] | None) -> str:
    """One HTML file that needs nothing else: no scripts, no network.

    Raises:
        DataError: a picture is damaged.
    """
    report, replay = run.report, run.replay()
    return render(
        "attack_report.html",
        title=f"Model inversion attack: {run.title}",
        run=run,
        identity=run.config.identity,
        animation=b64encode(animation(run, replay, photo)).decode("ascii") if replay else "",
        photo=photo,
        lanes=[(lane, report["lanes"][lane], run.pictures(lane)) for lane in run.config.lanes],
        origin={
            "Run": {
                "date (UTC)": readable(run.date),
                "commit": report.get("commit") or "unknown",
                "device": f"{report['device']}, {report['precision']}",
                "threads": report["threads"],
                "seconds": f"{report['seconds']:.1f}",
            },
            "Settings": {**run.config.to_json(), "lanes": ", ".join(run.config.lanes)},
            "Versions": report["versions"],
            "Checkpoints (sha256)": report["checkpoints"],
        },
    )
