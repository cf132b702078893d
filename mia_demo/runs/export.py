"""A run to take home: one HTML file, JSON, and pictures."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import numpy as np
import numpy.typing as npt

from mia_demo.errors import ConfigError
from mia_demo.report.columns import DASH, alpha_text, percent
from mia_demo.report.html_page import add_facts, add_picture, add_text, new_page, page_text
from mia_demo.runs.command import attack_command
from mia_demo.runs.drawing import animation, facts_line, heading, sheet_png
from mia_demo.runs.folder import AttackRun

KINDS = {"html": "text/html", "png": "image/png", "webp": "image/webp", "json": "application/json"}


def export(run: AttackRun, kind: str, photo: npt.NDArray[np.uint8] | None) -> bytes:
    """A file's content.

    Args:
        kind: one of ``KINDS``.
        photo: uint8 [R, R, 3], a training photo of the identity; None if the zoo has none.

    Raises:
        ConfigError: no such kind, or the run has no recording to animate.
        DataError: the run is damaged.
    """
    if kind == "html":
        return html_report(run, photo).encode()
    if kind == "png":
        return sheet_png(run, photo)
    if kind == "json":
        text = json.dumps(as_json(run), indent=2, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode()
    if kind == "webp":
        replay = run.replay()
        if replay is None:
            raise ConfigError("This run has no recording; run it again to get one.")
        return animation(run, replay)
    raise ConfigError(f"There is no {kind!r} download; choose {', '.join(KINDS)}.")


def file_name(run: AttackRun, kind: str) -> str:
    """Made of numbers alone: no visitor's words end up in a path."""
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
        "command": attack_command(run.config),
        **run.report,
        "lanes": lanes,
    }


def html_report(run: AttackRun, photo: npt.NDArray[np.uint8] | None) -> str:
    """One HTML file that needs nothing else: no scripts, no network.

    Raises:
        DataError: a picture is damaged.
    """
    page, body = new_page(f"Model inversion attack: {run.title}")
    add_text(body, "p", heading(run) + ".")
    add_text(body, "p", facts_line(run) + ".")
    if not run.is_complete:
        add_text(body, "p", "Stopped early: the pictures are candidates, not selected results.")
    _add_animation(body, run)
    _add_pictures(body, run, photo)
    _add_figures(body, run)
    _add_origin(body, run)
    return page_text(page)


def _add_animation(body: Element, run: AttackRun) -> None:
    replay = run.replay()
    if replay is None:
        return
    section = SubElement(body, "section")
    add_text(section, "h2", "The attack, step by step")
    encoded = base64.b64encode(animation(run, replay)).decode("ascii")
    alt = f"Animation of the attack on identity {run.config.identity} in all lanes"
    SubElement(
        section,
        "img",
        src=f"data:image/webp;base64,{encoded}",
        alt=alt,
        style="width: auto; max-width: 100%",
    )


def _add_pictures(body: Element, run: AttackRun, photo: npt.NDArray[np.uint8] | None) -> None:
    section = SubElement(body, "section")
    add_text(section, "h2", "Reconstructions")
    add_text(
        section,
        "p",
        "Best first. Right: the evaluator, which the attack never saw, names the identity.",
    )
    sheet = SubElement(section, "div", {"class": "sheet"})
    identity = run.config.identity
    if photo is not None:
        card = SubElement(sheet, "article")
        add_text(card, "h3", f"Identity {identity}")
        figure = add_picture(card, photo, f"Training photo of identity {identity}")
        add_text(figure, "figcaption", "training photo")
    for lane in run.config.lanes:
        report = run.report["lanes"][lane]
        card = SubElement(sheet, "article")
        add_text(card, "h3", f"{lane}, α = {alpha_text(report['alpha'])}")
        for rank, picture in enumerate(run.pictures(lane)):
            alt = f"Reconstruction {rank + 1} of identity {identity} from lane {lane}"
            figure = add_picture(card, picture, alt)
            caption = add_text(figure, "figcaption", percent(report["confidences"][rank]))
            seen = report["evaluator_top1"][rank]
            is_right = seen == identity
            words = f"{'right' if is_right else 'wrong'}: says {seen}"
            add_text(caption, "strong", words, **{"class": "right" if is_right else "wrong"})


def _add_figures(body: Element, run: AttackRun) -> None:
    columns = {
        "α": lambda lane: alpha_text(lane["alpha"]),
        "Test accuracy": lambda lane: (
            DASH if lane["test_accuracy"] is None else percent(lane["test_accuracy"])
        ),
        "Target confidence": lambda lane: percent(lane["target_confidence"]),
        "Recognised": lambda lane: percent(lane["acc1"]),
        "δ_face": lambda lane: f"{lane['delta_face']:.3f}" if "delta_face" in lane else DASH,
    }
    section = SubElement(body, "section")
    add_text(section, "h2", "Figures")
    table = SubElement(section, "table")
    line = SubElement(SubElement(table, "thead"), "tr")
    for label in ("Lane", *columns):
        add_text(line, "th", label, scope="col")
    tbody = SubElement(table, "tbody")
    for name, lane in run.report["lanes"].items():
        line = SubElement(tbody, "tr")
        add_text(line, "th", name, scope="row")
        for text in columns.values():
            add_text(line, "td", text(lane))


def _add_origin(body: Element, run: AttackRun) -> None:
    report = run.report
    section = SubElement(body, "section")
    add_text(section, "h2", "How to repeat it")
    add_text(SubElement(section, "p"), "code", attack_command(run.config))
    add_text(
        section,
        "p",
        "On the same device, precision and number of threads, with the same versions and "
        "checkpoints, the pictures come out the same to the bit.",
    )
    place = {
        "date (UTC)": report["date"],
        "commit": report.get("commit") or "unknown",
        "device": f"{report['device']}, {report['precision']}",
        "threads": str(report["threads"]),
        "seconds": f"{report['seconds']:.1f}",
    }
    add_facts(section, "Run", place)
    settings = {**run.config.to_json(), "lanes": ", ".join(run.config.lanes)}
    add_facts(section, "Settings", {name: str(value) for name, value in settings.items()})
    add_facts(section, "Versions", report["versions"])
    add_facts(section, "Checkpoints (sha256)", report["checkpoints"])
