"""Each layer's time, in a run of its own: time stamps between layers cost time themselves."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trtlab.profiling.query import Clock, Query, Runner, never
from trtlab.profiling.target import LayerStamp, Target
from trtlab.report.records import LayerRecord, Samples


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """How long to profile.

    Attributes:
        iterations: Inferences with time stamps around each layer.
        warmup_iterations: The same, thrown away.
        budget_seconds: Stop after so long all the same, but not before one inference.
        transfers: Copy inputs and outputs too, for the timeline.
    """

    iterations: int = 50
    warmup_iterations: int = 3
    budget_seconds: float | None = 10.0
    transfers: bool = True


def profile_layers(
    target: Target,
    options: ProfileOptions | None = None,
    *,
    cancelled: Callable[[], bool] = never,
    now_ns: Clock = time.monotonic_ns,
) -> list[Query]:
    """Run profiled queries one at a time; every stamp is kept.

    Args:
        target: What to run, with its inputs filled.
        options: How long.
        cancelled: Asked between inferences.
        now_ns: The clock.

    Raises:
        CancelledError: The user stopped it.
        DeviceError: The device faulted.
    """
    options = options or ProfileOptions()
    runner = Runner(
        target,
        transfers=options.transfers,
        profiled=True,
        depth=1,
        cancelled=cancelled,
        now_ns=now_ns,
    )

    def enough(begun: int, seconds: float) -> bool:
        budget = options.budget_seconds
        over = budget is not None and begun > 0 and seconds >= budget
        return over or begun >= max(options.iterations, 1)

    runner.run(lambda begun, _: begun >= options.warmup_iterations)
    return runner.run(enough)


def layer_samples(queries: Sequence[Query]) -> dict[int, Samples]:
    """Microseconds of each layer, one sample a query; several stamps of a layer add up."""
    samples: defaultdict[int, list[float]] = defaultdict(list)
    for query in queries:
        spent_ns: defaultdict[int, int] = defaultdict(int)
        for stamp in query.device.layers:
            spent_ns[stamp.layer] += stamp.end_ns - stamp.start_ns
        for layer, time_ns in spent_ns.items():
            samples[layer].append(time_ns / 1e3)
    return {layer: Samples(tuple(times)) for layer, times in samples.items()}


def with_samples(
    layers: Sequence[LayerRecord], queries: Sequence[Query]
) -> tuple[LayerRecord, ...]:
    """The records with the measured samples; a layer that never ran has none."""
    samples = layer_samples(queries)
    return tuple(replace(r, time_us=samples.get(r.index, Samples(()))) for r in layers)


def busy_ns(stamps: Sequence[LayerStamp]) -> int:
    """How long at least one layer ran; what streams run side by side counts once."""
    total_ns, reached_ns = 0, None
    for start_ns, end_ns in sorted((s.start_ns, s.end_ns) for s in stamps):
        if reached_ns is None or start_ns > reached_ns:
            total_ns += end_ns - start_ns
            reached_ns = end_ns
        elif end_ns > reached_ns:
            total_ns += end_ns - reached_ns
            reached_ns = end_ns
    return total_ns


def gaps_ns(stamps: Sequence[LayerStamp]) -> int:
    """How long no layer ran between the first layer's start and the last one's end."""
    if not stamps:
        return 0
    whole_ns = max(s.end_ns for s in stamps) - min(s.start_ns for s in stamps)
    return whole_ns - busy_ns(stamps)
