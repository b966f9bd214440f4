"""Repeated inferences, timed as trtexec times them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trtlab.core.durations import LONGEST, is_duration
from trtlab.core.errors import UsageError
from trtlab.profiling.query import Clock, Query, Runner, never
from trtlab.profiling.statistics import summarize
from trtlab.profiling.target import Span, Target
from trtlab.profiling.verdicts import verdicts
from trtlab.report.records import BenchmarkRecord, QueryPhases

_TELL_EVERY_S = 0.05  # telling costs time between queries, and nobody sees more


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """How long to measure; the defaults are trtexec's.

    Attributes:
        iterations: Time at least so many queries,
        duration_seconds: and at least so long,
        warmup_ms: after at least so long untimed.
        budget_seconds: Stop after so long all the same, warm-up included; None for no limit.
        transfers: Copy inputs and outputs with every query.
        idle_ms: Pause after each query.
        seed: Of the random inputs.
    """

    iterations: int = 10
    duration_seconds: float = 3.0
    warmup_ms: float = 200.0
    budget_seconds: float | None = None
    transfers: bool = True
    idle_ms: float = 0.0
    seed: int = 0


def benchmark(
    target: Target,
    options: BenchmarkOptions | None = None,
    *,
    epoch_ns: int = 0,
    cancelled: Callable[[], bool] = never,
    progress: Callable[[float, int], None] | None = None,
    now_ns: Clock = time.monotonic_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> BenchmarkRecord:
    """Measure latency and throughput.

    Args:
        target: What to run; its inputs are filled with random values first.
        options: How long.
        epoch_ns: Time zero of the record's starts, on the same clock as ``now_ns``.
        cancelled: Asked between queries.
        progress: Told the share that is done, 0 to 1, and how many queries have begun.
        now_ns: The clock.
        sleep: Takes seconds.

    Raises:
        UsageError: The options ask for nothing.
        CancelledError: The user stopped it.
        DeviceError: The device faulted.
    """
    options = options or BenchmarkOptions()
    _check(options)
    target.set_random_inputs(options.seed)
    runner = Runner(
        target,
        transfers=options.transfers,
        idle_ms=options.idle_ms,
        cancelled=cancelled,
        now_ns=now_ns,
        sleep=sleep,
    )
    began_ns = now_ns()
    limits = _Limits(options, progress)
    warmup = runner.run(limits.warm)
    limits.spent_seconds = (now_ns() - began_ns) / 1e9
    queries = runner.run(limits.measured)
    record = _record(target, queries, warmup, epoch_ns)
    if len(queries) >= options.iterations:
        return record
    return _with_verdict(
        record,
        f"Stopped by the time budget of {options.budget_seconds:g} s after {len(queries)} of "
        f"{options.iterations} queries.",
    )


def _check(options: BenchmarkOptions) -> None:
    budget = options.budget_seconds
    times = (options.duration_seconds, options.warmup_ms, options.idle_ms, budget or 0.0)
    if not (1 <= options.iterations <= LONGEST and all(map(is_duration, times))):
        limit = "" if budget is None else f", within {budget} s"
        raise UsageError(
            f"a benchmark of {options.iterations} iterations, {options.duration_seconds} s, "
            f"{options.warmup_ms} ms of warm-up and pauses of {options.idle_ms} ms{limit} "
            "measures nothing or never ends",
            hint="at least one iteration, and no negative times, inf or nan",
        )


class _Limits:
    """When to stop warming up and measuring."""

    def __init__(
        self, options: BenchmarkOptions, progress: Callable[[float, int], None] | None
    ) -> None:
        self.options = options
        self.progress = progress
        self.tell_s = 0.0  # when to tell next
        self.spent_seconds = 0.0  # by the warm-up

    def warm(self, begun: int, seconds: float) -> bool:
        """Whether the warm-up is over: in time, or at half of the budget."""
        wanted = self.options.warmup_ms / 1e3
        if self.options.budget_seconds is not None:
            wanted = min(wanted, self.options.budget_seconds / 2)
        return seconds >= wanted and (begun > 0 or wanted == 0)

    def measured(self, begun: int, seconds: float) -> bool:
        """Whether enough was measured, or the budget is spent after at least one query."""
        options, budget = self.options, self.options.budget_seconds
        spent = budget is not None and begun > 0 and self.spent_seconds + seconds >= budget
        over = spent or (begun >= options.iterations and seconds >= options.duration_seconds)
        if self.progress is not None and (over or seconds >= self.tell_s):
            self.tell_s = seconds + _TELL_EVERY_S
            self.progress(self._share(begun, seconds), begun)
        return over

    def _share(self, begun: int, seconds: float) -> float:
        share = begun / self.options.iterations
        if self.options.duration_seconds:
            share = min(share, seconds / self.options.duration_seconds)
        if self.options.budget_seconds:
            share = max(share, (self.spent_seconds + seconds) / self.options.budget_seconds)
        return min(share, 1.0)


def _record(
    target: Target, queries: Sequence[Query], warmup: Sequence[Query], epoch_ns: int
) -> BenchmarkRecord:
    wall_seconds = (queries[-1].host.end_ns - queries[0].host.start_ns) / 1e9
    compute_ms = [_ms(q.device.compute) for q in queries]
    latencies_ms = [q.latency_ns / 1e6 for q in queries]
    enqueue = summarize([_ms(q.enqueue) for q in queries])
    h2d = summarize([_ms(q.device.h2d) for q in queries])
    compute = summarize(compute_ms)
    d2h = summarize([_ms(q.device.d2h) for q in queries])
    return BenchmarkRecord(
        latency_ms=summarize(latencies_ms),
        enqueue_ms=enqueue,
        h2d_ms=h2d,
        compute_ms=compute,
        d2h_ms=d2h,
        throughput_qps=len(queries) / wall_seconds if wall_seconds else 0.0,
        iterations=len(queries),
        warmup_iterations=len(warmup),
        wall_seconds=wall_seconds,
        batch=target.batch,
        samples_ms=tuple(latencies_ms),
        starts_ns=tuple(q.host.start_ns - epoch_ns for q in queries),
        shapes={name: tuple(shape) for name, shape in target.shapes.items()},
        verdicts=tuple(
            verdicts(
                enqueue=enqueue,
                h2d=h2d,
                compute=compute,
                d2h=d2h,
                compute_samples_ms=compute_ms,
                asynchronous=target.depth > 1,
            )
        ),
        phases=_phases(queries),
        clock_uncertainty_ns=target.clock_uncertainty_ns,
    )


def _ms(span: Span | None) -> float:
    return span.duration_ns / 1e6 if span else 0.0


def _phases(queries: Sequence[Query]) -> QueryPhases:
    """Columns of offsets; a copy that was not made is an empty span beside the computing."""
    columns: list[list[int]] = [[] for _ in range(8)]
    for query in queries:
        compute = query.device.compute
        h2d = query.device.h2d or Span(compute.start_ns, compute.start_ns)
        d2h = query.device.d2h or Span(compute.end_ns, compute.end_ns)
        times = (*query.enqueue, *h2d, *compute, *d2h)
        for column, time_ns in zip(columns, times, strict=True):
            column.append(time_ns - query.host.start_ns)
    return QueryPhases(*(tuple(column) for column in columns))


def _with_verdict(record: BenchmarkRecord, sentence: str) -> BenchmarkRecord:
    return replace(record, verdicts=(*record.verdicts, sentence))
