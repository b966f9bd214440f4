"""Intervals and verdicts from reasons and counters."""

import numpy as np
import pytest

from trtlab.profiling.telemetry.throttling import Observed, intervals, verdict


def observed(reasons, counters=None, *, notes=(), why_not="", step_ms=100):
    times = np.arange(len(reasons), dtype=np.int64) * step_ms * 1_000_000
    arrays = {k: np.array(v, dtype=float) for k, v in (counters or {}).items()}
    return Observed(times, reasons, arrays, notes, why_not)


def spans(seen):
    return [(s.start_ns // 10**6, s.end_ns // 10**6, s.reason) for s in intervals(seen)]


def said(seen):
    return verdict(seen, intervals(seen))


HOT, CAP = ("hot",), ("cap",)


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([(), (), ()], []),
        ([(), HOT, HOT, (), ()], [(100, 300, "hot")]),
        ([HOT, (), HOT, ()], [(0, 100, "hot"), (200, 300, "hot")]),
        ([(), HOT, HOT], [(100, 200, "hot")]),
        ([(), (), HOT], []),  # what held only at the last moment lasted unknown long
        ([(), HOT + CAP, CAP, ()], [(100, 300, "cap"), (100, 200, "hot")]),
        ([None, HOT, None, ()], [(100, 200, "hot")]),
    ],
)
def test_reasons_hold_until_the_next_sample(reasons, expected):
    assert spans(observed(reasons)) == expected


def test_counters_catch_what_polling_missed():
    seen = observed([()] * 4, {"cap": [5e6, 5e6, 9e6, 9e6]})
    assert spans(seen) == [(100, 200, "cap")]
    assert said(seen) == "Throttled: cap for 0.00 s (1.3 % of the time)."


def test_counters_that_are_read_seldom():
    nan = np.nan
    seen = observed([()] * 5, {"cap": [0, nan, nan, 9e6, 9e6]})
    assert spans(seen) == [(0, 300, "cap")]
    assert "cap for 0.01 s" in said(seen)
    seen = observed([(), (), CAP, (), ()], {"cap": [0, nan, nan, 9e6, 9e6]})
    assert spans(seen) == [(200, 300, "cap")]  # the reason tells better when


def test_reasons_and_counters_merge():
    seen = observed([(), CAP, (), ()], {"cap": [0, 50e6, 120e6, 120e6]})
    assert spans(seen) == [(0, 200, "cap")]
    assert said(seen) == "Throttled: cap for 0.12 s (40 % of the time)."


def test_counters_without_values_count_nothing():
    seen = observed([(), HOT, ()], {"hot": [np.nan, np.nan, np.nan], "cap": [np.nan, 1, 1]})
    assert spans(seen) == [(100, 200, "hot")]
    assert "hot for 0.10 s" in said(seen)


def test_the_longest_reason_comes_first():
    seen = observed([CAP, CAP, HOT, ()])
    assert said(seen) == (
        "Throttled: cap for 0.20 s (67 % of the time), hot for 0.10 s (33 % of the time)."
    )


def test_clean():
    assert said(observed([()] * 11, {"cap": [3e6] * 11})) == (
        "Clean: clocks were not held back (11 samples over 1.0 s)."
    )
    assert said(observed([()] * 11)).endswith("events between samples would be missed).")


def test_notes_are_told():
    assert said(observed([()] * 2, notes=("clocks are set", "clocks are set"))).endswith(
        " Note: clocks are set."
    )


def test_not_observable():
    assert said(observed([None] * 3, why_not="no driver")) == (
        "Throttling is not observable here: no driver."
    )
    assert "no sensor tells it" in said(observed([]))
