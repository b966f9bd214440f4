"""Layers: time by type, the slowest ones, and all of them against the device's limit."""

import plotly.graph_objects as go

from trtlab.core.errors import UsageError
from trtlab.report.percent import percent
from trtlab.report.records import Report
from trtlab.report.short_name import short_name
from trtlab_widgets.figures.look import Rows, Theme, blank, family_colour
from trtlab_widgets.metrics import layer_metrics
from trtlab_widgets.pages.text import gflop_rate, plural
from trtlab_widgets.pages.time_parts import type_rows
from trtlab_widgets.palette import FAMILIES, family_index

_HALF = 0.5
_TERA = 1e12  # a device's peak from which on rates are told in TFLOP/s
_LETTERS = 44  # of a layer's name on an axis


def time_by_type_rows(report: Report) -> Rows:
    """One row a family of layer types: layers, microseconds and share, the slowest first."""
    rows = type_rows(report)
    total = sum(time for *_, time in rows) or 1.0
    return [
        {"type": FAMILIES[f].label, "layers": n, "time_us": time, "share": time / total}
        for f, n, time in rows
    ]


def time_by_type(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """Bars: how the layers' time divides among layer types."""
    rows = time_by_type_rows(report)
    message = (
        f"{rows[0]['type']} takes {percent(_number(rows[0], 'share'))} of the layers' time"
    )
    figure = blank(message, theme, height=60 + 34 * len(rows) + 44)
    families = [FAMILIES[family] for family, *_ in type_rows(report)]
    figure.add_bar(
        x=[_number(row, "time_us") / 1e3 for row in rows],
        y=[row["type"] for row in rows],
        text=[percent(_number(row, "share")) for row in rows],
        orientation="h",
        marker_color=[f.dark if theme == "dark" else f.light for f in families],
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="Sum of median times (ms)")
    return figure


def slowest_layers_rows(report: Report, top: int = 20) -> Rows:
    """One row a layer, the slowest first: time, its share, and the share of the limit."""
    pairs = zip(report.layers, layer_metrics(report), strict=True)
    timed = [(layer, m) for layer, m in pairs if m.time_us is not None]
    timed.sort(key=lambda pair: -(pair[1].time_us or 0.0))
    return [
        {
            "layer": layer.name,
            "type": layer.type,
            "tactic": layer.tactic,
            "time_us": m.time_us,
            "share": m.share,
            "of_limit": m.attained,
        }
        for layer, m in timed[:top]
    ]


def slowest_layers(report: Report, top: int = 20, *, theme: Theme = "auto") -> go.Figure:
    """Bars of the slowest layers.

    Raises:
        UsageError: No layer was timed.
    """
    rows = slowest_layers_rows(report, top)
    if not rows:
        raise UsageError("no layer was timed", hint="run with layer profiling")
    share = sum(_number(row, "share") for row in rows)
    message = f"The {plural(len(rows), 'slowest layer')} take {percent(share)} of the time"
    figure = blank(message, theme, height=90 + 20 * len(rows))
    figure.add_bar(
        x=[row["time_us"] for row in rows],
        y=[row["layer"] for row in rows],
        orientation="h",
        marker_color=[family_colour(str(row["type"]), theme) for row in rows],
        hovertemplate="%{y}: %{x:.1f} µs<extra></extra>",
    )
    names = [str(row["layer"]) for row in rows]
    short = [short_name(name, _LETTERS) for name in names]
    figure.update_yaxes(autorange="reversed", tickvals=names, ticktext=short)
    figure.update_xaxes(title="Median time (µs)")
    return figure


def roofline_rows(report: Report) -> Rows:
    """One row a layer that computes: FLOP/B, GFLOP/s, share of the limit, its bound."""
    pairs = zip(report.layers, layer_metrics(report), strict=True)
    return [
        {
            "layer": layer.name,
            "type": layer.type,
            "flop_per_byte": m.intensity,
            "gflop_per_s": m.gflop_per_s,
            "of_limit": m.attained,
            "bound": m.bound,
        }
        for layer, m in pairs
        if m.gflop_per_s and m.intensity
    ]


def roofline(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """Layers by arithmetic intensity and rate, under the roof that was measured on the device.

    Raises:
        UsageError: No layer was timed, or the device's peaks are not known.
    """
    rows = roofline_rows(report)
    peak = report.device.peak_flops_per_s.get(report.config.precision)
    bandwidth = report.device.peak_bytes_per_s
    if not rows or not peak or not bandwidth:
        raise UsageError(
            "a roofline needs timed layers and measured peaks",
            hint="run with layer profiling on a device whose peaks were measured",
        )
    below = sum(
        (row["of_limit"] is not None and _number(row, "of_limit") < _HALF) for row in rows
    )
    message = f"{plural(below, 'layer')} of {len(rows):,} run below half of the device's limit"
    figure = blank(message, theme, height=400)
    ridge = peak / bandwidth
    low = min(_number(row, "flop_per_byte") for row in rows)
    high = max(_number(row, "flop_per_byte") for row in rows)
    ends = [min(low, ridge / 8), ridge, max(high, ridge * 8)]
    unit, scale = ("TFLOP/s", 1e3) if peak >= _TERA else ("GFLOP/s", 1.0)
    roof = [min(peak, x * bandwidth) / 1e9 / scale for x in ends]
    figure.add_scatter(
        x=ends, y=roof, mode="lines", name="measured limit", line_color="#8a919c"
    )
    for family in sorted({family_index(str(row["type"])) for row in rows}):
        chosen = [row for row in rows if family_index(str(row["type"])) == family]
        each = FAMILIES[family]
        figure.add_scatter(
            x=[row["flop_per_byte"] for row in chosen],
            y=[_number(row, "gflop_per_s") / scale for row in chosen],
            text=[row["layer"] for row in chosen],
            customdata=[gflop_rate(_number(row, "gflop_per_s")) for row in chosen],
            mode="markers",
            name=each.label,
            marker={"color": each.dark if theme == "dark" else each.light, "size": 8},
            hovertemplate="%{text}<br>%{customdata} at %{x:.3g} FLOP/B<extra></extra>",
        )
    figure.update_xaxes(type="log", title="Arithmetic intensity (FLOP/B)")
    figure.update_yaxes(type="log", title=unit)
    return figure


def _number(row: dict[str, object], key: str) -> float:
    value = row[key]
    return float(value) if isinstance(value, int | float) else 0.0
