"""Records of one run: its latencies, its timeline, and what the sensors said meanwhile.

`trtlab.report.records` has them all; import them from there.
"""

from dataclasses import dataclass

from trtlab.report import one_line


@dataclass(frozen=True, slots=True)
class Summary:
    """Distribution of one quantity in milliseconds (trtexec's percentile definition)."""

    min: float
    max: float
    mean: float
    median: float
    p90: float
    p95: float
    p99: float
    stdev: float
    median_low: float  # 95 % confidence interval of the median
    median_high: float


@dataclass(frozen=True, slots=True)
class QueryPhases:
    """When the phases of each query ran: nanoseconds after that query's start, by query.

    The phases of one query may overlap with the next query's: two are in flight on a GPU.
    """

    enqueue_start_ns: tuple[int, ...]
    enqueue_end_ns: tuple[int, ...]
    h2d_start_ns: tuple[int, ...]
    h2d_end_ns: tuple[int, ...]
    compute_start_ns: tuple[int, ...]
    compute_end_ns: tuple[int, ...]
    d2h_start_ns: tuple[int, ...]
    d2h_end_ns: tuple[int, ...]

    def __repr__(self) -> str:
        return one_line.phases(self)


@dataclass(frozen=True, slots=True)
class BenchmarkRecord:
    """Repeated inferences: trtexec's definitions."""

    latency_ms: Summary  # H2D + compute + D2H of one query
    enqueue_ms: Summary
    h2d_ms: Summary
    compute_ms: Summary
    d2h_ms: Summary
    throughput_qps: float
    iterations: int
    warmup_iterations: int
    wall_seconds: float
    batch: int | None
    samples_ms: tuple[float, ...]  # latency of each query, in order
    starts_ns: tuple[int, ...]  # start of each query after the epoch
    shapes: dict[str, tuple[int, ...]]
    verdicts: tuple[str, ...] = ()
    phases: QueryPhases | None = None
    clock_uncertainty_ns: int = 0  # of device time stamps on the host's monotonic clock

    def __repr__(self) -> str:
        return one_line.benchmark(self)


@dataclass(frozen=True, slots=True)
class Slice:
    """One bar of the timeline."""

    layer: int  # index into Report.layers; −1 for copies, waits and the whole inference
    name: str
    stream: int
    start_ns: int
    duration_ns: int
    category: str = "layer"  # layer, copy, enqueue, inference
    iteration: int = 0

    def __repr__(self) -> str:
        return one_line.time_slice(self)


@dataclass(frozen=True, slots=True)
class Trace:
    """One metric over time."""

    metric: str  # "gpu.sm_clock", "cpu.load" …
    label: str
    unit: str  # MHz, W, °C, %, bytes
    times_ns: tuple[int, ...]
    values: tuple[float, ...]
    limit: float | None = None  # slowdown or power limit where known

    def __repr__(self) -> str:
        return one_line.trace(self)


@dataclass(frozen=True, slots=True)
class ThrottleInterval:
    """A time when the device held its clocks back."""

    start_ns: int
    end_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class TelemetryRecord:
    """What the device's sensors said meanwhile."""

    source: str  # "nvml" or "host"
    interval_ms: float
    traces: tuple[Trace, ...]
    missing: dict[str, str]  # metric: why it is not available
    throttling: tuple[ThrottleInterval, ...] = ()
    verdict: str = ""
    cost_us: float | None = None  # processor time that the sampler spent on one sample
    dropped_samples: int = 0  # oldest samples that no longer fitted into its memory

    def __repr__(self) -> str:
        return one_line.telemetry(self)
