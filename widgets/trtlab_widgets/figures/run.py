"""The run: what the sensors said, and where activations lay."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from trtlab.core.errors import UsageError
from trtlab.report.records import Report, TelemetryRecord
from trtlab_widgets.figures.look import (
    ACCENT,
    BAD,
    WARN,
    Rows,
    Theme,
    axis_look,
    blank,
    family_colour,
)
from trtlab_widgets.pages.text import nbytes


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


def sensors(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """All traces on one time axis, over the times when the device was throttled.

    Raises:
        UsageError: The report has no telemetry.
    """
    telemetry = _telemetry(report)
    shared = blank(telemetry.verdict or "What the sensors said", theme).layout
    number = max(1, len(telemetry.traces))
    figure = make_subplots(rows=number, cols=1, shared_xaxes=True, vertical_spacing=0.02)
    figure.update_layout(shared, height=80 + 110 * number, showlegend=False)
    figure.update_xaxes(axis_look(theme))
    figure.update_yaxes(axis_look(theme))
    for row, trace in enumerate(telemetry.traces, start=1):
        figure.add_scattergl(
            x=[t / 1e9 for t in trace.times_ns],
            y=trace.values,
            name=trace.label,
            line={"color": ACCENT, "width": 1.5},
            row=row,
            col=1,
        )
        figure.update_yaxes(title=f"{trace.label}<br>({trace.unit})", row=row, col=1)
        if trace.limit is not None:
            figure.add_hline(y=trace.limit, line_dash="dash", line_color=BAD, row=row, col=1)  # pyright: ignore[reportArgumentType]
    for interval in telemetry.throttling:
        figure.add_vrect(
            x0=interval.start_ns / 1e9,
            x1=interval.end_ns / 1e9,
            fillcolor=WARN,
            opacity=0.15,
            line_width=0,
        )
    figure.update_xaxes(title="Time (s)", row=number, col=1)
    return figure


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
    saved = memory.unshared_bytes / memory.arena_bytes if memory.arena_bytes else 1.0
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
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title="Layer")
    figure.update_yaxes(title="MiB")
    return figure


def _telemetry(report: Report) -> TelemetryRecord:
    if report.telemetry is None:
        raise UsageError("the report has no telemetry", hint="run with telemetry")
    return report.telemetry
