"""The results table of a sweep: one row a lane, every figure of the paper's evaluation.

A figure that cannot be computed honestly (too few images) is None, with the reason beside it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mia_demo.attack.attack import Attacker
from mia_demo.attack.lanes import stage_names
from mia_demo.device import Compute
from mia_demo.errors import ConfigError
from mia_demo.evaluation.calibration import calibration
from mia_demo.evaluation.extraction import knowledge_extraction
from mia_demo.evaluation.frechet import frechet_distance
from mia_demo.evaluation.judge import Judge
from mia_demo.evaluation.prdc import mean_prdc, prdc
from mia_demo.evaluation.sweep import load_result, saved_images
from mia_demo.smoothing import format_alpha
from mia_demo.training.classifier import LabelledImages, predict
from mia_demo.zoo import Zoo

BOOTSTRAP_SAMPLES = 2000
MARKDOWN_COLUMNS = {
    "lane": "lane",
    "alpha": "α",
    "test_accuracy": "test accuracy",
    "acc1": "Acc@1",
    "acc1_ci95": "95 % interval",
    "acc5": "Acc@5",
    "delta_eval": "δ_eval",
    "delta_face": "δ_face",
    "frechet": "Fréchet",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "extraction_train": "ξ_train",
    "extraction_test": "ξ_test",
}

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
    real = Cloud(predict(judge.embedder, train.images, compute), train.labels)
    rows = []
    for position, name in enumerate(lanes):
        judged = [[load_result(directory, s, i)["lanes"][name] for s in seeds] for i in identities]
        fake = _reconstructions(zoo, directory, identities, seeds, position)
        cloud = Cloud(predict(judge.embedder, fake.images, compute), fake.labels)
        target = attacker.lane(stage_names(name)[1])
        logits = predict(target.classifier, test.images, compute)
        row = {"lane": name, **attack_figures(judged), **asdict(calibration(logits, test.labels))}
        row["refused"] = {}
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


def _extraction(
    fake: LabelledImages, train: LabelledImages, test: LabelledImages, compute: Compute
) -> list[float]:
    score = knowledge_extraction(fake, train, test, compute)
    return [score.train, score.test]


def attack_figures(values: list[list[dict[str, Any]]]) -> Row:
    """Means over identities and seeds; intervals of Acc@1.

    Args:
        values: for each identity, for each seed, the judged attack.

    Returns:
        ``acc1_ci95`` is a bootstrap over identities (each with the mean of its seeds);
        ``acc1_seeds`` lists the mean of every seed.
    """
    means = {
        key: float(np.mean([[entry[key] for entry in per_seed] for per_seed in values]))
        for key in ("acc1", "acc5", "delta_eval", "delta_face", "target_confidence")
    }
    acc1 = np.array([[entry["acc1"] for entry in per_seed] for per_seed in values])
    return {
        "alpha": values[0][0]["alpha"],
        "test_accuracy": values[0][0]["test_accuracy"],
        **means,
        "acc1_ci95": list(bootstrap_interval(acc1.mean(axis=1))),
        "acc1_seeds": acc1.mean(axis=0).tolist(),
    }


def bootstrap_interval(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """95 % percentile interval of the mean of ``values`` [n]."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(values), (BOOTSTRAP_SAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def as_markdown(rows: list[Row]) -> str:
    """The table for a README."""
    head = "| " + " | ".join(MARKDOWN_COLUMNS.values()) + " |\n"
    rule = "|" + "---|" * len(MARKDOWN_COLUMNS) + "\n"
    lines = [
        "| " + " | ".join(_cell(key, row[key]) for key in MARKDOWN_COLUMNS) + " |\n" for row in rows
    ]
    return head + rule + "".join(lines)


def as_csv(rows: list[Row]) -> str:
    """The table for a spreadsheet; lists and reasons stay in the JSON."""
    columns = [key for key, value in rows[0].items() if not isinstance(value, (list, dict))]
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
    if key == "acc1_ci95":
        return f"{value[0]:.1%} – {value[1]:.1%}"
    shares = ("test_accuracy", "acc1", "acc5", "extraction_train", "extraction_test")
    return f"{value:.1%}" if key in shares else f"{value:.3f}"


def _attempt(row: Row, keys: list[str], compute: Callable[[], list[float]]) -> None:
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
