"""Latencies: how they are distributed, how they went over time, and what they are made of."""

from itertools import accumulate

import plotly.graph_objects as go

from trtlab.core.errors import UsageError
from trtlab.report.records import BenchmarkRecord, Report
from trtlab_widgets.figures.look import BAD, WARN, Rows, Theme, axis_look, blank
from trtlab_widgets.figures.parts import bar_look, links, part_ink
from trtlab_widgets.pages.histogram import histogram
from trtlab_widgets.pages.latency import unsure_ms
from trtlab_widgets.pages.text import plural, time_ms, unexplained
from trtlab_widgets.pages.time_parts import REST, part_name
from trtlab_widgets.palette import WHOLE, part_of

_OUTLIER = 1.2  # times the median
_TOTAL = "end to end"


def _benchmark(report: Report) -> BenchmarkRecord:
    if report.benchmark is None:
        raise UsageError("the report has no benchmark", hint="run the engine first")
    return report.benchmark


def latency_distribution_rows(report: Report) -> Rows:
    """One row a bin: from and to in milliseconds, and the number of queries.

    Where a few queries took far longer, one wider bin at the end holds them.
    """
    found = histogram(_benchmark(report).samples_ms)
    bins = list(found.bins)
    if found.beyond:
        bins.append((found.beyond.end_ms, found.beyond.largest_ms, found.beyond.count))
    return [{"from_ms": low, "to_ms": high, "queries": n} for low, high, n in bins]


def latency_distribution(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """Histogram of the latencies with median and 99th percentile.

    A few queries that took far longer are one bar apart, which says how many and how long.

    Raises:
        UsageError: The report has no benchmark.
    """
    benchmark = _benchmark(report)
    found = histogram(benchmark.samples_ms)
    bins, beyond = found.bins, found.beyond
    summary = benchmark.latency_ms
    interval = f"{time_ms(summary.median_low)} to {time_ms(summary.median_high)}"
    figure = blank(
        f"Median latency {time_ms(summary.median)} (95 % sure: {interval})", theme, height=280
    )
    centres = [(low + high) / 2 for low, high, _ in bins]
    figure.add_bar(x=centres, y=[n for *_, n in bins], marker_color=part_ink(WHOLE, theme))
    last = bins[-1][1] if bins else 0.0
    if beyond:
        last += 2 * (bins[0][1] - bins[0][0])
        figure.add_bar(x=[last], y=[beyond.count], marker_color=WARN, name="beyond")
        figure.add_annotation(
            x=last,
            y=beyond.count,
            text=str(beyond),
            xanchor="right",
            showarrow=False,
            yshift=10,
        )
    for name, value in (("median", summary.median), ("p99", summary.p99)):
        figure.add_vline(x=min(value, last), line_dash="dot", annotation_text=name)
    figure.update_xaxes(title="Latency (ms)")
    figure.update_layout(showlegend=False)
    most = max((n for *_, n in bins), default=1)
    room = 1.12  # for the names of the marks, above the bars
    figure.update_yaxes(title="Queries", range=[0, room * most])
    return figure


def latency_over_time_rows(report: Report) -> Rows:
    """One row a query: start in seconds, latency in milliseconds, outlier or not."""
    benchmark = _benchmark(report)
    limit = benchmark.latency_ms.median * _OUTLIER
    pairs = zip(benchmark.starts_ns, benchmark.samples_ms, strict=True)
    return [{"start_s": t / 1e9, "latency_ms": v, "outlier": v > limit} for t, v in pairs]


def latency_over_time(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """Each query's latency at its start, over the times when the device was throttled.

    Raises:
        UsageError: The report has no benchmark.
    """
    rows = latency_over_time_rows(report)
    outliers = sum(bool(row["outlier"]) for row in rows)
    message = (
        f"{plural(outliers, 'query')} of {len(rows):,} took over 20 % longer than the median"
    )
    figure = blank(message, theme, height=280)
    for outlier, name, colour in (
        (False, "query", part_ink(WHOLE, theme)),
        (True, "outlier", BAD),
    ):
        chosen = [row for row in rows if row["outlier"] is outlier]
        figure.add_scattergl(
            x=[row["start_s"] for row in chosen],
            y=[row["latency_ms"] for row in chosen],
            mode="markers",
            name=name,
            marker={"color": colour, "size": 5, "symbol": "x" if outlier else "circle"},
        )
    for interval in report.telemetry.throttling if report.telemetry else ():
        figure.add_vrect(
            x0=interval.start_ns / 1e9,
            x1=interval.end_ns / 1e9,
            fillcolor=WARN,
            opacity=0.15,
            line_width=0,
            layer="below",
            annotation_text=f"Throttled: {interval.reason}",
        )
    figure.update_xaxes(title="Start (s)")
    figure.update_yaxes(title="Latency (ms)")
    return figure


def latency_parts_rows(report: Report) -> Rows:
    """One row a part of one inference's latency, in milliseconds."""
    return [{"part": name, "ms": value} for name, value in report.reconciliation_ms.items()]


def _lines(name: str) -> str:
    """A bar's name in lines that are no wider than the bar."""
    for before in (" (", " or ", " of "):
        name = name.replace(before, f"<br>{before[1:]}")
    return name


def latency_parts(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """Waterfall of the parts that add up to the measured latency.

    Raises:
        UsageError: The report has no reconciliation.
    """
    rows = latency_parts_rows(report)
    if not rows:
        raise UsageError("the latency was not reconciled", hint="run with layer profiling")
    total = sum(report.reconciliation_ms.values())
    rest = report.reconciliation_ms.get(REST, 0.0)
    message = unexplained(rest, total, unsure_ms(report))
    shown = [(part_name(name, v), v) for name, v in report.reconciliation_ms.items()]
    names = [_lines(name) for name, _ in shown]
    figure = blank(message[:1].upper() + message[1:], theme, height=300)
    values = [value for _, value in shown]
    levels = [*accumulate(values)]
    times = [*map(time_ms, values), time_ms(total)]
    said = [*(name for name, _ in shown), _TOTAL]
    look = bar_look([*map(part_of, report.reconciliation_ms), WHOLE], theme)
    figure.add_bar(
        x=[*names, _TOTAL],
        y=[*values, total],
        base=[0.0, *levels[:-1], 0.0],
        text=times,
        textposition="outside",
        hovertext=[f"{name}: {time}" for name, time in zip(said, times, strict=True)],
        hoverinfo="text",
        cliponaxis=False,
        marker=look,
    )
    figure.update_layout(shapes=links(levels, str(axis_look(theme)["linecolor"])))
    highest = max(total, *levels)
    figure.update_xaxes(tickangle=0)
    figure.update_yaxes(title="Milliseconds", range=[0, 1.15 * highest])
    return figure
