"""The embedding view against values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch

from mia_demo.errors import ConfigError
from mia_demo.metrics.embedding_view import embedding_view, penultimate_features
from mia_demo.models.classifiers import build_classifier
from mia_demo.system.device import choose_compute

# Two identities, 3 and 8, with centres (0, 0, 0) and (10, 0, 0); each image is 1 or 2 away.
FEATURES = torch.tensor([[0, 1, 0], [0, -1, 0], [10, 2, 0], [10, -2, 0]], dtype=torch.float32)
LABELS = torch.tensor([3, 3, 8, 8])
NONE = torch.empty(0, 3), torch.empty(0, dtype=torch.int64)


def test_distances_by_hand() -> None:
    view = embedding_view(FEATURES, LABELS, *NONE)
    assert view.intra == pytest.approx((1 + 1 + 2 + 2) / 4)
    assert view.inter == pytest.approx(10)
    assert view.ratio == pytest.approx(0.15)
    assert view.landed_distance is None
    assert view.landed_nearest is None


def test_three_classes_average_over_their_three_pairs() -> None:
    features = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    view = embedding_view(features, torch.tensor([0, 1, 2]), features[:0], LABELS[:0])
    assert view.intra == 0
    assert view.inter == pytest.approx((3 + 4 + 5) / 3)


def test_projection_keeps_what_lies_in_a_plane() -> None:
    view = embedding_view(FEATURES, LABELS, *NONE)
    # Deviations from (5, 0, 0): 5 along x, 1 or 2 along y, nothing along z.
    assert view.explained == pytest.approx(1)
    expected = torch.tensor([[-5.0, 1.0], [-5.0, -1.0], [5.0, 2.0], [5.0, -2.0]])
    assert torch.allclose(view.points, expected, atol=1e-5)


def test_reconstructions_land_on_the_same_axes() -> None:
    landed = torch.tensor([[10.0, 0.0, 7.0], [1.0, 0.0, 0.0]])
    view = embedding_view(FEATURES, LABELS, landed, torch.tensor([8, 8]))
    assert torch.allclose(view.landed, torch.tensor([[5.0, 0.0], [-4.0, 0.0]]), atol=1e-5)
    # Distances in the full space: 7 to identity 8's centre, and 9.
    assert view.landed_distance == pytest.approx(8)
    # (10, 0, 7) is nearest to its own centre, (1, 0, 0) to the other.
    assert view.landed_nearest == pytest.approx(0.5)


def test_order_of_images_does_not_matter() -> None:
    order = torch.tensor([2, 0, 3, 1])
    view, other = (
        embedding_view(FEATURES, LABELS, *NONE),
        embedding_view(FEATURES[order], LABELS[order], *NONE),
    )
    assert torch.allclose(view.points[order], other.points, atol=1e-5)
    assert math.isclose(view.intra, other.intra)


def test_one_identity_has_no_distance_between_classes() -> None:
    with pytest.raises(ConfigError, match="at least two identities"):
        embedding_view(FEATURES[:2], LABELS[:2], *NONE)


def test_features_are_what_the_last_layer_reads() -> None:
    torch.manual_seed(0)
    classifier = build_classifier("compact_resnet", 5, 16, {"width": 4}).eval()
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    features = penultimate_features(classifier, images, choose_compute("cpu"))
    logits = classifier(images.float() / 127.5 - 1)
    assert torch.allclose(classifier.network.fc(features), logits, atol=1e-5)
