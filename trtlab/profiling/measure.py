"""All measurements of one target in one go, in the order that disturbs them least."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from trtlab.profiling.benchmark import BenchmarkOptions, benchmark
from trtlab.profiling.layers import ProfileOptions, profile_layers, with_samples
from trtlab.profiling.progress import (
    MEASURE,
    PERCENT,
    TIME_LAYERS,
    WARM_UP,
    Progress,
    Step,
    silent,
)
from trtlab.profiling.query import Clock, never
from trtlab.profiling.reconciliation import reconcile
from trtlab.profiling.statistics import summarize
from trtlab.profiling.target import Target
from trtlab.profiling.timeline import timeline
from trtlab.report.records import BenchmarkRecord, LayerRecord, Slice, Summary


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """What to measure; `timeline_iterations` of the profiled inferences become bars.

    Without ``profile`` layers are not timed, and there are no bars and no reconciliation.
    """

    benchmark: BenchmarkOptions = field(default_factory=BenchmarkOptions)
    profile: ProfileOptions | None = field(default_factory=ProfileOptions)
    timeline_iterations: int = 3


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a Report takes over; see `Report` for the fields of the same names."""

    benchmark: BenchmarkRecord
    layers: tuple[LayerRecord, ...]
    timeline: tuple[Slice, ...]
    reconciliation_ms: dict[str, float]
    layers_span_ns: tuple[int, int] | None = None
    single_ms: Summary | None = None


def measure(
    target: Target,
    layers: Sequence[LayerRecord],
    options: MeasureOptions | None = None,
    *,
    epoch_ns: int = 0,
    cancelled: Callable[[], bool] = never,
    progress: Progress = silent,
    now_ns: Clock = time.monotonic_ns,
) -> Measurement:
    """Benchmark first, undisturbed; then single queries, plain and profiled in turns.

    Args:
        target: What to run.
        layers: The engine's layers, without times.
        options: How long.
        epoch_ns: Time zero of the report.
        cancelled: Asked between inferences.
        progress: Told how far each phase is, between inferences.
        now_ns: The clock.

    Raises:
        UsageError: The options ask for nothing.
        CancelledError: The user stopped it.
        DeviceError: The device faulted.
    """
    options = options or MeasureOptions()

    def tell(phase: str, share: float, begun: int) -> None:
        message = f"{begun:,} inference{'' if begun == 1 else 's'}"
        progress(Step(phase, int(100 * share), 100, PERCENT, message))

    progress(Step(WARM_UP))
    record = benchmark(
        target,
        options.benchmark,
        epoch_ns=epoch_ns,
        cancelled=cancelled,
        progress=partial(tell, MEASURE),
        now_ns=now_ns,
    )
    if options.profile is None:
        return Measurement(record, tuple(layers), (), {})
    progress(Step(TIME_LAYERS, message="warming up"))
    turns = profile_layers(
        target,
        options.profile,
        transfers=options.benchmark.transfers,
        cancelled=cancelled,
        progress=partial(tell, TIME_LAYERS),
        now_ns=now_ns,
    )
    return Measurement(
        record,
        with_samples(layers, turns.profiled),
        timeline(
            turns.profiled, layers, epoch_ns=epoch_ns, iterations=options.timeline_iterations
        ),
        reconcile(turns),
        turns.span_ns(epoch_ns),
        summarize([query.host.duration_ns / 1e6 for query in turns.plain]),
    )
