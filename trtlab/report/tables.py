"""A report's tables as pandas frames; pandas is imported on the first call."""

from typing import TYPE_CHECKING

from trtlab.core.errors import UnsupportedError
from trtlab.report import columns
from trtlab.report.columns import TABLES, Columns
from trtlab.report.records import Report

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "TABLES",
    "benchmark_table",
    "contenders_table",
    "latency_parts_table",
    "layers_table",
    "memory_table",
    "passes_table",
    "queries_table",
    "rejections_table",
    "table",
    "telemetry_table",
    "throttling_table",
    "timeline_table",
]


def table(report: Report, name: str) -> "DataFrame":
    """Any table by its name, one of `TABLES`.

    Raises:
        UsageError: There is no such table.
        UnsupportedError: pandas is not installed.
    """
    return _frame(columns.columns(report, name))


def layers_table(report: Report, *, by_time: bool = False) -> "DataFrame":
    """One row a layer, in the engine's order or the slowest first.

    The columns are those of `columns.layers`.

    Raises:
        UnsupportedError: pandas is not installed.
    """
    return _frame(columns.layers(report, by_time=by_time))


def timeline_table(report: Report) -> "DataFrame":
    """One row a slice, in microseconds after the epoch."""
    return _frame(columns.timeline(report))


def telemetry_table(report: Report) -> "DataFrame":
    """One row a reading: metric, label, unit, time_s, value."""
    return _frame(columns.telemetry(report))


def throttling_table(report: Report) -> "DataFrame":
    """One row a time when the device held its clocks back."""
    return _frame(columns.throttling(report))


def memory_table(report: Report) -> "DataFrame":
    """One row a tensor in the activation arena."""
    return _frame(columns.memory(report))


def passes_table(report: Report) -> "DataFrame":
    """One row a pass over the network."""
    return _frame(columns.passes(report))


def rejections_table(report: Report) -> "DataFrame":
    """One row a time that a rule declined."""
    return _frame(columns.rejections(report))


def contenders_table(report: Report) -> "DataFrame":
    """One row a tactic that was considered for a layer."""
    return _frame(columns.contenders(report))


def benchmark_table(report: Report) -> "DataFrame":
    """Latency, enqueue, H2D, compute and D2H by their statistics in milliseconds."""
    return _frame(columns.benchmark(report))


def queries_table(report: Report) -> "DataFrame":
    """One row a query of the benchmark."""
    return _frame(columns.queries(report))


def latency_parts_table(report: Report) -> "DataFrame":
    """One row a part of one inference's latency; they add up to the whole."""
    return _frame(columns.latency_parts(report))


def _frame(table: Columns) -> "DataFrame":
    try:
        from pandas import DataFrame  # noqa: PLC0415  an optional package
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            "tables as data frames need pandas, which is not installed",
            hint='pip install "trtlab[lab]"; trtlab.report.columns has the same without it',
        ) from error
    return DataFrame(table)
