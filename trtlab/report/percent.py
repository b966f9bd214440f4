"""Shares and changes as people read them: one way of writing for every view and sentence."""

import math

MINUS = "\N{MINUS SIGN}"  # what people read before a number; files for programs have a hyphen

_TENTH = 0.1  # percent; less is only said to be less
_TIMES = 9.0  # an increase from which on a multiple reads better than per cent


def percent(share: float | None) -> str:
    """A part of one as per cent: 0.264 → ``26 %``, 0.0264 → ``2.6 %``, None → ``–``."""
    if share is None or math.isnan(share):
        return "–"
    value = share * 100
    if value and abs(value) < _TENTH:
        return "<0.1 %"
    return f"{value:.{0 if abs(value) >= 10 else 1}f} %".replace("-", MINUS)


def increase(share: float) -> str:
    """A change, by what it is measured against: 0.264 → ``+26 %``, 45 → ``46 times``."""
    if share >= _TIMES:
        return f"{1 + share:,.0f} times"
    return f"{'+' if share * 100 >= _TENTH else ''}{percent(share)}"
