"""Lanes differ for every kind of colour vision, and their names can be read."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mia_demo.ui.boards.lane_styles import LANE_STYLES, lane_styles

UI = Path(__file__).parents[3] / "mia_demo" / "ui"
RULES = {"light": ".html-container", "dark": ".dark .html-container"}
GROUND = {"light": "#ffffff", "dark": "#1e293b"}
MIN_CONTRAST = 4.5  # WCAG AA of small text
MIN_DIFFERENCE = 15.0  # CIELAB; 2 to 3 can just be seen

# Machado, Oliveira and Fernandes 2009, severity 1: linear RGB as such an eye sees it.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])

Vector = npt.NDArray[np.float64]


def linear(colour: str) -> Vector:
    encoded = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def cielab(rgb: Vector) -> Vector:
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) + 0.05 for colour in (one, other))
    return high / low


def lanes(theme: str) -> list[str]:
    """The colours of the lanes' styles, in their order."""
    style_sheet = (UI / "shared" / "colours.css").read_text("utf-8")
    rule = rf"^{re.escape(RULES[theme])} {{(.+?)}}"
    (declarations,) = re.findall(rule, style_sheet, re.MULTILINE | re.DOTALL)
    return re.findall(r"--lane-\d+: (#[0-9a-f]{6});", declarations)


@pytest.mark.parametrize("theme", RULES)
def test_lane_colours(theme: str) -> None:
    colours = lanes(theme)
    assert len(colours) == LANE_STYLES
    assert len(set(colours)) == LANE_STYLES
    assert min(contrast(colour, GROUND[theme]) for colour in colours) >= MIN_CONTRAST
    for vision, matrix in VISION.items():
        # The three that came with the demo; further ones differ by their dashes and names.
        seen = [cielab(matrix @ linear(colour)) for colour in colours[:3]]
        for one, other in itertools.combinations(seen, 2):
            assert np.linalg.norm(one - other) >= MIN_DIFFERENCE, vision


def test_a_projector_shows_the_same_colours() -> None:
    assert "--lane" not in (UI / "shared" / "projector.css").read_text("utf-8")


def test_the_three_factors_keep_their_styles_whatever_the_lane_is_called() -> None:
    demos = lane_styles({"positive": 0.1, "zero": 0.0, "negative": -0.05})
    assert demos == {"positive": 0, "zero": 1, "negative": 2}
    alone = lane_styles({"own-3": -0.05})
    assert alone == {"own-3": 2}


def test_other_factors_have_a_scale_by_sign() -> None:
    factors = (0.2, 0.1, 0.05, 0.0, -0.05, -0.1, -0.2)  # of results/alphas
    styles = lane_styles({f"alpha{alpha:+g}": alpha for alpha in factors})
    assert len(set(styles.values())) == len(factors)
    assert [styles[f"alpha{alpha:+g}"] for alpha in (0.05, 0.1, 0.2)] == [3, 0, 4]
    assert [styles[f"alpha{alpha:+g}"] for alpha in (-0.05, -0.1, -0.2)] == [2, 7, 8]


def test_lanes_of_one_board_have_different_styles() -> None:
    same = lane_styles({"positive": 0.1, "own-1": 0.1, "own-2": 0.1, "own-3": 0.1, "own-4": 0.1})
    assert len(set(same.values())) == 5
    assert same["positive"] == 0
    stages = lane_styles({"zero": 0.0, "zero>negative>zero": -0.05, "zero>zero>negative": 0.0})
    assert len(set(stages.values())) == 3
    assert stages["zero"] == 1
    many = lane_styles({f"own-{number}": 0.01 * number for number in range(1, 31)})
    assert set(many.values()) == set(range(LANE_STYLES))
