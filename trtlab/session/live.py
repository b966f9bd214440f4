"""Live sensor samples for widgets: a sampler of its own, told in chunks."""

import threading
from collections.abc import Callable, Iterator, Sequence

from trtlab.profiling.telemetry.sampler import TelemetrySampler
from trtlab.profiling.telemetry.source import Source
from trtlab.session.requests import TelemetryChunk

_TELL_EVERY_S = 0.25


class TelemetryWatch:
    """Samples until closed.

    Args:
        listener: Called from the watch's own thread with the new samples of every metric, and
            once with the reason when a metric ceases to have any.
        interval_ms: Time between samples.
        sources: What to read; see `TelemetrySampler`.
    """

    def __init__(
        self,
        listener: Callable[[tuple[TelemetryChunk, ...]], None],
        interval_ms: float,
        sources: Sequence[Source] | None = None,
    ) -> None:
        self._listener = listener
        self._sampler = TelemetrySampler(sources, interval_ms)
        self._closed = threading.Event()
        self._last_ns = 0
        self._missing: dict[str, str] = {}  # as told
        self._sampler.start()
        self._thread = threading.Thread(target=self._tell, name="trtlab-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sampling."""
        if not self._closed.is_set():
            self._closed.set()
            self._sampler.stop()

    def _tell(self) -> None:
        while not self._closed.wait(_TELL_EVERY_S):
            chunks = tuple(self._fresh())
            if chunks:
                self._listener(chunks)

    def _fresh(self) -> Iterator[TelemetryChunk]:
        """Samples since the last time; a metric that has gone only says why."""
        record = self._sampler.snapshot(self._last_ns + 1)
        traces = {trace.metric: trace for trace in record.traces}
        for metric in self._sampler.metrics:
            why = record.missing.get(metric.name, "")
            trace = traces.get(metric.name)
            if trace is not None:
                self._last_ns = max(self._last_ns, trace.times_ns[-1])
                times, values, why = trace.times_ns, trace.values, ""
            elif why and why != self._missing.get(metric.name, ""):
                times, values = (), ()
            else:
                continue
            self._missing[metric.name] = why
            yield TelemetryChunk(
                metric.name, metric.label, metric.unit, times, values, metric.limit, why
            )
