"""The records: frozen, plain values, units at the end of each name.

Times of slices and samples are nanoseconds on one monotonic clock (`time.monotonic_ns`),
counted from `Report.epoch_ns`. A missing measurement is None, never zero.
"""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import TYPE_CHECKING, ClassVar

from trtlab.core.errors import UsageError
from trtlab.report import one_line
from trtlab.report.percentile import percentile
from trtlab.report.run_records import BenchmarkRecord as BenchmarkRecord
from trtlab.report.run_records import QueryPhases as QueryPhases
from trtlab.report.run_records import Slice as Slice
from trtlab.report.run_records import Summary as Summary
from trtlab.report.run_records import TelemetryRecord as TelemetryRecord
from trtlab.report.run_records import ThrottleInterval as ThrottleInterval
from trtlab.report.run_records import Trace as Trace

if TYPE_CHECKING:
    from pandas import DataFrame

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A tensor as a layer or binding sees it."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    format: str = "linear"
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The model that was imported."""

    name: str
    source: str  # path, or zoo:NAME
    digest: str  # SHA-256 of the file, hexadecimal
    opset: int
    producer: str
    nodes: int
    parameters: int
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]
    op_counts: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What ran the engine; peaks are measured on it, not taken from a data sheet."""

    kind: str  # "cpu" or "cuda"
    name: str
    cores: int  # threads used, or streaming multiprocessors
    memory_bytes: int
    isa: str = ""  # vector instructions, or compute capability
    driver: str = ""  # a GPU's, as 580.95.05 (before driver_cuda: its CUDA); or the system
    library_versions: dict[str, str] = field(default_factory=dict[str, str])
    peak_flops_per_s: dict[str, float] = field(
        default_factory=dict[str, float]
    )  # by precision
    peak_bytes_per_s: float | None = None
    driver_cuda: str = ""  # the CUDA that the driver serves, such as 13.0


@dataclass(frozen=True, slots=True)
class ConfigRecord:
    """What was asked of the builder."""

    precision: str  # "fp32", "fp16", "bf16", …
    emulated: bool  # computed through float32: shows accuracy, not speed
    flags: tuple[str, ...]
    optimization_level: int
    max_aux_streams: int
    memory_pools_bytes: dict[str, int]
    tactic_sources: tuple[str, ...]
    profiles: tuple[dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]], ...]
    layer_precisions: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class RejectionRecord:
    """Why a rule or tactic declined."""

    subject: str  # layer or rule
    reason: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassRecord:
    """One pass over the network."""

    name: str
    changes: int
    layers_before: int
    layers_after: int
    wall_ms: float
    rejections: tuple[RejectionRecord, ...] = ()

    def __repr__(self) -> str:
        return one_line.one_pass(self)


# How a rejection begins, or ends, when a tactic ran and failed: `builder.proof`, `tactics.contest`.
_FAILURES = ("failed while being ", "faulted while being ", "wrong: ", "wrote ")
_UNWRITTEN = " values unwritten"
_PASSED_OVER = "not timed: "


@dataclass(frozen=True, slots=True)
class ContenderRecord:
    """One tactic that was considered for a layer."""

    tactic: str
    time_us: float | None  # lower quartile of the samples; None when it was not timed
    samples_us: tuple[float, ...] = ()
    workspace_bytes: int = 0
    rejection: str = ""
    from_cache: bool = False

    @property
    def passed_over(self) -> bool:
        """Whether it could have run, and its estimate left it no chance: `tactics.contest`."""
        return self.rejection.startswith(_PASSED_OVER)

    @property
    def refused(self) -> bool:
        """Whether it failed when it was tried or timed; else it did not apply, or lost."""
        return self.rejection.startswith(_FAILURES) or self.rejection.endswith(_UNWRITTEN)

    def __repr__(self) -> str:
        return one_line.contender(self)


@dataclass(frozen=True, slots=True)
class SelectionRecord:
    """All tactics that competed for one layer."""

    layer: str
    chosen: str
    contenders: tuple[ContenderRecord, ...]

    def __repr__(self) -> str:
        return one_line.selection(self)


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What the builder did and how long it took."""

    seconds: float
    phases: dict[str, float]  # seconds by phase, in order
    passes: tuple[PassRecord, ...]
    selections: tuple[SelectionRecord, ...]
    tactics_tried: int  # considered; a contest that several layers share counts once
    tactics_timed: int  # of them, timed in this build
    cache_hits: int  # of them, with a time from the timing cache
    engine_bytes: int
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return one_line.build(self)


@dataclass(frozen=True, slots=True)
class Samples:
    """Repeated measurements of one quantity in microseconds."""

    samples: tuple[float, ...]

    json_derived: ClassVar[tuple[str, ...]] = (
        "median",
    )  # written for readers, never read back

    @property
    def median(self) -> float | None:
        """Median, or None without samples."""
        return median(self.samples) if self.samples else None

    @property
    def mean(self) -> float | None:
        """Arithmetic mean, or None without samples."""
        return fmean(self.samples) if self.samples else None

    @property
    def stdev(self) -> float | None:
        """Standard deviation of the population, or None without samples."""
        return pstdev(self.samples) if self.samples else None

    def percentile(self, percent: float) -> float | None:
        """The percentile in trtexec's definition, or None without samples."""
        return percentile(sorted(self.samples), percent) if self.samples else None

    def __repr__(self) -> str:
        return one_line.samples(self)


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One layer of the engine, with what it cost."""

    index: int
    name: str
    type: str
    origins: tuple[str, ...]  # the model's nodes, "name (OpType)"
    rules: tuple[str, ...]  # rewrite rules that made it
    tactic: str
    precision: str
    stream: int
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]
    time_us: Samples
    flops: int
    bytes: int
    weights_bytes: int = 0
    workspace_bytes: int = 0
    attributes: dict[str, object] = field(default_factory=dict[str, object])
    kernels: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return one_line.layer(self)


@dataclass(frozen=True, slots=True)
class AllocationRecord:
    """One tensor's place in the activation arena."""

    tensor: str
    offset_bytes: int
    size_bytes: int
    first_step: int  # layer index that writes it; −1 for inputs
    last_step: int  # last layer index that reads it (inclusive)


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """Where the engine's memory goes, at the shapes of the run."""

    arena_bytes: int  # activations and the tactics' scratch
    weights_bytes: int
    workspace_bytes: int  # the largest scratch of a layer; it lies in the arena
    io_bytes: int
    peak_process_bytes: int | None
    unshared_bytes: int  # what the activations, scratch left out, would need without reuse
    allocations: tuple[AllocationRecord, ...]
    arena_max_bytes: int | None = None  # at the largest shapes of all profiles; None: not told

    @property
    def without_reuse_bytes(self) -> int:
        """The arena if nothing in it shared memory, with the tactics' scratch as it has."""
        return max(sum(a.size_bytes for a in self.allocations), self.unshared_bytes)

    def __repr__(self) -> str:
        return one_line.memory(self)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one build and run."""

    model: ModelRecord
    device: DeviceRecord
    config: ConfigRecord
    build: BuildRecord
    layers: tuple[LayerRecord, ...]
    benchmark: BenchmarkRecord | None
    timeline: tuple[Slice, ...]
    telemetry: TelemetryRecord | None
    memory: MemoryRecord
    created: str  # ISO 8601 with time zone
    trtlab_version: str
    epoch_ns: int = 0  # monotonic clock at time zero of slices and traces
    reconciliation_ms: dict[str, float] = field(default_factory=dict[str, float])
    warnings: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION
    layers_span_ns: tuple[int, int] | None = None  # when layers were timed, after the epoch
    single_ms: Summary | None = None  # whole time of the plain queries that took turns then

    # The views below import their modules when asked: records stay plain values, and pandas
    # stays optional.

    def layer(self, name: str) -> LayerRecord:
        """The layer of that name, or the one that stands for the model's node of that name.

        Raises:
            UsageError: There is none, or several stand for that node.
        """
        found = [record for record in self.layers if record.name == name]
        found = found or [
            r for r in self.layers if name in {o.split(" (")[0] for o in r.origins}
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"{len(found)} layers of the report stand for {name!r}",
                hint="one of " + ", ".join(record.name for record in found[:8]),
            )
        near = [r.name for r in self.layers if name.lower() in r.name.lower()][:8]
        raise UsageError(
            f"no layer of the report is called {name!r}",
            hint="one of " + ", ".join(near) if near else "list them with report.to_pandas()",
        )

    def to_pandas(self, table: str = "layers") -> "DataFrame":
        """One table of the report as a data frame; `tables.TABLES` lists the names.

        Raises:
            UsageError: There is no such table.
            UnsupportedError: pandas is not installed.
        """
        from trtlab.report.tables import table as frame  # noqa: PLC0415

        return frame(self, table)

    def save(self, path: Path | str) -> Path:
        """Write the report: ``run.json`` and ``run.json.gz`` can be loaded, ``run.html`` is a page.

        Raises:
            UsageError: The name has another ending, or the file cannot be written.
        """
        from trtlab.report.saving import save_by_name  # noqa: PLC0415

        return save_by_name(self, path)

    @classmethod
    def load(cls, path: Path | str) -> "Report":
        """Read a report that `save` wrote; see `codec.load`.

        Raises:
            UsageError: The file cannot be read.
            EngineFormatError: It is damaged, foreign or of a newer version.
        """
        from trtlab.report.codec import load  # noqa: PLC0415

        return load(path)

    def __repr__(self) -> str:  # the fields would be half a megabyte in a notebook's file
        run = self.benchmark
        took = "not run" if run is None else f"{run.latency_ms.median:.3f} ms"
        about = f"{self.model.name!r}, {self.device.kind}, {self.config.precision}"
        return f"Report({about}, {len(self.layers)} layers, {took})"

    def _repr_html_(self) -> str:
        from trtlab.report.html import summary_html  # noqa: PLC0415

        return summary_html(self)
