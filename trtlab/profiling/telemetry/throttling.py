"""When and why a device held its clocks back, and what that means for a measurement."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trtlab.report.percent import percent
from trtlab.report.records import ThrottleInterval


@dataclass(frozen=True, slots=True)
class Observed:
    """What sensors told about throttling in some stretch of time.

    Attributes:
        times_ns: When: [samples].
        reasons: Reasons at each sample; None where nothing was told.
        counters: For each reason that has one, nanoseconds held back so far, at each sample.
        notes: What else set the clocks.
        why_not: Why throttling could not be seen, if it could not.
    """

    times_ns: NDArray[np.int64]
    reasons: Sequence[tuple[str, ...] | None]
    counters: Mapping[str, NDArray[np.float64]]
    notes: Iterable[str] = ()
    why_not: str = ""


def intervals(observed: Observed) -> tuple[ThrottleInterval, ...]:
    """Stretches between samples in which a reason was seen or its counter rose.

    A reason that is seen holds until the next sample. A counter that rose did so since it was
    read before; where the reason was seen meanwhile too, that tells better when.
    """
    times = observed.times_ns.tolist()
    held: defaultdict[str, set[int]] = defaultdict(set)  # by reason: i for samples i to i + 1
    for i, names in enumerate(observed.reasons[:-1]):
        for name in names or ():
            held[name].add(i)
    for name, counter in observed.counters.items():
        read = np.flatnonzero(~np.isnan(counter))  # the dear ones are not read every time
        for k in np.flatnonzero(np.diff(counter[read]) > 0).tolist():
            since = range(int(read[k]), int(read[k + 1]))
            if not held[name].intersection(since):
                held[name].update(since)
    found: list[ThrottleInterval] = []
    for name, steps in held.items():
        for first, last in _runs(sorted(steps)) if steps else ():
            found.append(ThrottleInterval(times[first], times[last + 1], name))
    return tuple(sorted(found, key=lambda span: (span.start_ns, span.reason)))


def verdict(observed: Observed, spans: Sequence[ThrottleInterval]) -> str:
    """One sentence: clean, throttled (why, how long, what share), or not observable."""
    notes = "".join(f" Note: {note}." for note in sorted(set(observed.notes)))
    told = sum(1 for names in observed.reasons if names is not None)
    if not told and not observed.counters:
        why = observed.why_not or "no sensor tells it"
        return f"Throttling is not observable here: {why}.{notes}"
    whole_ns = int(np.ptp(observed.times_ns)) if observed.times_ns.size else 0
    if not spans:
        scope = f"{len(observed.times_ns)} samples over {whole_ns / 1e9:.1f} s"
        blind = "" if observed.counters else "; events between samples would be missed"
        return f"Clean: clocks were not held back ({scope}{blind}).{notes}"
    spent_ns = _spent_ns(observed, spans)
    parts = [
        f"{name} for {ns / 1e9:.2f} s ({percent(ns / whole_ns)} of the time)"
        for name, ns in sorted(spent_ns.items(), key=lambda item: -item[1])
    ]
    return f"Throttled: {', '.join(parts)}.{notes}"


def _spent_ns(observed: Observed, spans: Sequence[ThrottleInterval]) -> dict[str, float]:
    """Time held back by reason: the counter's where it counted, else the intervals' sum."""
    spent: dict[str, float] = defaultdict(float)
    for span in spans:
        spent[span.reason] += span.end_ns - span.start_ns
    for name, counter in observed.counters.items():
        known = counter[~np.isnan(counter)]
        if name in spent and known.size > 1 and known[-1] > known[0]:
            spent[name] = min(spent[name], float(known[-1] - known[0]))
    return spent


def _runs(steps: Sequence[int]) -> Iterable[tuple[int, int]]:
    """First and last of each stretch of consecutive numbers."""
    first = last = steps[0]
    for step in steps[1:]:
        if step > last + 1:
            yield first, last
            first = step
        last = step
    yield first, last
