"""The privacy-utility curve as a self-contained SVG: what a classifier knows, what it gives away.

One point per lane, test accuracy across, Acc@1 upwards with its 95 % interval. Where every lane has
a smoothing factor of its own, the points are joined in its order.
"""

import math
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from mia_demo.report.columns import alpha_text, percent
from mia_demo.sweep.rows import LaneRow

WIDTH, HEIGHT = 640, 420
LEFT_MARGIN, RIGHT_MARGIN, TOP_MARGIN, BOTTOM_MARGIN = 70, 150, 20, 60
TEXT_COLOUR, GRID_COLOUR, MARK_COLOUR = "#1f2937", "#d1d5db", "#4338ca"
LABEL_HEIGHT = 16
TICKS = 5

Scale = Callable[[float], float]
Place = tuple[float, float]


def privacy_utility_svg(rows: Sequence[LaneRow]) -> str:
    """The figure of a results table; rows without a measured accuracy have no place in it."""
    rows = [row for row in rows if row.test_accuracy.value is not None]
    accuracies = [row.test_accuracy.known for row in rows]
    low, high = min(accuracies, default=0.0), max(accuracies, default=1.0)
    margin = max((high - low) / 8, 0.0025)
    x_range = (low - margin, min(high + margin, 1.0))
    x = _scale(x_range, (LEFT_MARGIN, WIDTH - RIGHT_MARGIN))
    y = _scale((0.0, 1.0), (HEIGHT - BOTTOM_MARGIN, TOP_MARGIN))
    size = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": str(WIDTH), "height": str(HEIGHT)}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    words = "; ".join(
        f"{row.lane}: test accuracy {percent(row.test_accuracy.known)}, "
        f"Acc@1 {percent(row.acc1.known)}"
        for row in rows
    )
    SubElement(svg, "title").text = f"Privacy against utility. {words}."
    SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    _axes(svg, x, y, x_range)
    alphas = [row.alpha for row in rows]
    if len(set(alphas)) == len(rows):
        ordered = sorted(rows, key=lambda row: row.alpha)
        points = " ".join(
            f"{x(row.test_accuracy.known):.1f},{y(row.acc1.known):.1f}" for row in ordered
        )
        line = {"fill": "none", "stroke": MARK_COLOUR, "stroke-width": "2", "opacity": "0.4"}
        SubElement(svg, "polyline", {"points": points, **line})
    for row, height in zip(rows, _label_heights([y(row.acc1.known) for row in rows]), strict=True):
        _point(svg, row, x, y, height)
    return tostring(svg, encoding="unicode")


def _axes(svg: Element, x: Scale, y: Scale, x_range: tuple[float, float]) -> None:
    for tick in range(TICKS + 1):
        share = tick / TICKS
        _line(svg, (LEFT_MARGIN, y(share)), (WIDTH - RIGHT_MARGIN, y(share)), GRID_COLOUR)
        _text(svg, LEFT_MARGIN - 8, y(share) + 4, f"{share:.0%}", "end")
    for accuracy, words in _round_shares(*x_range):
        _text(svg, x(accuracy), HEIGHT - BOTTOM_MARGIN + 20, words, "middle")
    _text(
        svg,
        (LEFT_MARGIN + WIDTH - RIGHT_MARGIN) / 2,
        HEIGHT - 14,
        "test accuracy (utility)",
        "middle",
    )
    label = _text(svg, 0, 0, "Acc@1 of the attack (leakage)", "middle")
    label.set("transform", f"translate(18 {(TOP_MARGIN + HEIGHT - BOTTOM_MARGIN) / 2}) rotate(-90)")


def _round_shares(low: float, high: float) -> list[tuple[float, str]]:
    """At most ``TICKS`` round shares of the range at equal distances, and how they are written."""
    power = 10.0 ** math.floor(math.log10((high - low) / TICKS))
    step = next(size * power for size in (1, 2, 5, 10) if (high - low) / (size * power) <= TICKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) - 2)
    return [(n * step, f"{n * step:.{decimals}%}") for n in range(first, last + 1)]


def _point(svg: Element, row: LaneRow, x: Scale, y: Scale, label_height: float) -> None:
    across, up = x(row.test_accuracy.known), y(row.acc1.known)
    if row.acc1.interval:
        low, high = row.acc1.interval
        _line(svg, (across, y(low)), (across, y(high)), MARK_COLOUR)
    SubElement(
        svg, "circle", {"cx": f"{across:.1f}", "cy": f"{up:.1f}", "r": "5", "fill": MARK_COLOUR}
    )
    edge = WIDTH - RIGHT_MARGIN + 8
    pointer = _line(svg, (across + 6, up), (edge - 3, label_height), GRID_COLOUR)
    pointer.set("stroke-dasharray", "2 3")
    words = f"{row.lane} (α {alpha_text(row.alpha)})"
    if row.lane.startswith("alpha"):
        words = f"α = {alpha_text(row.alpha)}"
    _text(svg, edge, label_height + 4, words, "start")


def _label_heights(wanted: list[float]) -> list[float]:
    """The wanted heights, moved down where labels would touch."""
    heights = dict.fromkeys(range(len(wanted)), 0.0)
    lowest = -float(LABEL_HEIGHT)
    for index in sorted(heights, key=lambda index: wanted[index]):
        lowest = max(wanted[index], lowest + LABEL_HEIGHT)
        heights[index] = lowest
    return list(heights.values())


def _scale(domain: tuple[float, float], pixels: tuple[float, float]) -> Scale:
    (low, high), (first, last) = domain, pixels
    return lambda value: first + (value - low) / (high - low) * (last - first)


def _line(svg: Element, start: Place, end: Place, stroke: str) -> Element:
    ends = zip(("x1", "y1", "x2", "y2"), (*start, *end), strict=True)
    places = {key: f"{value:.1f}" for key, value in ends}
    return SubElement(svg, "line", {**places, "stroke": stroke})


def _text(svg: Element, x: float, y: float, words: str, anchor: str) -> Element:
    style = {
        "fill": TEXT_COLOUR,
        "font-family": "sans-serif",
        "font-size": "13",
        "text-anchor": anchor,
    }
    node = SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", **style})
    node.text = words
    return node
