"""What a caller asks of a session, and what it hears back: frozen, plain values.

A request holds everything that the person chose and nothing that the machine found out, so
that the same request can be repeated, printed as Python and sent to another process.
"""

from dataclasses import dataclass, field
from typing import Literal

from trtlab.core.durations import LONGEST, is_duration
from trtlab.core.errors import UsageError
from trtlab.profiling.progress import counted
from trtlab.report.records import ModelRecord

Extents = tuple[int, ...]
ShapeRange = tuple[Extents, Extents, Extents]  # min, opt, max

DEFAULT_PRECISION = "fp32"
DEFAULT_OPTIMIZATION_LEVEL = 3
DEFAULT_DURATION_S = 3.0
DEFAULT_WARMUP_MS = 200.0
DEFAULT_ITERATIONS = 10


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build.

    Attributes:
        source: Path of an ONNX file, or ``zoo:NAME``.
        device: ``cpu``, ``cuda`` or ``cuda:INDEX``.
        precision: Type that layers may compute in: ``fp32``, ``fp16`` or ``bf16``; ``tf32`` is
            FP32 whose products may be rounded, on GPUs.
        layer_precisions: Layer name → precision, for layers that differ from ``precision``.
        profiles: Input name → smallest, most likely and largest shape; no static inputs.
        max_aux_streams: Streams beside the main one.
        memory_pools_bytes: ``WORKSPACE`` and other pools → limit. A missing pool is unlimited.
        tactic_sources: Names of allowed sources; None allows all.
        optimization_level: TensorRT's 0 (fast build) to 5 (fast engine).
    """

    source: str
    device: str = "cpu"
    precision: str = DEFAULT_PRECISION
    layer_precisions: dict[str, str] = field(default_factory=dict[str, str])
    profiles: dict[str, ShapeRange] = field(default_factory=dict[str, ShapeRange])
    max_aux_streams: int = 0
    memory_pools_bytes: dict[str, int] = field(default_factory=dict[str, int])
    tactic_sources: tuple[str, ...] | None = None
    optimization_level: int = DEFAULT_OPTIMIZATION_LEVEL


@dataclass(frozen=True, slots=True)
class RunRequest:
    """How to measure what was built last.

    Attributes:
        shapes: Input name → shape; missing inputs take the profile's most likely shape.
        duration_s: Least time to measure for.
        warmup_ms: Time to run before measuring.
        iterations: Least number of measured inferences.
        profile_layers: Also time every layer, in inferences of their own.
        telemetry: Record clocks, power, temperature and load meanwhile.
        transfers: Copy inputs and outputs with every inference.
        idle_ms: Pause after each inference.
        cuda_graphs: Replay CUDA graphs, on a GPU, where the model can be captured.
        spin_wait: Poll for a GPU's answer; else the thread sleeps until it comes.

    Raises:
        UsageError: It asks for no inference, or for times that are negative or never end.
    """

    shapes: dict[str, Extents] = field(default_factory=dict[str, Extents])
    duration_s: float = DEFAULT_DURATION_S
    warmup_ms: float = DEFAULT_WARMUP_MS
    iterations: int = DEFAULT_ITERATIONS
    profile_layers: bool = True
    telemetry: bool = True
    transfers: bool = True
    idle_ms: float = 0.0
    cuda_graphs: bool = True
    spin_wait: bool = True

    def __post_init__(self) -> None:
        times = (self.duration_s, self.warmup_ms, self.idle_ms)
        if not (1 <= self.iterations <= LONGEST and all(map(is_duration, times))):
            raise UsageError(
                f"{self.iterations} iterations, a duration of {self.duration_s} s, "
                f"{self.warmup_ms} ms of warm-up and pauses of {self.idle_ms} ms: "
                "nothing can be measured so",
                hint="at least one iteration, and no negative times, inf or nan",
            )


@dataclass(frozen=True, slots=True)
class NetworkLayer:
    """A layer of the imported network, before any pass has rewritten it."""

    name: str
    type: str
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """What is known of a model before it is built.

    Attributes:
        model: The model.
        layers: Its layers as imported.
        profiles: What a build takes for the inputs that the request says nothing of.
    """

    model: ModelRecord
    layers: tuple[NetworkLayer, ...]
    profiles: dict[str, ShapeRange] = field(default_factory=dict[str, ShapeRange])


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a device offers, so that a form offers nothing else.

    Attributes:
        device: The name that `BuildRequest.device` takes.
        label: The name that a person knows, such as the processor's.
        precisions: Precision → whether it is emulated through float32.
        tactic_sources: Names of the sources that this machine has.
        memory_pools: Pools that can be limited.
        streams: Whether layers can run on auxiliary streams.
    """

    device: str
    label: str
    precisions: dict[str, bool]
    tactic_sources: tuple[str, ...] = ()
    memory_pools: tuple[str, ...] = ("WORKSPACE",)
    streams: bool = True


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One step of a job, told from the job's own thread.

    Attributes:
        state: ``running`` until the last event: ``done``, ``failed`` or ``cancelled``.
        phase: What is being done, in words that a person knows.
        done: Steps of the phase that are finished.
        total: Steps of the phase; 0 when unknown.
        message: The layer, tactic or iteration at hand; or what went wrong.
        eta_s: Expected seconds until the phase's end; None when unknown.
        unit: What the steps are; ``%`` when they are a share only.
    """

    state: Literal["running", "done", "failed", "cancelled"]
    phase: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    eta_s: float | None = None
    unit: str = ""

    @property
    def count(self) -> str:
        """``79 %``, or ``12 of 54`` with the unit; empty when the whole is unknown."""
        return counted(self.done, self.total, self.unit)


@dataclass(frozen=True, slots=True)
class TelemetryChunk:
    """New samples of one metric, for live traces.

    Attributes:
        metric: Stable name, such as ``gpu.sm_clock``.
        label: What a person reads.
        unit: MHz, W, °C, %, bytes.
        times_ns: On the monotonic clock, ascending.
        values: One for each time.
        limit: Slowdown or power limit where known.
        missing: Why there is no value now, told once, without samples; empty if there is one.
    """

    metric: str
    label: str
    unit: str
    times_ns: tuple[int, ...]
    values: tuple[float, ...]
    limit: float | None = None
    missing: str = ""
