"""Telemetry of sample reports: sensors that show a throttled stretch."""

import numpy as np
from sample_runs import START_NS

from trtlab.report.records import TelemetryRecord, ThrottleInterval, Trace


def sample_telemetry(
    end_ns: int, slow_ns: tuple[int, int], rng: np.random.Generator
) -> TelemetryRecord:
    """Sensors read every 20 ms until `end_ns`; power caps the clock during `slow_ns`."""
    times = np.arange(0, end_ns, 20_000_000)
    slow = (times >= slow_ns[0]) & (times < slow_ns[1])
    load = np.where((times > START_NS) & (times < end_ns - 50_000_000), 97.0, 8.0)

    def trace(
        metric: str, label: str, unit: str, values: np.ndarray, limit: float | None = None
    ) -> Trace:
        return Trace(
            metric,
            label,
            unit,
            tuple(int(t) for t in times),
            tuple(round(float(v), 2) for v in values),
            limit,
        )

    clock = np.where(slow, 1305, 1980) + rng.normal(0, 4, len(times))
    power = np.where(slow, 642, 560 * load / 100) + rng.normal(0, 6, len(times))
    warm = 52 + 26 * (1 - np.exp(-times / 0.9e9)) + rng.normal(0, 0.3, len(times))
    return TelemetryRecord(
        source="nvml",
        interval_ms=20,
        traces=(
            trace("gpu.sm_clock", "SM clock", "MHz", clock),
            trace("gpu.power", "Power", "W", power, 700),
            trace("gpu.temperature", "Temperature", "°C", warm, 87),
            trace("cpu.load", "CPU load", "%", load + rng.normal(0, 1, len(times))),
        ),
        missing={"gpu.fan": "passively cooled"},
        throttling=(ThrottleInterval(slow_ns[0], slow_ns[1], "Software power cap"),),
        verdict="Throttled: Software power cap for 0.78 s (21 % of the time).",
    )
