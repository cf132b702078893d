"""Figures of a gradient curve by hand."""

from __future__ import annotations

import math

import pytest

from mia_demo.metrics.gradient_stability import mean_over_chunks, summarise

NAN = math.nan


def test_tenths_of_a_curve() -> None:
    # The first step has no step before it. 20 values 0..19: tenths are two values wide.
    stability = summarise([NAN, *(float(value) for value in range(20))])
    assert stability is not None
    assert (stability.start, stability.middle, stability.end) == (0.5, 9.5, 18.5)
    assert stability.mean == pytest.approx(9.5)


def test_short_and_empty_curves() -> None:
    assert summarise([]) is None
    assert summarise([NAN]) is None
    short = summarise([NAN, 0.5])
    assert short is not None
    assert (short.start, short.middle, short.end, short.mean) == (0.5, 0.5, 0.5, 0.5)


def test_chunks_of_candidates_are_averaged_step_by_step() -> None:
    curve = mean_over_chunks([NAN, 0.2, 0.4, NAN, 0.6, 0.0], steps=3)
    assert math.isnan(curve[0])
    assert curve[1:] == pytest.approx([0.4, 0.2])


def test_an_attack_cut_short_has_fewer_values() -> None:
    curve = mean_over_chunks([NAN, 0.2], steps=3)
    assert curve[1] == 0.2
    assert math.isnan(curve[2])
