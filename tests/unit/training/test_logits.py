"""The logit histogram by hand."""

from __future__ import annotations

import pytest
import torch

from mia_demo.training.logits import LOGIT_BINS, logit_histogram


def test_groups_are_counted_apart() -> None:
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 2.0, -2.0]])
    histogram = logit_histogram(logits, torch.tensor([0, 1]))
    assert (histogram.low, histogram.high) == (-2.0, 4.0)
    assert histogram.target_mean == 3.0
    assert histogram.others_mean == -0.5
    assert sum(histogram.target) == pytest.approx(1)
    assert sum(histogram.others) == pytest.approx(1)
    assert histogram.target[-1] == 0.5  # 4 is the highest logit
    assert histogram.others[0] == 0.25  # -2 the lowest
    assert histogram.others[LOGIT_BINS // 3] == 0.75


def test_equal_logits_are_no_error() -> None:
    histogram = logit_histogram(torch.zeros(2, 3), torch.tensor([0, 1]))
    assert sum(histogram.target) == pytest.approx(1)
