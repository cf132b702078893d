"""A colour and a dash pattern per lane, by its smoothing factor: the same on every page.

The demo's three factors have a style each; other factors have one of a scale by sign, from weak to
strong. Lanes of other defences, or with a classifier per stage, have no factor and others' styles.
"""

from collections.abc import Mapping, Sequence

from mia_demo.attack.lanes import STAGE_SEPARATOR
from mia_demo.recipes.make_zoo import TARGET_ALPHAS
from mia_demo.zoo.reading import Zoo

LANE_STYLES = 12  # in colours.css
THE_DEMOS = {alpha: style for style, alpha in enumerate(TARGET_ALPHAS.values())}
# Of other factors: the largest one for which a style is meant, and the style.
POSITIVE_SCALE = ((0.1, 3), (0.25, 4), (1.0, 5))
NEGATIVE_SCALE = ((0.05, 6), (0.1, 7), (1.0, 8))
UNGRADED_STYLES = (9, 10, 11)


def lane_styles(alphas: Mapping[str, float | None]) -> dict[str, int]:
    """The numbers of the styles; two lanes share one only if there are more lanes than styles.

    Args:
        alphas: by lane; None where there is none or it is not known.
    """
    styles: dict[str, int] = {}
    for lane, alpha in alphas.items():
        wanted = [*_wanted(None if STAGE_SEPARATOR in lane else alpha), *range(LANE_STYLES)]
        free = (style for style in wanted if style not in styles.values())
        styles[lane] = next(free, wanted[0])
    return styles


def styles_in(zoo: Zoo, lanes: Sequence[str]) -> dict[str, int]:
    """The styles of lanes that attack classifiers of the zoo."""
    alphas = {}
    for lane in lanes:
        entry = zoo.find(lane)
        alphas[lane] = (entry.alpha or 0.0) if entry and not entry.is_defended else None
    return lane_styles(alphas)


def _wanted(alpha: float | None) -> list[int]:
    """What fits a factor, best first."""
    if alpha is None:
        return list(UNGRADED_STYLES)
    if alpha == 0:
        return [THE_DEMOS[0.0], *UNGRADED_STYLES]
    scale = POSITIVE_SCALE if alpha > 0 else NEGATIVE_SCALE
    fitting = [style for most, style in scale if abs(alpha) <= most]
    own = [THE_DEMOS[alpha]] if alpha in THE_DEMOS else []
    return [*own, *fitting, *(style for _, style in scale), *UNGRADED_STYLES]
