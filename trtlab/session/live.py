"""Live sensor samples for widgets: a sampler of its own, told in chunks."""

import threading
from collections.abc import Callable

from trtlab.profiling.telemetry.sampler import TelemetrySampler
from trtlab.session.requests import TelemetryChunk

_TELL_EVERY_S = 0.25


class TelemetryWatch:
    """Samples until closed.

    Args:
        listener: Called from the watch's own thread with the new samples of every metric.
        interval_ms: Time between samples.
    """

    def __init__(
        self, listener: Callable[[tuple[TelemetryChunk, ...]], None], interval_ms: float
    ) -> None:
        self._listener = listener
        self._sampler = TelemetrySampler(interval_ms=interval_ms)
        self._closed = threading.Event()
        self._last_ns = 0
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
            record = self._sampler.snapshot(self._last_ns + 1)
            chunks: list[TelemetryChunk] = []
            newest = self._last_ns
            for trace in record.traces:
                fresh = [i for i, t in enumerate(trace.times_ns) if t > self._last_ns]
                if not fresh:
                    continue
                newest = max(newest, trace.times_ns[fresh[-1]])
                chunks.append(
                    TelemetryChunk(
                        trace.metric,
                        trace.label,
                        trace.unit,
                        tuple(trace.times_ns[i] for i in fresh),
                        tuple(trace.values[i] for i in fresh),
                        trace.limit,
                    )
                )
            self._last_ns = newest
            if chunks:
                self._listener(tuple(chunks))
