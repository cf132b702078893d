"""Calibration by hand."""

from __future__ import annotations

import pytest
import torch

from mia_demo.errors import ConfigError
from mia_demo.metrics.calibration import calibration


def test_calibration_by_hand() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    got = calibration(probabilities.log(), torch.tensor([0, 0, 1, 1]))
    # Three at 0.9 of which two are right: gap |2.7 - 2|; one at 0.6, right: gap 0.4.
    assert got.expected_calibration_error == pytest.approx((0.7 + 0.4) / 4, abs=1e-5)
    assert got.mean_confidence == pytest.approx((0.9 * 3 + 0.6) / 4, abs=1e-5)


def test_logits_of_the_true_class_and_the_others() -> None:
    got = calibration(torch.tensor([[5.0, 1.0, 3.0]]), torch.tensor([0]))
    assert got.target_logit == 5.0
    assert got.other_logits == 2.0


@pytest.mark.parametrize("shape", [(0, 3), (4, 1)])
def test_no_images_or_no_choice_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1 image and 2 classes"):
        calibration(torch.zeros(shape), torch.zeros(shape[0], dtype=torch.int64))
