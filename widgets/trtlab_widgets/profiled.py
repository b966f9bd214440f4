"""What time stamps and waits add to the inferences on the timeline, which are no benchmark."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from trtlab.report.percent import percent
from trtlab.report.records import Report, Slice
from trtlab.report.which_run import profiled_number
from trtlab_widgets.pages.text import time_ms

Interval = tuple[int, int]

WAIT = "host takes the time stamps"
_TOLD = 0.02  # of an inference: a shorter wait is not told


@dataclass(frozen=True, slots=True)
class Profiled:
    """One inference of the timeline, in nanoseconds after the report's epoch.

    Attributes:
        iteration: Its number.
        whole: From the host's first call until it holds the results.
        work_ns: How long at least one layer or copy ran.
        wait: Between the last layer and what comes next, where the host waits for the layers'
            time stamps and reads them: the copy out, or the end. The time stamps' own time lies
            there too, as it is taken out of the layers. None where it is too short to tell.
        stream: Of the last layer.
        copied: Whether a copy comes next.
    """

    iteration: int
    whole: Interval
    work_ns: int
    wait: Interval | None
    stream: int
    copied: bool

    @property
    def whole_ns(self) -> int:
        """How long it took."""
        return self.whole[1] - self.whole[0]


def profiled_inferences(report: Report) -> tuple[Profiled, ...]:
    """Those of the timeline, in order; none where it has no whole inferences with layers."""
    slices = sorted(report.timeline, key=lambda s: s.iteration)
    found = (_profiled(n, list(group)) for n, group in groupby(slices, lambda s: s.iteration))
    return tuple(each for each in found if each is not None)


def _profiled(iteration: int, slices: list[Slice]) -> Profiled | None:
    whole = next((_interval(s) for s in slices if s.category == "inference"), None)
    layers = [s for s in slices if s.category == "layer"]
    copies = [_interval(s) for s in slices if s.category == "copy"]
    if whole is None or not layers:
        return None
    last = max(layers, key=lambda s: s.start_ns + s.duration_ns)
    end = last.start_ns + last.duration_ns
    next_copy = min((start for start, _ in copies if start >= end), default=None)
    until = whole[1] if next_copy is None else next_copy
    long = until - end > _TOLD * (whole[1] - whole[0])
    return Profiled(
        iteration,
        whole,
        _covered([*map(_interval, layers), *copies], whole),
        (end, until) if long else None,
        last.stream,
        next_copy is not None,
    )


def _interval(bar: Slice) -> Interval:
    return bar.start_ns, bar.start_ns + bar.duration_ns


def _covered(intervals: Iterable[Interval], within: Interval) -> int:
    """How long at least one of the intervals lasts; what lies outside does not count."""
    total, reached = 0, within[0]
    for start, end in sorted(intervals):
        begin, until = max(start, reached), min(end, within[1])
        if until > begin:
            total += until - begin
            reached = until
    return total


def profiling_note(report: Report) -> str:
    """What profiling adds to the median inference of the timeline; empty without one."""
    inferences = sorted(profiled_inferences(report), key=lambda each: each.whole_ns)
    if not inferences:
        return ""
    median = inferences[(len(inferences) - 1) // 2]
    added = median.whole_ns - median.work_ns
    number = profiled_number(report)
    drawn = (
        f"{len(inferences)} of {number:,} profiled inferences are drawn. " if number else ""
    )
    said = (
        f"{drawn}The median one of those drawn took {time_ms(median.whole_ns / 1e6)}, of which"
        f" {time_ms(added / 1e6)} ({percent(added / (median.whole_ns or 1))}) are time stamps"
        " and waits"
    )
    if median.wait is not None:
        where = "and the copy out" if median.copied else "and the end"
        took = time_ms((median.wait[1] - median.wait[0]) / 1e6)
        said += (
            f": {took} lie between the last layer {where}, where the host waits for the layers'"
            " time stamps and reads them"
        )
    if report.benchmark is None:
        return f"{said}. This is no benchmark."
    plain = time_ms(report.benchmark.latency_ms.median)
    return f"{said}. This is no benchmark: without time stamps the median latency is {plain}."
