"""A thread that reads sensors at a steady rate.

It sleeps between samples, keeps a bounded number of them, and measures its own cost, so that a
measurement can say what watching it took.
"""

import math
import threading
import time
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from trtlab.core.durations import is_duration
from trtlab.core.errors import UsageError
from trtlab.profiling.query import Clock
from trtlab.profiling.telemetry.machine import machine_sources
from trtlab.profiling.telemetry.ring import Ring
from trtlab.profiling.telemetry.source import Metric, Source
from trtlab.profiling.telemetry.throttling import Observed, intervals, verdict
from trtlab.report.records import TelemetryRecord, Trace

_FASTEST_MS = 5.0
# missing metrics without which throttling cannot be seen; "gpu" stands for a whole GPU
_TELL_THROTTLING = ("throttled", "throttle_reasons", "gpu")


def next_due_s(due_s: float, interval_s: float, now_s: float) -> float:
    """When to sample after the sample that was due; beats missed in a stall are left out."""
    missed = max(0, int((now_s - due_s) // interval_s))
    return due_s + (missed + 1) * interval_s


class TelemetrySampler:
    """Reads sources in its own thread between `start` and `stop`, or inside ``with``.

    `latest`, `snapshot`, `arrays` and `record` may be called from any thread at any time, also
    while it runs.

    Args:
        sources: What to read, every sensor of the machine by default; opened by `start` and
            closed by `stop`.
        interval_ms: From sample to sample. GPU power changes 12 to 20 times a second, so
            shorter than 50 ms tells nothing new about it.
        capacity: Samples to keep: half an hour by default. About 10 MB for a GPU.
        now_ns: The clock; the axis of all times.

    Raises:
        UsageError: The interval is below 5 ms or never ends, or there are no samples to keep.
    """

    def __init__(
        self,
        sources: Sequence[Source] | None = None,
        interval_ms: float = 50.0,
        *,
        capacity: int = 36_000,
        now_ns: Clock = time.monotonic_ns,
    ) -> None:
        if not (interval_ms >= _FASTEST_MS and is_duration(interval_ms) and capacity >= 1):
            raise UsageError(
                f"cannot sample every {interval_ms} ms and keep {capacity} samples",
                hint=f"at least {_FASTEST_MS:g} ms apart; sensors follow about 50 ms",
            )
        self.interval_ms = interval_ms
        self._sources = tuple(machine_sources() if sources is None else sources)
        self._capacity = capacity
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._metrics: tuple[Metric, ...] = ()
        self._ring = Ring(0, 1)
        self._notes: set[str] = set()
        self._cost_ns = 0

    def start(self) -> None:
        """Open the sources, take a first sample, and go on in the background.

        Raises:
            UsageError: It runs already.
        """
        if self._thread is not None:
            raise UsageError("the sampler runs already", hint="stop() it first")
        for source in self._sources:
            source.open()
        with self._lock:
            self._metrics = tuple(m for source in self._sources for m in source.metrics)
            self._ring = Ring(len(self._metrics), self._capacity)
            self._notes, self._cost_ns = set(), 0
        self._stopping.clear()
        self.sample()
        self._thread = threading.Thread(
            target=self._loop, name="trtlab-telemetry", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Take a last sample, end the thread and close the sources, if it runs."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None
        self.sample(thorough=True)
        for source in self._sources:
            source.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether samples are being taken."""
        return self._thread is not None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What answered, source by source, without throttle counters."""
        return tuple(m for m in self._metrics if not m.throttle_reason)

    @property
    def cost_us(self) -> float | None:
        """Processor time of one sample on average, in microseconds; None before the first."""
        with self._lock:
            return self._cost_ns / self._ring.total / 1e3 if self._ring.total else None

    def sample(self, *, thorough: bool = False) -> None:
        """Take one sample now, in the calling thread; see `Source.read`."""
        began_ns = time.thread_time_ns()
        values: list[float] = []
        throttled: tuple[str, ...] | None = None
        notes: tuple[str, ...] = ()
        before_ns = self._now_ns()
        for source in self._sources:
            reading = source.read(thorough=thorough)
            values += [math.nan if v is None else v for v in reading.values]
            notes += reading.notes
            if reading.throttled is not None:
                throttled = (throttled or ()) + reading.throttled
        time_ns = (before_ns + self._now_ns()) // 2  # the sensors answered somewhere between
        with self._lock:
            self._ring.append(time_ns, values, throttled)
            self._notes.update(notes)
            self._cost_ns += time.thread_time_ns() - began_ns

    def latest(self) -> dict[str, float]:
        """The newest value of each metric, by name; metrics without any are left out."""
        newest: dict[str, float] = {}
        for name, (_, values) in self.arrays(10).items():
            if values.size:
                newest[name] = float(values[-1])
        return newest

    def snapshot(self, since_ns: int | None = None) -> TelemetryRecord:
        """A record of what is there so far, on the bare clock (epoch 0); for live views.

        Args:
            since_ns: Only samples from then on; all when None.
        """
        return self.record(since_ns=since_ns)

    def arrays(
        self, samples: int | None = None
    ) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Times in nanoseconds and values of each metric, by name, in the order of time.

        Args:
            samples: Only the last so many; all when None.
        """
        with self._lock:
            times_ns, values, _ = self._ring.contents()
        if samples is not None:
            times_ns, values = times_ns[-samples:], values[-samples:]
        taken: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for column, metric in enumerate(self._metrics):
            if not metric.throttle_reason:
                fresh = ~np.isnan(values[:, column])
                taken[metric.name] = times_ns[fresh], values[fresh, column]
        return taken

    def record(
        self, epoch_ns: int = 0, *, since_ns: int | None = None, until_ns: int | None = None
    ) -> TelemetryRecord:
        """What was seen, all or between two moments of the clock; works while running too.

        Args:
            epoch_ns: Time zero of the record.
            since_ns: First moment.
            until_ns: Last moment.
        """
        with self._lock:
            times_ns, values, reasons = self._ring.contents()
            dropped, notes = self._ring.dropped, frozenset(self._notes)
        first = 0 if since_ns is None else int(np.searchsorted(times_ns, since_ns))
        last = None if until_ns is None else int(np.searchsorted(times_ns, until_ns, "right"))
        times_ns, values = times_ns[first:last] - epoch_ns, values[first:last]
        missing: dict[str, str] = {}
        for source in self._sources:
            missing.update(source.missing)  # one step: the thread may add to it meanwhile
        observed = Observed(
            times_ns,
            reasons[first:last],
            self._counters(values),
            notes,
            "; ".join(v for k, v in missing.items() if k.endswith(_TELL_THROTTLING)),
        )
        spans = intervals(observed)
        return TelemetryRecord(
            source="+".join(dict.fromkeys(s.name for s in self._sources if s.metrics)),
            interval_ms=self.interval_ms,
            traces=self._traces(times_ns, values),
            missing=missing,
            throttling=spans,
            verdict=verdict(observed, spans),
            cost_us=self.cost_us,
            dropped_samples=dropped,
        )

    def _loop(self) -> None:
        interval_s = self.interval_ms / 1e3
        due_s = time.monotonic() + interval_s
        while not self._stopping.wait(max(0.0, due_s - time.monotonic())):
            self.sample()
            due_s = next_due_s(due_s, interval_s, time.monotonic())

    def _counters(self, values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return {
            metric.throttle_reason: values[:, column]
            for column, metric in enumerate(self._metrics)
            if metric.throttle_reason
        }

    def _traces(
        self, times_ns: NDArray[np.int64], values: NDArray[np.float64]
    ) -> tuple[Trace, ...]:
        traces: list[Trace] = []
        for column, metric in enumerate(self._metrics):
            fresh = ~np.isnan(values[:, column])
            if metric.throttle_reason or not fresh.any():
                continue
            traces.append(
                Trace(
                    metric.name,
                    metric.label,
                    metric.unit,
                    tuple(times_ns[fresh].tolist()),
                    tuple(round(float(v), 3) for v in values[fresh, column]),
                    metric.limit,
                )
            )
        return tuple(traces)
