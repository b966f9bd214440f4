"""Shares as people read them: one way of writing per cent for every view and sentence."""

import math

_TENTH = 0.1  # percent; less is only said to be less


def percent(share: float | None, *, signed: bool = False) -> str:
    """A part of one as per cent: 0.264 → ``26 %``, 0.0264 → ``2.6 %``, None → ``–``.

    Args:
        share: The part; None or NaN when it is not known.
        signed: Write a plus before what is above zero, as changes have it.
    """
    if share is None or math.isnan(share):
        return "–"
    value = share * 100
    if value and abs(value) < _TENTH:
        return "<0.1 %"
    places, sign = 0 if abs(value) >= 10 else 1, "+" if signed else ""
    return f"{value:{sign}.{places}f} %"
