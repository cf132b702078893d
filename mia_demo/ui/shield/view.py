"""The board of defences and attacks as JSON for the page's components."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.attack.config import preset_config
from mia_demo.attack.named import TITLES
from mia_demo.data.pictures import data_uri, sprite
from mia_demo.defences.label_smoothing import LabelSmoothing
from mia_demo.defences.registry import described
from mia_demo.report.board_words import (
    PUBLISHED,
    best_attack,
    gap_sentence,
    gap_text,
    headline,
    plain_for,
    record_words,
    shield_sentence,
    temperature_sentence,
)
from mia_demo.report.columns import DASH, alpha_text, interval_text, percent
from mia_demo.sweep.board import BoardCell, BoardRow, Share
from mia_demo.sweep.pooling import SEPARATOR, target_of
from mia_demo.ui.boards.lane_styles import lane_styles

LAYERS = {
    "acc1": ("Evaluator", "in which the evaluator recognises the person (Acc@1)"),
    "face_rank1": ("Face embedder", "in which the face embedder picks the person among all"),
    "convinced_but_wrong": (
        "Convinced but wrong",
        "of which the target is over 90% sure although both judges say no",
    ),
}
CELL_COLUMNS = 10
LINK_PRESET = "quick"  # against which a link tells what is different


def board_json(rows: Sequence[BoardRow], caveat: str) -> dict[str, Any]:
    """The matrix and its rows' ends.

    Args:
        caveat: why the current zoo may give other figures; empty if it should not.
    """
    if not rows:
        return {"rows": []}
    attacks = {name: cell for row in rows for name, cell in row.cells.items()}
    styles = lane_styles(
        {row.lane: row.alpha if row.defence == LabelSmoothing.name else None for row in rows}
    )
    return {
        "headline": headline(rows),
        "record": f"{record_words(rows)} {caveat}".rstrip(),
        "layers": [{"key": k, "label": a, "words": b} for k, (a, b) in LAYERS.items()],
        "groups": [
            {"title": needs, "count": len(list(names))}
            for needs, names in groupby(attacks, lambda name: attacks[name].needs)
        ],
        "attacks": [{"name": name, "title": TITLES[name]} for name in attacks],
        "epsilons": [f"{epsilon:g}" for epsilon in rows[0].robust.epsilons],
        "rows": [_row(row, styles[row.lane], plain_for(row, rows)) for row in rows],
    }


def cell_json(
    row: BoardRow,
    attack: str,
    photos: npt.NDArray[np.uint8],
    pictures: npt.NDArray[np.uint8],
    *,
    is_here: bool,
) -> dict[str, Any]:
    """A cell's reconstructions beside the photos.

    Args:
        photos, pictures: uint8 [I, R, R, 3], one of each identity.
        is_here: whether this target can be attacked now.
    """
    cell = row.cells[attack]
    people = cell.identities
    hits = sum(seen == number for seen, number in zip(cell.top1, people, strict=True))
    spent = ", ".join(f"{stage} {count:,}" for stage, count in cell.passes.items())
    return {
        "title": f"{row.lane} under {TITLES[attack]}",
        "facts": f"Needs {cell.needs}. Classifier passes: {spent}. The best reconstruction of "
        f"{hits} of {len(people)} people is recognised by the evaluator.",
        "columns": CELL_COLUMNS,
        "photos": data_uri(sprite(photos, CELL_COLUMNS)),
        "pictures": data_uri(sprite(pictures, CELL_COLUMNS)),
        "people": [
            {"number": number, "seen": seen, "recognised": seen == number}
            for number, seen in zip(people, cell.top1, strict=True)
        ],
        "live": attack_link(row.lane, cell) if is_here else "",
        "deal": f"tab=line-up&cell={row.lane}/{attack}" if is_here else "",
        "missing": "" if is_here else f"This zoo has no classifier {row.lane}.",
    }


def attack_link(lane: str, cell: BoardCell) -> str:
    """The Attack page with this target and these settings; the identity is still to be added."""
    usual = preset_config(LINK_PRESET).to_json()
    changed = [
        f"{name}={value}"
        for name, value in cell.settings.items()
        if name != "preset" and value != usual[name]
    ]
    return "&".join(["tab=attack", f"preset={LINK_PRESET}", f"lanes={lane}", *changed])


def _row(row: BoardRow, style: int, plain: BoardRow | None) -> dict[str, Any]:
    best = best_attack(row)
    gap, gap_interval = gap_text(row)
    sentences = (gap_sentence(row), temperature_sentence(row), shield_sentence(row, plain))
    words = " ".join(filter(None, sentences))
    what = described(row.defence, row.strengths)
    if not what and row.alpha is not None:
        what = f"α = {alpha_text(row.alpha)}"
    seed = row.lane.removeprefix(target_of(row.lane)).removeprefix(SEPARATOR)
    if seed:
        what += f", training seed {seed}"
    return {
        "lane": row.lane,
        "style": style,
        "what": what,
        "cells": [
            {"attack": name, **{layer: _figure(getattr(cell, layer)) for layer in LAYERS}}
            for name, cell in row.cells.items()
        ],
        "ends": [
            {"text": words},
            {
                "text": f"{TITLES[best]} {percent(row.cells[best].acc1.value)}",
                "small": interval_text(row.cells[best].acc1.interval),
            },
            {"text": gap or DASH, "small": gap_interval},
            {"text": percent(row.test_accuracy)},
            *({"text": _grid(shares)} for shares in (row.robust.fgsm, row.robust.pgd)),
            {"text": PUBLISHED.get(row.lane) or PUBLISHED.get(row.defence) or DASH},
        ],
    }


def _grid(shares: Sequence[float]) -> str:
    return " · ".join(f"{share:.0%}" for share in shares)


def _figure(share: Share) -> dict[str, Any]:
    low, high = share.interval or (None, None)
    whole = "" if low is None or high is None else f"{100 * low:.0f}–{100 * high:.0f}"
    return {"value": round(share.value, 4), "text": f"{share.value:.0%}", "interval": whole}
