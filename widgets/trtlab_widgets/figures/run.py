"""The run: what the sensors said, and where activations lay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from trtlab.core.errors import UsageError
from trtlab.report.records import Report, TelemetryRecord, Trace
from trtlab_widgets.figures.look import (
    ACCENT,
    BAD,
    WARN,
    Rows,
    Theme,
    axis_look,
    blank,
    family_colour,
    figure_of,
)
from trtlab_widgets.pages.text import nbytes

_ROW_PX, _APART_PX, _NAME_PX = 132, 34, 16  # a row, the space above it, the first one's name
_MANY = 5000  # points of a row
_BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "bytes"))


def sensors_rows(report: Report) -> Rows:
    """One row a sample: metric, seconds, value, unit.

    Raises:
        UsageError: The report has no telemetry.
    """
    return [
        {"metric": trace.metric, "time_s": t / 1e9, "value": value, "unit": trace.unit}
        for trace in _telemetry(report).traces
        for t, value in zip(trace.times_ns, trace.values, strict=True)
    ]


def sensors(
    report: Report | TelemetryRecord,
    metrics: Sequence[str] | None = None,
    *,
    latency: bool = False,
    title: str = "",
    theme: Theme = "auto",
) -> go.Figure:
    """Traces on one time axis, a row each, over the times when the device was throttled.

    Args:
        report: A report, or what a sampler recorded.
        metrics: Which traces, in this order; all by default.
        latency: Each query's latency at its start in a row above them, as a report tells it.
        title: The figure's message; what the sensors say of the clocks by default.
        theme: Of the page around it.

    Raises:
        UsageError: The report has no telemetry or no such metric, or no benchmark to draw.
    """
    telemetry = _telemetry(report)
    rows = [_sensor_row(trace) for trace in _chosen(telemetry, metrics)]
    if latency:
        rows.insert(0, _latency_row(report))
    # plotly makes the parts of a layout at run time: types cannot tell them.
    shared: Any = blank(title or telemetry.verdict or "What the sensors said", theme).layout
    figure = make_subplots(
        rows=max(1, len(rows)),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=_APART_PX / (_ROW_PX * max(1, len(rows))),
        subplot_titles=[row.title for row in rows],
        figure=figure_of(theme)(),
    )
    layout: Any = figure.layout
    names = layout.annotations  # of the rows, above each
    figure.update_layout(shared, showlegend=False)
    figure.update_layout(
        height=shared.margin.t + shared.margin.b + _ROW_PX * max(1, len(rows)),
        margin_t=shared.margin.t + _NAME_PX,
        annotations=names,
    )
    figure.update_annotations(x=0, xanchor="left", font_size=12)
    for number, row in enumerate(rows, start=1):
        _draw(figure, row, number)
    figure.update_xaxes(axis_look(theme))
    figure.update_yaxes(axis_look(theme), nticks=4)
    for interval in telemetry.throttling:
        figure.add_vrect(
            x0=interval.start_ns / 1e9,
            x1=interval.end_ns / 1e9,
            fillcolor=WARN,
            opacity=0.15,
            line_width=0,
            layer="below",
        )
    figure.update_xaxes(title="Time (s)", row=max(1, len(rows)), col=1)
    return figure


@dataclass(frozen=True, slots=True)
class _Row:
    title: str
    x: list[float]  # seconds
    y: list[float]
    mode: str = "lines"
    limit: float | None = None
    from_zero: bool = False


def _draw(figure: go.Figure, row: _Row, number: int) -> None:
    # Drawings of many points are WebGL's; few are better as lines, which every page can show.
    scatter = figure.add_scattergl if len(row.x) > _MANY else figure.add_scatter
    look = {"marker": {"color": ACCENT, "size": 4}}
    if row.mode == "lines":
        look = {"line": {"color": ACCENT, "width": 1.5}}
    scatter(x=row.x, y=row.y, mode=row.mode, name=row.title, row=number, col=1, **look)
    if row.from_zero:
        figure.update_yaxes(rangemode="tozero", row=number, col=1)
    if row.limit is not None:
        figure.add_hline(
            y=row.limit,
            line_dash="dash",
            line_color=BAD,
            row=number,  # pyright: ignore[reportArgumentType]
            col=1,  # pyright: ignore[reportArgumentType]
        )


def _sensor_row(trace: Trace) -> _Row:
    """A trace as it is drawn: bytes in the unit that fits the largest."""
    unit, scale = trace.unit, 1.0
    if unit.startswith("bytes"):  # or bytes/s
        largest = max(trace.values, default=0.0)
        scale, prefixed = next((s, u) for s, u in _BYTES if largest >= s or s == 1.0)
        unit = unit.replace("bytes", prefixed)
    limit = None if trace.limit is None else trace.limit / scale
    title = f"{trace.label}, {unit}" if unit else trace.label
    values = [value / scale for value in trace.values]
    times = [t / 1e9 for t in trace.times_ns]
    return _Row(title, times, values, limit=limit, from_zero=unit == "%")


def _latency_row(report: Report | TelemetryRecord) -> _Row:
    run = report.benchmark if isinstance(report, Report) else None
    if run is None:
        raise UsageError("there is no benchmark to draw", hint="run the engine first")
    starts = [t / 1e9 for t in run.starts_ns]
    return _Row("Latency of each query, ms", starts, list(run.samples_ms), "markers")


def _chosen(telemetry: TelemetryRecord, metrics: Sequence[str] | None) -> list[Trace]:
    if metrics is None:
        return list(telemetry.traces)
    known = {trace.metric: trace for trace in telemetry.traces}
    unknown = [metric for metric in metrics if metric not in known]
    if unknown:
        raise UsageError(
            f"no trace of {unknown[0]!r} was recorded", hint="one of " + ", ".join(known)
        )
    return [known[metric] for metric in metrics]


def memory_plan_rows(report: Report) -> Rows:
    """One row a tensor of the arena: offset, size, first and last layer."""
    return [
        {
            "tensor": a.tensor,
            "offset_bytes": a.offset_bytes,
            "size_bytes": a.size_bytes,
            "first_layer": a.first_step,
            "last_layer": a.last_step,
        }
        for a in report.memory.allocations
    ]


def memory_plan(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """Each tensor a rectangle: its lifetime across, its place in the arena upwards."""
    memory = report.memory
    kinds = {t.name: layer.type for layer in report.layers for t in layer.outputs}
    saved = memory.without_reuse_bytes / memory.arena_bytes if memory.arena_bytes else 1.0
    message = (
        f"The arena takes {nbytes(memory.arena_bytes)}, {saved:.1f}× less than without reuse"
    )
    figure = blank(message, theme, height=360)
    figure.add_bar(
        x=[a.last_step + 1 - max(0, a.first_step) for a in memory.allocations],
        base=[max(0, a.first_step) for a in memory.allocations],
        y=[(a.offset_bytes + a.size_bytes / 2) / 2**20 for a in memory.allocations],
        width=[a.size_bytes / 2**20 for a in memory.allocations],
        orientation="h",
        text=[a.tensor for a in memory.allocations],
        textposition="none",
        marker_color=[
            family_colour(kinds.get(a.tensor, ""), theme) for a in memory.allocations
        ],
        marker_line={"color": "rgba(255, 255, 255, 0.6)", "width": 1},
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title="Layer")
    figure.update_yaxes(title="MiB")
    return figure


def _telemetry(report: Report | TelemetryRecord) -> TelemetryRecord:
    if isinstance(report, TelemetryRecord):
        return report
    if report.telemetry is None:
        raise UsageError("the report has no telemetry", hint="run with telemetry")
    return report.telemetry
