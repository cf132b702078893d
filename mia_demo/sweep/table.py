"""The results table of a sweep: one row a lane, every figure of the paper's evaluation.

A figure that cannot be computed honestly (too few images) is None, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mia_demo.attack.attack import Attacker
from mia_demo.attack.framing import Framing
from mia_demo.attack.lanes import stage_names
from mia_demo.data.attributes import ATTRIBUTES
from mia_demo.errors import ConfigError
from mia_demo.metrics.attributes import shares
from mia_demo.metrics.calibration import Calibration, calibration
from mia_demo.metrics.differences import compare_with_zero
from mia_demo.metrics.extraction import knowledge_extraction
from mia_demo.metrics.frechet import frechet_distance
from mia_demo.metrics.intervals import bootstrap_interval, seed_interval
from mia_demo.metrics.prdc import mean_prdc, prdc
from mia_demo.metrics.recognition import identity_centres, recognised
from mia_demo.sweep.judging import AttributeJudge, Judge, open_attribute_judge
from mia_demo.sweep.sweep import SweepPlan, saved_images
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo.reading import Zoo

Row = dict[str, Any]


def results_table(attacker: Attacker, judge: Judge, plan: SweepPlan) -> list[Row]:
    """All rows of a finished sweep.

    Args:
        attacker, judge: of the zoo that was swept.
    """
    zoo, compute, identities = attacker.zoo, judge.compute, plan.identities
    private = zoo.identities()
    size = zoo.entry("evaluator").input_size
    test = LabelledImages(*zoo.split(private, size, "test"))
    chosen_people = set(identities)
    own = [item for item in zoo.split_items(private)["train"] if item[0] in chosen_people]
    train = LabelledImages(*private.items(size, own))
    chosen = torch.isin(test.labels, train.labels)
    examined = LabelledImages(test.images[chosen], test.labels[chosen])
    attributes, no_attributes = open_attribute_judge(zoo, compute)
    gallery = LabelledImages(*zoo.split(private, size, "train"))
    embeddings = predict(judge.embedder, gallery.images, compute)
    centres, everybody = identity_centres(embeddings, gallery.labels)
    swept = torch.isin(gallery.labels, train.labels)
    real = Cloud(embeddings[swept], gallery.labels[swept])
    rows = []
    results = [result["lanes"] for _, _, result in plan.results()]
    for position, name in enumerate(plan.config.lanes):
        verdicts = [lanes[name] for lanes in results]
        count = len(plan.seeds)
        judged = [verdicts[start : start + count] for start in range(0, len(verdicts), count)]
        fake = _reconstructions(zoo, plan, position)
        cloud = Cloud(predict(judge.embedder, fake.images, compute), fake.labels)
        target = attacker.lane(stage_names(name)[1])
        logits = predict(target.classifier, test.images, compute)
        row = {"lane": name, **attack_figures(judged)}
        hits = recognised(cloud.features, centres, everybody) == fake.labels
        people = hits.float().reshape(len(identities), -1).mean(dim=1).numpy()
        row["face_rank1"] = float(people.mean())
        row["face_rank1_identities"] = people.tolist()
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
    compare_with_zero(rows)
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
        ``acc1_identities``, ``delta_face_identities`` list the mean of every identity;
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
        "acc1_identities": acc1.mean(axis=1).tolist(),
        "acc1_seeds": acc1.mean(axis=0).tolist(),
        "delta_face_identities": delta_face.mean(axis=1).tolist(),
        "refused": {},
    }
    _attempt(row, ["acc1_ci95"], partial(_interval, acc1.mean(axis=1)))
    _attempt(row, ["acc1_seeds_ci95"], lambda: [seed_interval(acc1.mean(axis=0))])
    _attempt(row, ["delta_face_ci95"], partial(_interval, delta_face.mean(axis=1)))
    return row


def _grid(values: list[list[dict[str, Any]]], key: str) -> npt.NDArray[np.float64]:
    """[identities, seeds]."""
    return np.array([[entry[key] for entry in per_seed] for per_seed in values])


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


def _attempt(row: Row, keys: list[str], compute: Callable[[], list[Any]]) -> None:
    """Fills in figures, or None and the reason why they were refused."""
    try:
        row.update(zip(keys, compute(), strict=True))
    except ConfigError as error:
        row.update(dict.fromkeys(keys))
        row["refused"].update(dict.fromkeys(keys, str(error)))


def _reconstructions(zoo: Zoo, plan: SweepPlan, lane: int) -> LabelledImages:
    size = Framing.of(zoo).picture_size
    images: list[Tensor] = []
    labels: list[int] = []
    for identity in plan.identities:
        for seed in plan.seeds:
            kept = saved_images(plan.folder, seed, identity, size)[lane]
            images.append(kept)
            labels += [identity] * len(kept)
    return LabelledImages(torch.cat(images), torch.tensor(labels))
