"""What the Understand page shows of features and gradients, as plain JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_demo.attack.named import attack_words
from mia_demo.data.pictures import data_uri
from mia_demo.metrics.embedding_view import EmbeddingView
from mia_demo.metrics.gradient_stability import PAPER_COSINES, mean_over_chunks, summarise
from mia_demo.report.columns import alpha_text, signed
from mia_demo.runs.command import sweep_config
from mia_demo.sweep.results import SweepResults
from mia_demo.ui.boards.lane_styles import styles_in
from mia_demo.ui.engine.attack_news import FinishedAttack
from mia_demo.zoo.layers import LayeredZoo


@dataclass(frozen=True)
class LaneLabel:
    """A lane's name, colour and smoothing factor; nan where that is not known."""

    name: str
    style: int
    alpha: float

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "style": self.style,
            "alpha": "" if math.isnan(self.alpha) else f"α = {alpha_text(self.alpha)}",
        }


def lane_labels(zoo: LayeredZoo) -> list[LaneLabel]:
    names = zoo.compared_lanes()
    return [
        LaneLabel(name, style, zoo.entry(name).alpha or 0.0)
        for name, style in styles_in(zoo, names).items()
    ]


# -- embedding view ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Landed:
    """Reconstructions to show among the training images.

    Attributes:
        images: by lane, uint8 [K, R, R, 3].
        identities: by lane, the identity that each should show.
        source: where they come from, in words.
    """

    images: Mapping[str, npt.NDArray[np.uint8]]
    identities: Mapping[str, Sequence[int]]
    source: str


def embedding_json(
    lanes: Sequence[LaneLabel],
    views: Mapping[str, EmbeddingView],
    labels: Sequence[int],
    photos: Mapping[int, npt.NDArray[np.uint8]],
    landed: Landed,
) -> dict[str, Any]:
    """The finished view.

    Args:
        views: by lane.
        labels: the identity of every training image, in the order of the views' points.
        photos: one training photo of every shown identity.
    """
    order = {number: index for index, number in enumerate(photos)}
    return {
        "phase": "done",
        "status": landed.source,
        "identities": [{"number": n, "uri": data_uri(photo)} for n, photo in photos.items()],
        "lanes": [
            _embedding_lane(lane, views[lane.name], [order[n] for n in labels], order, landed)
            for lane in lanes
        ],
        "finding": tightness(views),
    }


def tightness(views: Mapping[str, EmbeddingView]) -> str:
    """The lanes ranked by intra / inter, in words."""
    first, *others = sorted(views, key=lambda name: views[name].ratio)
    ranked = f"{first} ({views[first].ratio:.3f})"
    for name in others:
        ranked += f", then {name} ({views[name].ratio:.3f})"
    finding = f"Tightest here, by intra / inter: {ranked}."
    known = [name for name in ("positive", "zero", "negative") if name in views]
    if min(known, key=lambda name: views[name].ratio, default="positive") != "positive":
        finding += " The paper finds positive tighter than zero and negative; here it is not."
    return finding


def _embedding_lane(
    lane: LaneLabel,
    view: EmbeddingView,
    people: Sequence[int],
    order: Mapping[int, int],
    landed: Landed,
) -> dict[str, Any]:
    pictures = landed.images.get(lane.name, np.empty((0, 1, 1, 3), np.uint8))
    meant = landed.identities.get(lane.name, ())
    share = None if view.landed_nearest is None else round(view.landed_nearest * len(meant))
    away = None if view.landed_distance is None else view.landed_distance / view.intra
    figures = [
        f"{view.intra:.2f}",
        f"{view.inter:.2f}",
        f"{view.ratio:.3f}",
        "–" if away is None else f"{away:.2f} ×",
        "–" if share is None else f"{share} of {len(meant)}",
        f"{view.explained:.0%}",
    ]
    words = f"{lane.name}: intra-class distance {figures[0]}, inter-class distance {figures[1]}"
    if away is not None:
        words += f", {share} of {len(meant)} reconstructions land nearest to their own identity"
    return {
        **lane.to_json(),
        "points": [
            [round(x, 3), round(y, 3), person]
            for (x, y), person in zip(view.points.tolist(), people, strict=True)
        ],
        "landed": [
            {
                "x": round(x, 3),
                "y": round(y, 3),
                "person": order[number],
                "uri": data_uri(picture),
                "title": f"Reconstruction of identity {number}",
            }
            for (x, y), number, picture in zip(view.landed.tolist(), meant, pictures, strict=True)
        ],
        "figures": figures,
        "words": words,
    }


# -- gradient stability -----------------------------------------------------------------------


def own_gradients_json(lanes: Sequence[LaneLabel], attack: FinishedAttack) -> dict[str, Any]:
    """The cosines of the visitor's last attack."""
    config = attack.config
    curves = {
        name: mean_over_chunks(values, config.steps)
        for name, values in attack.curves.gradient_cosine.items()
    }
    steps = list(range(1, config.steps + 1))
    words = (
        f"Your last attack: identity {config.identity}, preset {config.preset}, "
        f"{config.steps} steps, {attack_words(config)}, seed {config.seed}."
    )
    known = {lane.name: lane for lane in lanes}
    shown = [
        known.get(name, LaneLabel(name, position, math.nan))
        for position, name in enumerate(config.lanes)
    ]
    return _gradients("yours", words, shown, {name: (steps, v) for name, v in curves.items()})


def recorded_gradients_json(
    lanes: Sequence[LaneLabel], results: SweepResults, caveat: str
) -> dict[str, Any]:
    """The mean cosines of the recorded sweep; ``NO_GRADIENTS`` where it has none.

    Args:
        caveat: how the zoo has changed since, in words.
    """
    curves = {}
    for lane, points in results.curves.items():
        values = [p["gradient_cosine"] for p in points]
        known = [math.nan if value is None else float(value) for value in values]
        curves[lane] = ([int(point["step"]) for point in points], known)
    shown = [lane for lane in lanes if lane.name in curves]
    record = results.record
    words = (
        f"Recorded sweep: mean over {len(record.identities)} identities, "
        f"{len(record.seeds)} seed{'s' if len(record.seeds) > 1 else ''}, "
        f"{attack_words(sweep_config(record))}. {caveat}"
    ).strip()
    return _gradients("recorded", words, shown, curves)


NO_GRADIENTS: dict[str, Any] = {"source": "none", "words": "", "lanes": []}


def _gradients(
    source: str,
    words: str,
    lanes: Sequence[LaneLabel],
    curves: Mapping[str, tuple[Sequence[int], Sequence[float]]],
) -> dict[str, Any]:
    views = []
    for lane in lanes:
        steps, values = curves[lane.name]
        stability = summarise(values)
        if stability is None:
            continue
        figures = (stability.start, stability.middle, stability.end)
        paper = PAPER_COSINES.get(lane.alpha)
        views.append(
            {
                **lane.to_json(),
                "points": [
                    [step, round(value, 4)]
                    for step, value in zip(steps, values, strict=True)
                    if not math.isnan(value)
                ],
                "figures": [signed(value, 2) for value in (*figures, stability.mean)],
                "paper": [signed(value, 2) for value in paper] if paper else [],
            }
        )
    if not views:
        return NO_GRADIENTS
    return {"source": source, "words": words, "lanes": views}
