"""Shares and changes as people read them: one way of writing for every view and sentence."""

import math

MINUS = "\N{MINUS SIGN}"  # what people read before a number; files for programs have a hyphen

_TENTH = 0.1  # percent; less is only said to be less
_TIMES = 1.0  # an increase beyond which a multiple reads better than per cent
_HALF = 0.5  # a decrease beyond which a fraction reads better than per cent
_WHOLE = 9.95  # a multiple from which on tenths say nothing


def percent(share: float | None) -> str:
    """A part of one as per cent: 0.264 → ``26 %``, 0.0264 → ``2.6 %``, None → ``–``."""
    if share is None or math.isnan(share):
        return "–"
    value = share * 100
    if value and abs(value) < _TENTH:
        return "<0.1 %"
    return f"{value:.{0 if abs(value) >= 10 else 1}f} %".replace("-", MINUS)


def changed(before: float, after: float) -> str:
    """From one amount to another: ``+26 %``, ``2.5 times``, ``−12 %``, ``1/70``; – from nothing."""
    if not before or not after:
        return "–"
    if after < before * _HALF:
        ratio = before / after
        return f"1/{ratio:,.{0 if ratio >= _WHOLE else 1}f}"
    return increase(after / before - 1)


def increase(share: float) -> str:
    """A change, by what it is measured against: 0.264 → ``+26 %``, 1.5 → ``2.5 times``."""
    if share > _TIMES:
        ratio = 1 + share
        return f"{ratio:,.{0 if ratio >= _WHOLE else 1}f} times"
    return f"{'+' if share * 100 >= _TENTH else ''}{percent(share)}"
