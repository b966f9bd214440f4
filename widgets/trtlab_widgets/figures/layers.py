"""Layers: time by type, the slowest ones, and all of them against the device's limit."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

import plotly.graph_objects as go

from trtlab.core.errors import UsageError
from trtlab.report.percent import percent
from trtlab.report.records import Report
from trtlab.report.short_name import short_name
from trtlab_widgets.figures.look import WARN, Rows, Theme, blank, family_colour
from trtlab_widgets.metrics import layer_metrics
from trtlab_widgets.pages.text import gflop_rate, plural
from trtlab_widgets.pages.time_parts import type_rows
from trtlab_widgets.palette import FAMILIES, family_index

_HALF = 0.5
_TERA = 1e12  # a device's peak from which on rates are told in TFLOP/s
_LETTERS = 44  # of a layer's name on an axis
_DENSE = 4  # decades of an axis up to which 2 and 5 of each are ticks too
_NEAR = (0.8, 0.3)  # decades to the side, and up, within which words of marks meet
_LINE_PX = 18  # the height of such words

_Mark = tuple[float, float, str]  # FLOP/B and rate as the axes tell them, and what is written


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
        textposition="outside",  # where it has the text's colour, whatever the bar's
        cliponaxis=False,
        orientation="h",
        marker_color=[f.dark if theme == "dark" else f.light for f in families],
    )
    figure.update_yaxes(autorange="reversed")
    longest = max(_number(row, "time_us") for row in rows) / 1e3
    figure.update_xaxes(title="Sum of median times (ms)", range=[0, 1.08 * (longest or 1.0)])
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


def roofline(
    report: Report, *, highlight: Mapping[str, str] | None = None, theme: Theme = "auto"
) -> go.Figure:
    """Layers by arithmetic intensity and rate, under the roof that was measured on the device.

    Args:
        report: With timed layers.
        highlight: Layers by name, with what is written beside their marks.
        theme: Of the page.

    Raises:
        UsageError: No layer was timed, the device's peaks are not known, or a layer that is to
            be highlighted is not in the figure.
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
    places = {str(row["layer"]): row for row in rows}
    over: list[_Mark] = []
    under: list[_Mark] = []
    for name, said in (highlight or {}).items():
        if name not in places:
            raise UsageError(f"the roofline has no layer {name!r}", hint="see roofline_rows")
        x, rate = (_number(places[name], key) for key in ("flop_per_byte", "gflop_per_s"))
        above = rate * 1e9 > min(peak, x * bandwidth)
        (over if above else under).append((x, rate / scale, said))
    _point_at(figure, sorted(over), side=-1)
    _point_at(figure, sorted(under, reverse=True), side=1)
    rates = [_number(row, "gflop_per_s") / scale for row in rows]
    figure.update_xaxes(_log_axis(ends), title="Arithmetic intensity (FLOP/B)")
    figure.update_yaxes(_log_axis([*rates, *roof]), title=unit)
    return figure


def _point_at(figure: go.Figure, marks: Sequence[_Mark], *, side: int) -> None:
    """Rings around marks, and words on one side of the roof: -1 is above it, 1 below.

    Words beside marks that lie close would cover each other: the next ones stand farther out.

    Args:
        figure: To draw in.
        marks: In the order in which longer arrows pass the words of shorter ones.
        side: Which side the words are on.
    """
    for number, (x, y, said) in enumerate(marks):
        near = sum(
            abs(log10(x / other[0])) < _NEAR[0] and abs(log10(y / other[1])) < _NEAR[1]
            for other in marks[:number]
        )
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={"symbol": "circle-open", "size": 15, "color": WARN, "line": {"width": 2}},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_annotation(
            x=log10(x),
            y=log10(y),
            text=said,
            font={"color": WARN},
            arrowcolor=WARN,
            arrowwidth=1,
            showarrow=True,
            standoff=8,
            ax=24 * side,
            ay=(30 + _LINE_PX * near) * side,
            xanchor="right" if side < 0 else "left",
        )


def _log_axis(values: list[float]) -> dict[str, object]:
    """A logarithmic axis around the values, whose ticks are written out.

    Plotly's own between the decades are bare digits: a 5 may be 0.5.
    """
    low, high = log10(min(values)), log10(max(values))
    space = 0.06 * (high - low)
    low, high = low - space, high + space
    steps = (1, 2, 5) if high - low <= _DENSE else (1,)
    ticks = [step * 10.0**decade for decade in range(floor(low), ceil(high)) for step in steps]
    return {
        "type": "log",
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": [f"{tick:,.10g}" for tick in ticks],
    }


def _number(row: dict[str, object], key: str) -> float:
    value = row[key]
    return float(value) if isinstance(value, int | float) else 0.0
