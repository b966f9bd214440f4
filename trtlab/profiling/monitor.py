"""Sensors as rows, one a source and interval, in the manner of ``nvidia-smi dmon``."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from trtlab.core.durations import is_duration
from trtlab.core.errors import CancelledError, UsageError
from trtlab.profiling.query import Clock, never
from trtlab.profiling.telemetry.source import Metric, Source

# metric without its prefix → heading (dmon's where it has one), unit as shown, factor
_HEADINGS = {
    "power": ("pwr", "W", 1.0),
    "power_average": ("pavg", "W", 1.0),
    "temperature": ("temp", "C", 1.0),
    "memory_temperature": ("mtemp", "C", 1.0),
    "sm_clock": ("pclk", "MHz", 1.0),
    "memory_clock": ("mclk", "MHz", 1.0),
    "utilization": ("sm", "%", 1.0),
    "memory_utilization": ("mem", "%", 1.0),
    "memory_used": ("fb", "MB", 1e-6),
    "energy": ("energy", "J", 1.0),
    "performance_state": ("pst", "", 1.0),
    "pcie_generation": ("gen", "", 1.0),
    "pcie_width": ("lanes", "", 1.0),
    "sm_active": ("sma", "%", 1.0),
    "sm_occupancy": ("occ", "%", 1.0),
    "tensor_active": ("tens", "%", 1.0),
    "dram_active": ("dram", "%", 1.0),
    "fp32_active": ("fp32", "%", 1.0),
    "fp16_active": ("fp16", "%", 1.0),
    "pcie_sent": ("txpci", "MB/s", 1e-6),
    "pcie_received": ("rxpci", "MB/s", 1e-6),
    "load": ("cpu", "%", 1.0),
    "process_load": ("proc", "%", 1.0),
    "frequency": ("freq", "MHz", 1.0),
    "rss": ("rss", "MB", 1e-6),
}
_UNIT_WORDS = {"%": "percent", "MB/s": "mb_per_s"}  # in CSV column names
_WIDTH = 6
_SETTLE_S = 0.2  # loads count in 10 ms ticks: over less, they say 0 or 100 %


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the monitor: the same quantity of every source that has it."""

    heading: str
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """What one source said.

    Attributes:
        time_s: Since the first round of rows began.
        device: ``gpu``, ``gpu1``, ``host`` …
        values: By heading, in the column's unit; columns without a fresh value are left out.
        throttled: Why clocks are held back; None when that is not told.
    """

    time_s: float
    device: str
    values: dict[str, float]
    throttled: tuple[str, ...] | None


class Monitor:
    """Reads sources again and again; a context manager that opens and closes them.

    Args:
        sources: What to read.
        interval_ms: From round to round.
        now_ns: The clock.
        sleep: Takes seconds.

    Raises:
        UsageError: The interval is none.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        interval_ms: float = 1000.0,
        *,
        now_ns: Clock = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not (interval_ms > 0 and is_duration(interval_ms)):
            raise UsageError(
                f"sensors cannot be read every {interval_ms} ms",
                hint="give milliseconds above 0, such as 1000; not inf or nan",
            )
        self._sources = tuple(sources)
        self._interval_ns = round(interval_ms * 1e6)
        self._now_ns = now_ns
        self._sleep = sleep

    def __enter__(self) -> Self:
        for source in self._sources:
            source.open()
        return self

    def __exit__(self, *exc: object) -> None:
        for source in self._sources:
            source.close()

    @property
    def missing(self) -> dict[str, str]:
        """What is not shown, and why."""
        return {k: v for source in self._sources for k, v in source.missing.items()}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of all sources, each once."""
        shown = (m for s in self._sources for m in s.metrics if not m.throttle_reason)
        return tuple(dict.fromkeys(_column(metric)[0] for metric in shown))

    def rows(
        self, rounds: int | None = None, cancelled: Callable[[], bool] = never
    ) -> Iterator[Row]:
        """Rows as they come: one for each source with anything to say, every interval.

        The sources are read once before the first row and not shown: loads count since the
        reading before, which would be the program's own start.

        Args:
            rounds: How many intervals; endless when None.
            cancelled: Asked before each round.

        Raises:
            CancelledError: The user stopped it.
        """
        for source in self._sources:
            source.read(thorough=True)
        self._sleep(_SETTLE_S)
        start_ns = self._now_ns()
        done = 0
        while rounds is None or done < rounds:
            due_ns = start_ns + done * self._interval_ns
            self._sleep(max(0, due_ns - self._now_ns()) / 1e9)
            if cancelled():
                raise CancelledError("monitoring was cancelled")
            for source in self._sources:
                row = self._row(source, start_ns)
                if row is not None:
                    yield row
            done += 1

    def _row(self, source: Source, start_ns: int) -> Row | None:
        reading = source.read(thorough=True)
        if not source.metrics:
            return None
        time_s = (self._now_ns() - start_ns) / 1e9
        values: dict[str, float] = {}
        for metric, value in zip(source.metrics, reading.values, strict=True):
            if value is not None and not metric.throttle_reason:
                column, factor = _column(metric)
                values[column.heading] = value * factor
        device = source.metrics[0].name.split(".")[0] if source.name == "nvml" else source.name
        return Row(time_s, device, values, reading.throttled)


def heading_lines(columns: Sequence[Column]) -> list[str]:
    """Two lines: names and units."""
    names = "".join(f" {c.heading:>{_WIDTH}}" for c in columns)
    units = "".join(f" {c.unit or '-':>{_WIDTH}}" for c in columns)
    return [f"# {'device':<6} {'time':>8}{names}  throttled", f"# {'':<6} {'s':>8}{units}"]


def line(row: Row, columns: Sequence[Column]) -> str:
    """A row for a terminal; a dash where there is no value."""
    cells = "".join(f" {_cell(row, column):>{_WIDTH}}" for column in columns)
    reasons = "-" if row.throttled is None else ", ".join(row.throttled) or "no"
    return f"  {row.device:<6} {row.time_s:>8.1f}{cells}  {reasons}"


def csv_header(columns: Sequence[Column]) -> list[str]:
    """Column names of a CSV file, with units."""
    words = [(c.heading, _UNIT_WORDS.get(c.unit, c.unit.lower())) for c in columns]
    names = [f"{heading}_{unit}" if unit else heading for heading, unit in words]
    return ["device", "time_s", *names, "throttled"]


def csv_cells(row: Row, columns: Sequence[Column]) -> list[str]:
    """A row of a CSV file; empty where there is no value."""
    cells = [f"{row.values[c.heading]:g}" if c.heading in row.values else "" for c in columns]
    reasons = "" if row.throttled is None else "; ".join(row.throttled) or "no"
    return [row.device, f"{row.time_s:.3f}", *cells, reasons]


def _column(metric: Metric) -> tuple[Column, float]:
    name = metric.name.split(".", 1)[1]
    heading, unit, factor = _HEADINGS.get(name, (name, metric.unit, 1.0))
    return Column(heading, unit), factor


def _cell(row: Row, column: Column) -> str:
    value = row.values.get(column.heading)
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.1f}"
