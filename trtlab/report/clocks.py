"""The device's clock while the benchmark ran, and while layers were timed: two runs, two clocks."""

from dataclasses import dataclass
from statistics import median

from trtlab.report.percent import percent
from trtlab.report.records import Report

_METRICS = {"cuda": ("gpu.sm_clock", "SMs"), "cpu": ("cpu.frequency", "cores")}
_MS = 1_000_000
_SUMS_APART = 0.05  # shares by which sums, and clocks, may differ without a word
_CLOCKS_APART = 0.02


@dataclass(frozen=True, slots=True)
class Clock:
    """What the sensor read in a stretch of time, in MHz."""

    median_mhz: float
    low_mhz: float
    high_mhz: float

    def __str__(self) -> str:
        """``1,665 MHz (1,380–1,740)``; without a range where nothing changed."""
        middle, low, high = (
            f"{value:,.0f}" for value in (self.median_mhz, self.low_mhz, self.high_mhz)
        )
        return f"{middle} MHz" + ("" if low == high else f" ({low}–{high})")


def clocked_units(report: Report) -> str:
    """What the clock drives: ``SMs`` or ``cores``."""
    return _METRICS.get(report.device.kind, ("", "device"))[1]


def benchmark_clock(report: Report) -> Clock | None:
    """While the benchmark ran; None where no sensor told it."""
    run = report.benchmark
    if run is None or not run.starts_ns:
        return None
    return _clock(
        [v for t, v in _readings(report) if run.starts_ns[0] <= t <= run.starts_ns[-1]]
    )


def layers_clock(report: Report) -> Clock | None:
    """While layers were timed; None where no sensor told it, or the report not when that was.

    A run that is shorter than the sensors' interval may end before they are read: then the next
    reading counts, which is the one that ends the recording.
    """
    span = report.layers_span_ns
    if span is None or report.telemetry is None:
        return None
    readings = _readings(report)
    during = [value for time_ns, value in readings if span[0] <= time_ns <= span[1]]
    until = span[1] + report.telemetry.interval_ms * _MS
    after = [value for time_ns, value in readings if span[1] < time_ns <= until]
    return _clock(during or after[:1])


def _readings(report: Report) -> list[tuple[int, float]]:
    """Times after the epoch and MHz.

    With several GPUs it is not known which one ran: then there are none.
    """
    metric, _ = _METRICS.get(report.device.kind, ("", ""))
    traces = report.telemetry.traces if report.telemetry is not None else ()
    trace = next((t for t in traces if t.metric == metric), None)
    if trace is None:
        return []
    pairs = zip(trace.times_ns, trace.values, strict=True)
    return [(time_ns, value) for time_ns, value in pairs if value > 0]


def _clock(values: list[float]) -> Clock | None:
    return Clock(median(values), min(values), max(values)) if values else None


def layers_clock_text(report: Report) -> str:
    """The clock beside layer times; says so when only the benchmark's is known, else empty."""
    own, other = layers_clock(report), benchmark_clock(report)
    units = clocked_units(report)
    if own is not None:
        return f"{units} at {own}"
    return "" if other is None else f"clock not recorded; in the benchmark {units} at {other}"


def sums_apart(report: Report) -> str:
    """Why the layers' time is not the benchmark's compute time, where clocks may be why.

    Empty where both agree, where other reasons have to be looked for, and where no clock is
    known at all.
    """
    ran, timed = benchmark_clock(report), layers_clock(report)
    layers_ms = report.reconciliation_ms.get("layers")
    if report.benchmark is None or ran is None or not layers_ms:
        return ""
    compute_ms = report.benchmark.compute_ms.median
    apart = layers_ms / compute_ms - 1 if compute_ms else 0.0
    if abs(apart) <= _SUMS_APART:
        return ""
    more = "more" if apart > 0 else "less"
    said = (
        f"The layers of an inference took {layers_ms:.3f} ms, {percent(abs(apart))} {more} than"
        f" the benchmark's {compute_ms:.3f} ms of computing"
    )
    if timed is None:
        return (
            f"{said}: they were timed afterwards, at a clock that was not recorded; the"
            f" benchmark ran at {ran}."
        )
    faster = timed.median_mhz / ran.median_mhz - 1
    if abs(faster) <= _CLOCKS_APART or (faster > 0) == (apart > 0):
        return ""
    return f"{said}: they were timed at {timed}, the benchmark ran at {ran}."
