"""Numbers and identities as visitors may give them: checked, and refused rather than rounded."""

import math

from mia_demo.errors import ConfigError

MAX_WHOLE = 2**31 - 1  # of seeds, and of whatever has no limit of its own


def filled(label: str, value: float | None) -> float:
    """
    Raises:
        ConfigError: the field is empty, or holds no number.
    """
    if value is None:
        raise ConfigError(f"{label} is empty; fill it in.")
    if not isinstance(value, int | float):  # the API takes whatever is JSON
        raise ConfigError(f"{label} must be a number, not {str(value)[:20]!r}.")
    return value


def check_identity(identity: int, count: int) -> None:
    """
    Raises:
        ConfigError: outside 0..count-1.
    """
    if not 0 <= identity < count:
        raise ConfigError(f"Identity {identity} does not exist; choose from 0 to {count - 1}.")


def number_within(label: str, value: float | None, low: float, high: float) -> float:
    """
    Raises:
        ConfigError: empty, nan, or outside low..high.
    """
    number = filled(label, value)
    if not low <= number <= high:
        least, most, given = map(_digits, (low, high, number))
        raise ConfigError(f"{label} must lie between {least} and {most}, not {given}.")
    return number


def _digits(number: float) -> str:
    """Large whole numbers with all of their digits."""
    is_large = abs(number) >= 1e6 and number == number // 1
    return f"{number:,.0f}" if is_large else f"{number:g}"


def whole_number(label: str, value: float | None) -> int:
    """
    Raises:
        ConfigError: empty, nan, infinite, or with decimals.
    """
    number = filled(label, value)
    if not math.isfinite(number) or number != int(number):
        raise ConfigError(f"{label} must be a whole number, not {number:g}.")
    return int(number)
