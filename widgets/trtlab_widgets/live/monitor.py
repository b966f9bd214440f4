"""Live sensor strips as a notebook widget."""

import threading
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anywidget
import traitlets

from trtlab.session.requests import TelemetryChunk
from trtlab_widgets.live.bundle import script, style

_KEEP = 4096  # samples a metric, for views that open late


@dataclass(slots=True)
class _Series:
    label: str
    unit: str
    limit: float | None
    samples: deque[tuple[int, float]] = field(
        default_factory=lambda: deque[tuple[int, float]](maxlen=_KEEP)
    )


class Monitor(anywidget.AnyWidget):
    """Readings as they arrive; sends nothing while the strips are out of sight.

    `append` may be called from any thread, as a `TelemetryWatch` does.

    Attributes:
        window_s: Seconds that a strip shows.
        missing: Metric → why there is no value of it now.
        message: What to say before the first sample.
        visible: Whether a view is in sight; the browser keeps it right.
    """

    _esm = script("monitor")
    _css = style("monitor.css")

    window_s = traitlets.Float(30.0, min=1.0).tag(sync=True)
    missing = traitlets.Dict().tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)
    visible = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, *, window_s: float = 30.0) -> None:
        super().__init__()
        self.window_s = window_s
        self._lock = threading.Lock()
        self._series: dict[str, _Series] = {}
        self._epoch_ns: int | None = None
        self.on_msg(self._hear)

    def append(self, chunks: Sequence[TelemetryChunk]) -> None:
        """Add samples; a metric that is new gets a strip of its own."""
        with self._lock:
            for chunk in chunks:
                if chunk.times_ns and self._epoch_ns is None:
                    self._epoch_ns = chunk.times_ns[0]
                series = self._series.setdefault(
                    chunk.metric, _Series(chunk.label, chunk.unit, chunk.limit)
                )
                series.samples.extend(_samples(chunk))
        self._tell_missing(chunks)
        if self.visible:
            self._send_samples(
                {c.metric: (c.label, c.unit, c.limit, _samples(c)) for c in chunks},
                reset=False,
            )

    def latest(self) -> dict[str, float]:
        """The last value of every metric that has one now."""
        with self._lock:
            return {
                name: s.samples[-1][1]
                for name, s in self._series.items()
                if s.samples and name not in self.missing
            }

    def _tell_missing(self, chunks: Sequence[TelemetryChunk]) -> None:
        told = {c.metric: c.missing for c in chunks}
        missing = {name: why for name, why in {**self.missing, **told}.items() if why}
        if missing != self.missing:
            self.missing = missing

    @traitlets.observe("visible")
    def _catch_up(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self._send_all()

    def _hear(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("kind") == "ready":
            self._send_all()

    def _send_all(self) -> None:
        with self._lock:
            everything = {
                name: (s.label, s.unit, s.limit, list(s.samples))
                for name, s in self._series.items()
            }
        if everything:
            self._send_samples(everything, reset=True)

    def _send_samples(
        self,
        metrics: dict[str, tuple[str, str, float | None, list[tuple[int, float]]]],
        *,
        reset: bool,
    ) -> None:
        """Send samples as two buffers: float64 nanoseconds, float32 values."""
        epoch = self._epoch_ns or 0
        heads = [
            {"metric": name, "label": label, "unit": unit, "limit": limit, "count": len(found)}
            for name, (label, unit, limit, found) in metrics.items()
        ]
        flat = [sample for *_, samples in metrics.values() for sample in samples]
        times = array("d", (time - epoch for time, _ in flat)).tobytes()
        values = array("f", (value for _, value in flat)).tobytes()
        self.send({"kind": "samples", "reset": reset, "metrics": heads}, [times, values])


def _samples(chunk: TelemetryChunk) -> list[tuple[int, float]]:
    return list(zip(chunk.times_ns, chunk.values, strict=True))
