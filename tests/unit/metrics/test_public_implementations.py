"""Every metric against a public implementation of the same definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.linalg import sqrtm
from sklearn.metrics import accuracy_score
from sklearn.neighbors import NearestNeighbors
from torchmetrics.classification import MulticlassAccuracy, MulticlassCalibrationError

from mia_demo.data.transforms import normalise
from mia_demo.metrics.calibration import calibration
from mia_demo.metrics.frechet import frechet_distance
from mia_demo.metrics.judge import Verdict
from mia_demo.metrics.prdc import prdc
from mia_demo.models.embedder import rank1_accuracy
from mia_demo.sweep.judging import Judge
from mia_demo.system.device import Compute
from mia_demo.training.classifier import LabelledImages, accuracy, predict
from mia_demo.zoo.reading import Zoo

IDENTITY = 7


def cloud(count: int, dimensions: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    """Correlated features [count, dimensions], as networks have them."""
    rng = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dimensions, dimensions, generator=rng)
    return torch.randn(count, dimensions, generator=rng) @ mixing * scale


@pytest.mark.parametrize("dimensions", [1, 8, 64])
def test_frechet_distance_against_scipy(dimensions: int) -> None:
    left, right = cloud(200, dimensions, 0), cloud(150, dimensions, 1, 0.8) + 0.5
    a, b = left.double().numpy(), right.double().numpy()
    covariances = [np.atleast_2d(np.cov(points, rowvar=False)) for points in (a, b)]
    root = sqrtm(covariances[0] @ covariances[1])
    theirs = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    theirs += np.trace(covariances[0] + covariances[1] - 2 * root.real)
    assert frechet_distance(left, right) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(("reals", "fakes", "neighbours"), [(48, 5, 3), (60, 60, 5), (30, 100, 1)])
def test_prdc_against_its_authors(reals: int, fakes: int, neighbours: int) -> None:
    real, fake = cloud(reals + fakes, 6, 2).split([reals, fakes])
    fake = 0.7 * fake
    theirs = compute_prdc(real.double().numpy(), fake.double().numpy(), neighbours)
    assert vars(prdc(real, fake, neighbours)) == pytest.approx(theirs, abs=1e-12)
    assert 0 < theirs["recall"] <= 1  # a case that says something


def test_calibration_against_torchmetrics() -> None:
    rng = torch.Generator().manual_seed(4)
    logits = 3 * torch.randn(500, 10, generator=rng)
    labels = torch.randint(10, (500,), generator=rng)
    labels[::2] = logits.argmax(dim=1)[::2]  # right more often than by chance
    theirs = MulticlassCalibrationError(num_classes=10, n_bins=15, norm="l1")
    assert calibration(logits, labels).expected_calibration_error == pytest.approx(
        theirs(logits, labels).item(), abs=1e-6
    )


@pytest.fixture(scope="module")
def photos(zoo: Zoo) -> LabelledImages:
    """Test photos of thirty people; the evaluator takes some for almost the identity."""
    people = range(30)
    return LabelledImages(*zoo.identities().tensors(64, labels=people, indices=range(48, 60)))


@pytest.fixture(scope="module")
def judge(zoo: Zoo, compute: Compute) -> Judge:
    return Judge(zoo, compute)


@pytest.fixture(scope="module")
def verdict(judge: Judge, photos: LabelledImages) -> Verdict:
    return judge.judge(photos.images.permute(0, 2, 3, 1).contiguous().numpy(), IDENTITY)


def test_acc1_and_acc5_against_torchmetrics(
    judge: Judge, photos: LabelledImages, verdict: Verdict, compute: Compute
) -> None:
    logits = predict(judge.evaluator, photos.images, compute)
    target = torch.full((len(logits),), IDENTITY)
    for top_k, ours in ((1, verdict.acc1), (5, verdict.acc5)):
        theirs = MulticlassAccuracy(num_classes=100, top_k=top_k, average="micro")
        assert ours == pytest.approx(theirs(logits, target).item(), abs=1e-6)
    assert 0 < verdict.acc1 < verdict.acc5 < 1  # the two are told apart


def test_feature_distances_against_scikit_learn(
    zoo: Zoo, judge: Judge, photos: LabelledImages, verdict: Verdict
) -> None:
    training, _ = zoo.identities().tensors(64, labels=[IDENTITY], indices=range(48))
    for network, ours in (
        (judge.evaluator.features, verdict.delta_eval),
        (judge.embedder, verdict.delta_face),
    ):
        with torch.no_grad():
            references, queries = (network(normalise(i)) for i in (training, photos.images))
        search = NearestNeighbors(n_neighbors=1).fit(references.numpy())
        distances, nearest = search.kneighbors(queries.numpy())
        assert ours == pytest.approx(np.square(distances).mean(), rel=1e-4)
    assert verdict.nearest == tuple(nearest[:, 0])


def test_accuracy_against_scikit_learn(
    judge: Judge, photos: LabelledImages, compute: Compute
) -> None:
    """Test accuracy, and the knowledge extraction score of a student."""
    guesses = predict(judge.evaluator, photos.images, compute).argmax(dim=1)
    ours = accuracy(judge.evaluator, photos, compute)
    assert ours == pytest.approx(accuracy_score(photos.labels, guesses))


def test_rank1_against_scikit_learn() -> None:
    rng = torch.Generator().manual_seed(6)
    labels = torch.arange(20).repeat_interleave(6)
    centres = torch.randn(20, 8, generator=rng)[labels]
    embeddings = torch.nn.functional.normalize(centres + torch.randn(120, 8, generator=rng), dim=1)
    gallery = torch.arange(120) % 6 < 4
    means = torch.stack([embeddings[gallery & (labels == k)].mean(dim=0) for k in range(20)])
    search = NearestNeighbors(n_neighbors=1, metric="cosine").fit(means.numpy())
    nearest = search.kneighbors(embeddings[~gallery].numpy(), return_distance=False)[:, 0]
    theirs = accuracy_score(labels[~gallery], nearest)
    assert 0.2 < theirs < 0.9
    assert rank1_accuracy(embeddings, labels, gallery) == pytest.approx(theirs)
