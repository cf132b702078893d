"""The results table of a sweep: one row a lane, every figure of the paper's evaluation.

A figure that cannot be computed honestly (too few images) is None, with the reason beside it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mia_demo.attack.attack import Attacker
from mia_demo.attack.lanes import stage_names
from mia_demo.data.attributes import ATTRIBUTES
from mia_demo.device import Compute
from mia_demo.errors import ConfigError
from mia_demo.evaluation.attributes import AttributeJudge, open_attribute_judge, shares
from mia_demo.evaluation.calibration import Calibration, calibration
from mia_demo.evaluation.extraction import knowledge_extraction
from mia_demo.evaluation.frechet import frechet_distance
from mia_demo.evaluation.intervals import bootstrap_interval, seed_interval
from mia_demo.evaluation.judge import Judge
from mia_demo.evaluation.prdc import mean_prdc, prdc
from mia_demo.evaluation.recognition import identity_centres, recognised
from mia_demo.evaluation.sweep import load_result, saved_images
from mia_demo.smoothing import format_alpha
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo import Zoo

IN_JSON_ONLY = (
    "acc1_ci95", "acc1_seeds", "acc1_seeds_ci95", "delta_face_ci95",
    "face_rank1_ci95", "attributes", "attributes_ci95", "refused",
)  # fmt: skip
MARKDOWN_COLUMNS = {
    "lane": "lane",
    "alpha": "α",
    "test_accuracy": "test accuracy",
    "acc1": "Acc@1",
    "acc1_ci95": "95 % over identities",
    "acc1_seeds_ci95": "95 % over seeds",
    "face_rank1": "face rank-1",
    "face_rank1_ci95": "95 % over identities",
    "acc5": "Acc@5",
    "delta_eval": "δ_eval",
    "delta_face": "δ_face",
    "delta_face_ci95": "95 % over identities",
    "frechet": "Fréchet",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "extraction_train": "ξ_train",
    "extraction_test": "ξ_test",
}
SHARES = (
    "test_accuracy", "acc1", "acc1_seeds", "acc5", "face_rank1",
    "extraction_train", "extraction_test", "attributes", "real_test_accuracy", "held_out_accuracy",
)  # fmt: skip

Row = dict[str, Any]


def results_table(
    attacker: Attacker,
    judge: Judge,
    directory: Path,
    identities: Sequence[int],
    seeds: Sequence[int],
    lanes: Sequence[str],
) -> list[Row]:
    """All rows of a finished sweep.

    Args:
        attacker, judge: of the zoo that was swept.
        directory: where ``run_sweep`` put its results.
    """
    zoo, compute = attacker.zoo, judge.compute
    private = zoo.identities()
    size = zoo.entry("evaluator").input_size
    test = LabelledImages(*zoo.split(private, size, "test"))
    train = LabelledImages(
        *private.tensors(size, labels=identities, indices=range(zoo.manifest.train_images))
    )
    chosen = torch.isin(test.labels, train.labels)
    examined = LabelledImages(test.images[chosen], test.labels[chosen])
    attributes, no_attributes = open_attribute_judge(zoo, compute)
    gallery = LabelledImages(*zoo.split(private, size, "train"))
    embeddings = predict(judge.embedder, gallery.images, compute)
    centres, everybody = identity_centres(embeddings, gallery.labels)
    swept = torch.isin(gallery.labels, train.labels)
    real = Cloud(embeddings[swept], gallery.labels[swept])
    rows = []
    for position, name in enumerate(lanes):
        judged = [[load_result(directory, s, i)["lanes"][name] for s in seeds] for i in identities]
        fake = _reconstructions(zoo, directory, identities, seeds, position)
        cloud = Cloud(predict(judge.embedder, fake.images, compute), fake.labels)
        target = attacker.lane(stage_names(name)[1])
        logits = predict(target.classifier, test.images, compute)
        row = {"lane": name, **attack_figures(judged)}
        hits = recognised(cloud.features, centres, everybody) == fake.labels
        people = hits.float().reshape(len(identities), -1).mean(dim=1).numpy()
        row["face_rank1"] = float(people.mean())
        _attempt(row, ["face_rank1_ci95"], partial(_interval, people))
        _attribute_figures(row, attributes, no_attributes, fake)
        keys = [field.name for field in fields(Calibration)]
        _attempt(row, keys, partial(_calibration, logits, test.labels))
        _attempt(row, ["frechet"], partial(_frechet, real, cloud))
        _attempt(row, ["precision", "recall", "density", "coverage"], partial(_prdc, real, cloud))
        _attempt(
            row,
            ["extraction_train", "extraction_test"],
            partial(_extraction, fake, train, examined, compute),
        )
        rows.append(row)
    return rows


@dataclass(frozen=True)
class Cloud:
    """Features [N, D] and the identity of each."""

    features: Tensor
    labels: Tensor


def _frechet(real: Cloud, fake: Cloud) -> list[float]:
    return [frechet_distance(fake.features, real.features)]


def _prdc(real: Cloud, fake: Cloud) -> list[float]:
    parts = [
        prdc(real.features[real.labels == label], fake.features[fake.labels == label])
        for label in real.labels.unique()
    ]
    mean = mean_prdc(parts)
    return [mean.precision, mean.recall, mean.density, mean.coverage]


def _interval(values: npt.NDArray[Any]) -> list[Any]:
    return [bootstrap_interval(values)]


def _calibration(logits: Tensor, labels: Tensor) -> list[float]:
    return list(astuple(calibration(logits, labels)))


def _extraction(
    fake: LabelledImages, train: LabelledImages, test: LabelledImages, compute: Compute
) -> list[float]:
    score = knowledge_extraction(fake, train, test, compute)
    return [score.train, score.test]


def _attribute_figures(
    row: Row, judge: AttributeJudge | None, reason: str, fake: LabelledImages
) -> None:
    """Share of reconstructions with the right value; interval as for Acc@1, over identities.

    Args:
        reason: why there is no judge.
    """
    row["attributes"], row["attributes_ci95"] = {}, {}
    if judge is None:
        row["refused"]["attributes"] = reason
        return
    right = judge.right(fake)
    row["attributes"] = shares(right)
    people = torch.stack(
        [right[fake.labels == label].mean(dim=0) for label in fake.labels.unique()]
    )
    for attribute, column in zip(ATTRIBUTES, people.T, strict=True):
        measured = column[~column.isnan()].numpy()
        if not len(measured):
            continue
        try:
            interval = bootstrap_interval(measured)
        except ConfigError as error:
            interval = None
            row["refused"]["attributes_ci95"] = str(error)
        row["attributes_ci95"][attribute.name] = interval


def attack_figures(values: list[list[dict[str, Any]]]) -> Row:
    """Means over identities and seeds, with their intervals.

    Args:
        values: for each identity, for each seed, the judged attack.

    Returns:
        ``acc1_ci95`` and ``delta_face_ci95`` are bootstraps over identities (each with the mean of
        its seeds), ``acc1_seeds`` lists the mean of every seed and ``acc1_seeds_ci95`` is their
        Student t interval. ``refused`` says why an interval is None.
    """
    means = {
        key: float(_grid(values, key).mean())
        for key in ("acc1", "acc5", "delta_eval", "delta_face", "target_confidence")
    }
    acc1, delta_face = _grid(values, "acc1"), _grid(values, "delta_face")
    row = {
        "alpha": values[0][0]["alpha"],
        "test_accuracy": values[0][0]["test_accuracy"],
        **means,
        "acc1_seeds": acc1.mean(axis=0).tolist(),
        "refused": {},
    }
    _attempt(row, ["acc1_ci95"], partial(_interval, acc1.mean(axis=1)))
    _attempt(row, ["acc1_seeds_ci95"], lambda: [seed_interval(acc1.mean(axis=0))])
    _attempt(row, ["delta_face_ci95"], partial(_interval, delta_face.mean(axis=1)))
    return row


def _grid(values: list[list[dict[str, Any]]], key: str) -> npt.NDArray[np.float64]:
    """[identities, seeds]."""
    return np.array([[entry[key] for entry in per_seed] for per_seed in values])


def as_markdown(rows: list[Row]) -> str:
    """The table for a README."""
    head = _markdown_line(list(MARKDOWN_COLUMNS.values()))
    rule = "|" + "---|" * len(MARKDOWN_COLUMNS) + "\n"
    lines = [_markdown_line([_cell(key, row[key]) for key in MARKDOWN_COLUMNS]) for row in rows]
    return head + rule + "".join(lines)


def as_attribute_markdown(rows: list[Row], reference: dict[str, dict[str, Any]]) -> str:
    """Attribute leakage for a README: an attribute a row, a lane a column.

    Args:
        reference: by attribute, from ``Record.attribute_reference``; empty where it was refused.
    """
    if not reference:
        reason = rows[0]["refused"]["attributes"]
        return f"Attribute leakage was not measured: {reason}\n"
    columns = ["attribute", "base rate", *(row["lane"] for row in rows)]
    columns += ["real test images", "held-out public images"]
    lines = [_markdown_line(columns), "|" + "---|" * len(columns) + "\n"]
    for name, known in reference.items():
        cells = [name, f"{known['base_rate']:.1%} ({known['base_value']})"]
        for row in rows:
            interval = _cell("attributes_ci95", row["attributes_ci95"][name])
            cells.append(f"{row['attributes'][name]:.1%} ({interval})")
        for key in ("real_test_accuracy", "held_out_accuracy"):
            cells.append(_cell(key, known[key]))
        lines.append(_markdown_line(cells))
    return "".join(lines)


def mean_curve(curves: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Point by point, the mean over attacks; None where no attack has a figure."""
    points = []
    for same_step in zip(*curves, strict=True):
        point: dict[str, Any] = {"step": same_step[0]["step"]}
        for key in ("acc1", "target_confidence", "gradient_cosine"):
            known = [entry[key] for entry in same_step if entry[key] is not None]
            point[key] = float(np.mean(known)) if known else None
        points.append(point)
    return points


def as_curve_markdown(curves: dict[str, list[dict[str, Any]]]) -> str:
    """Acc@1 of all candidates, and gradient cosine in brackets, against steps."""
    steps = [point["step"] for point in next(iter(curves.values()))]
    lines = [_markdown_line(["Acc@1 (gradient cosine) after", *map(str, steps)])]
    lines.append("|" + "---|" * (len(steps) + 1) + "\n")
    for lane, points in curves.items():
        cells = [
            f"{p['acc1']:.1%} ({_cell('gradient_cosine', p['gradient_cosine'])})" for p in points
        ]
        lines.append(_markdown_line([lane, *cells]))
    return "".join(lines)


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def as_csv(rows: list[Row]) -> str:
    """The table for a spreadsheet; intervals and reasons stay in the JSON."""
    columns = [key for key in rows[0] if key not in IN_JSON_ONLY]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if key == "alpha":
        return format_alpha(value)
    if key.endswith("_ci95"):
        return " – ".join(_cell(key.removesuffix("_ci95"), end) for end in value)
    return f"{value:.1%}" if key in SHARES else f"{value:.3f}"


def _attempt(row: Row, keys: list[str], compute: Callable[[], list[Any]]) -> None:
    """Fills in figures, or None and the reason why they were refused."""
    try:
        row.update(zip(keys, compute(), strict=True))
    except ConfigError as error:
        row.update(dict.fromkeys(keys))
        row["refused"].update(dict.fromkeys(keys, str(error)))


def _reconstructions(
    zoo: Zoo, directory: Path, identities: Sequence[int], seeds: Sequence[int], lane: int
) -> LabelledImages:
    size = zoo.entry("prior").input_size
    images: list[Tensor] = []
    labels: list[int] = []
    for identity in identities:
        for seed in seeds:
            kept = saved_images(directory, seed, identity, size)[lane]
            images.append(kept)
            labels += [identity] * len(kept)
    return LabelledImages(torch.cat(images), torch.tensor(labels))
