"""Each layer's time, in runs of their own: time stamps between layers cost time themselves.

Plain runs take turns with them, so that both see the same clocks: a GPU's follow its load.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from trtlab.profiling.query import Clock, Query, Runner, never
from trtlab.profiling.target import LayerStamp, Target
from trtlab.report.records import LayerRecord, Samples

_TURN = 3  # queries of a kind in a row, as a timeline shows them


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """How long to profile.

    Attributes:
        iterations: Inferences with time stamps around each layer, and plain ones between them.
        warmup_iterations: The same, thrown away.
        budget_seconds: Stop after so long all the same, but not before one inference of each.
        transfers: Copy inputs and outputs too, for the timeline.
    """

    iterations: int = 50
    warmup_iterations: int = 3
    budget_seconds: float | None = 10.0
    transfers: bool = True


class Turns(NamedTuple):
    """Queries that took turns, one at a time."""

    plain: list[Query]
    profiled: list[Query]

    def span_ns(self, epoch_ns: int = 0) -> tuple[int, int]:
        """From the first profiled query's begin to the last one's end, after the epoch."""
        first, last = self.profiled[0].host, self.profiled[-1].host
        return first.start_ns - epoch_ns, last.end_ns - epoch_ns


def profile_layers(
    target: Target,
    options: ProfileOptions | None = None,
    *,
    transfers: bool = True,
    cancelled: Callable[[], bool] = never,
    progress: Callable[[float, int], None] | None = None,
    now_ns: Clock = time.monotonic_ns,
) -> Turns:
    """Run plain and profiled queries in turns; every stamp is kept.

    Args:
        target: What to run, with its inputs filled.
        options: How long.
        transfers: Copy inputs and outputs with the plain queries.
        cancelled: Asked between inferences.
        progress: Told the share that is done, 0 to 1, and how many inferences have begun,
            before each of them once it is warm.
        now_ns: The clock.

    Raises:
        CancelledError: The user stopped it.
        DeviceError: The device faulted.
    """
    options = options or ProfileOptions()
    pace = _Pace(options, progress, now_ns)
    plain = Runner(target, transfers=transfers, depth=1, cancelled=cancelled, now_ns=now_ns)
    runners = (plain, replace(plain, transfers=options.transfers, profiled=True))
    for runner in runners:
        pace.run(runner, options.warmup_iterations)
    found = Turns([], [])
    pace.start()
    missing = pace.iterations
    while missing > 0 and not (found.profiled and pace.spent() >= 1):
        turn = min(missing, _TURN)
        for runner, queries in zip(runners, found, strict=True):
            queries.extend(pace.run(runner, turn))
        missing -= turn
    return found


class _Pace:
    """Runs a few queries at a time, within the budget, and tells how far all of them are."""

    def __init__(
        self,
        options: ProfileOptions,
        progress: Callable[[float, int], None] | None,
        now_ns: Clock,
    ) -> None:
        self.iterations = max(options.iterations, 1)
        self._total = 2 * self.iterations
        self._budget_ns = (
            None if options.budget_seconds is None else 1e9 * options.budget_seconds
        )
        self._progress = progress
        self._now_ns = now_ns
        self._done = 0
        self._began_ns: int | None = None

    def start(self) -> None:
        """From now on the budget is spent, and inferences count."""
        self._began_ns = self._now_ns()

    def spent(self) -> float:
        """The share of the budget that is spent, 1 or more when nothing is left."""
        if self._began_ns is None or self._budget_ns is None:
            return 0.0
        spent_ns = self._now_ns() - self._began_ns
        return spent_ns / self._budget_ns if self._budget_ns > 0 else 1.0

    def run(self, runner: Runner, count: int) -> list[Query]:
        """So many queries; only one when the budget is spent."""

        def enough(begun: int, _: float) -> bool:
            spent, inferences = self.spent(), self._done + begun
            if self._progress is not None and self._began_ns is not None:
                share = max(inferences / self._total, spent)
                self._progress(min(share, 1.0), inferences)
            return begun >= count or (begun > 0 and spent >= 1)

        queries = runner.run(enough)
        if self._began_ns is not None:
            self._done += len(queries)
        return queries


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
