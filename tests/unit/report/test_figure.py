"""The privacy-utility figure: every lane once, in place, with its interval."""

from __future__ import annotations

import re
from collections.abc import Callable

from mia_demo.report.figure import privacy_utility_svg
from mia_demo.sweep.rows import LaneRow


def test_points_lie_where_the_table_says(make_row: Callable[..., LaneRow]) -> None:
    rows = [
        make_row("alpha0", 0.0, 0.5, test_accuracy=0.9),
        make_row("alpha-0.1", -0.1, 0.25, test_accuracy=0.8),
    ]
    svg = privacy_utility_svg(rows)
    points = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    (x0, y0), (x1, y1) = [(float(x), float(y)) for x, y in points]
    assert x1 < x0  # less accurate, further left
    assert y1 > y0  # leaks less, further down
    assert (y1 - y0) / (360 - y1) == 1  # 25 points lower, 25 points above the axis
    assert "α = −0.1" in svg
    assert "alpha0: test accuracy 90.0%, Acc@1 50.0%" in svg
    assert svg.count("<polyline") == 1


def test_lanes_without_a_measured_accuracy_have_no_place(make_row: Callable[..., LaneRow]) -> None:
    rows = [make_row("known", 0.0, 0.5), make_row("foreign", -0.1, 0.25, test_accuracy=None)]
    svg = privacy_utility_svg(rows)
    assert svg.count("<circle") == 1
    assert "foreign" not in svg
    assert "<circle" not in privacy_utility_svg(rows[1:])


def test_names_are_escaped_and_labels_do_not_touch(make_row: Callable[..., LaneRow]) -> None:
    rows = [make_row(f"<b>{index}", 0.0, 0.5) for index in range(4)]
    svg = privacy_utility_svg(rows)
    assert "<b>" not in svg
    heights = [float(y) for y in re.findall(r'y="([\d.]+)"[^>]*start">&lt;b', svg)]
    assert heights == sorted(heights)
    assert heights[-1] - heights[0] >= 3 * 16
    assert "<polyline" not in svg  # stages of the same factor form no curve


def test_the_accuracies_below_the_figure_are_round_and_true(
    make_row: Callable[..., LaneRow],
) -> None:
    rows = [
        make_row("alpha0", 0.0, 0.5, test_accuracy=0.9983),
        make_row("alpha-0.2", -0.2, 0.2, test_accuracy=0.9958),
    ]
    svg = privacy_utility_svg(rows)
    ticks = re.findall(r'x="([\d.]+)" y="380.0"[^>]*>([\d.]+)%<', svg)
    assert [words for _, words in ticks] == ["99.4", "99.6", "99.8", "100.0"]
    places = [float(x) for x, _ in ticks]
    (point,) = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)][:1]
    true = places[0] + (99.83 - 99.4) / 0.2 * (places[1] - places[0])
    assert abs(point - true) < 0.2  # pixels
