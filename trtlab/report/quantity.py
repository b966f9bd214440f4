"""Quantities as people read them: three digits, the unit that fits, a dash when missing."""

import math

from trtlab.report.percent import MINUS

DASH = "–"
_BYTES = ((1.0, "B"), (1024.0, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB"), (2.0**40, "TiB"))


def digits(value: float | None) -> str:
    """Three significant digits without an exponent: 1234.5 → ``1,234``, 0.01234 → 0.0123."""
    if value is None or math.isnan(value):
        return DASH
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 100:
        return f"{value:,.0f}".replace("-", MINUS)
    places = min(8, max(0, 2 - math.floor(math.log10(size))))
    return f"{value:.{places}f}".replace("-", MINUS)


def scaled(value: float | None, steps: tuple[tuple[float, str], ...]) -> str:
    """A value in the largest unit that it reaches, else in the smallest.

    Args:
        value: In the unit that the factors count.
        steps: Factors and their units, by size.
    """
    if value is None or math.isnan(value):
        return DASH
    factor, unit = next((s for s in reversed(steps) if abs(value) >= s[0]), steps[0])
    return f"{digits(value / factor)} {unit}"


def nbytes(value: float | None) -> str:
    """Bytes with a binary prefix: 3145728 → ``3.00 MiB``."""
    return scaled(value, _BYTES)
