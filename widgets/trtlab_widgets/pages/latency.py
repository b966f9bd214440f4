"""Latencies as SVG: how they are distributed, and how they went over time."""

from html import escape

from trtlab.report.records import BenchmarkRecord, Report, Summary
from trtlab_widgets.pages.histogram import Beyond, histogram
from trtlab_widgets.pages.markup import element, table, text, twin
from trtlab_widgets.pages.text import plural, time_ms

WIDTH = 560.0  # of the drawing's own units; the page stretches it
HEIGHT = 120.0
_MOST_DOTS = 4000  # more are thinned to the extremes of each stretch


def distribution_svg(benchmark: BenchmarkRecord) -> str:
    """Bars of the latencies with lines at the median and the 99th percentile."""
    found = histogram(benchmark.samples_ms)
    bins, beyond = found.bins, found.beyond
    if not bins:
        return ""
    low, end, most = bins[0][0], bins[-1][1], max(n for _, _, n in bins)
    width = WIDTH / (len(bins) + (_APART + _WIDE if beyond else 0))
    bars = [
        f'<rect x="{i * width + 0.5:.1f}" width="{width - 1:.1f}"'
        f' y="{HEIGHT * (1 - n / most):.1f}" height="{HEIGHT * n / most:.1f}">'
        f"<title>{time_ms(a)} – {time_ms(b)}: {n}</title></rect>"
        for i, (a, b, n) in enumerate(bins)
        if n
    ]
    summary = benchmark.latency_ms
    axis = width * len(bins) / WIDTH  # the part of the width that the axis takes

    def place(value: float) -> float:
        if value > end:
            return 1 - width * _WIDE / 2 / WIDTH
        return (value - low) / ((end - low) or 1.0) * axis

    marks = [("median", place(summary.median)), ("p99", place(summary.p99))]
    said = f"Latencies from {time_ms(low)} to {time_ms(end)}"
    label = f"{said}, median {time_ms(summary.median)}"
    texts = [time_ms(low), time_ms(end)]
    if beyond:
        bars.append(_overflow(beyond, most, width * _WIDE))
        label = f"{label}; {beyond}"
        texts[-1] = f"{time_ms(end)} · {beyond}"
    return _plot(label, "".join(bars), texts, marks)


_APART, _WIDE = 1, 2  # the last bar's distance and width, in widths of a bin
_LEAST = 5.0  # its least height, as a few among thousands would not be seen


def _overflow(beyond: Beyond, most: int, width: float) -> str:
    height = min(HEIGHT, max(_LEAST, HEIGHT * beyond.count / most))
    return (
        f'<rect class="t-beyond" x="{WIDTH - width:.1f}" width="{width - 0.5:.1f}"'
        f' y="{HEIGHT - height:.1f}" height="{height:.1f}"><title>{beyond}</title></rect>'
    )


def _plot(
    label: str, drawing: str, axis: list[str], marks: list[tuple[str, float]] | None = None
) -> str:
    """A drawing that fills its width, with texts beside it so that they keep their size.

    Args:
        label: What the picture says, for those who do not see it.
        drawing: SVG in `WIDTH` × `HEIGHT` units.
        axis: Texts below it, spread evenly.
        marks: Named vertical lines, by their place from 0 to 1.
    """
    svg = (
        f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(label)}">{drawing}</svg>'
    )
    lines = [
        f'<span class="t-mark{" is-left" if place > _MIDDLE else ""}"'
        f' style="left: {place:.2%}; --top: {level * 16}px">{escape(name)}</span>'
        for level, (name, place) in enumerate(marks or [])
    ]
    foot = element("div", *(text("span", each) for each in axis), class_="t-plot-axis")
    kind = "t-plot is-marked" if marks else "t-plot"  # names stand above what is drawn
    return element("div", element("div", svg, *lines, class_=kind), foot)


_MIDDLE = 0.5  # marks right of it have their names on their left


def series_svg(report: Report) -> str:
    """Each query's latency at its start, over the times when the device was throttled."""
    benchmark = report.benchmark
    if benchmark is None or not benchmark.samples_ms:
        return ""
    starts, values = benchmark.starts_ns, benchmark.samples_ms
    first, last = starts[0], max(starts[-1], starts[0] + 1)
    low, high = min(values), max(values)
    span = (high - low) or 1.0

    def x(time_ns: float) -> float:
        return min(WIDTH, max(0.0, (time_ns - first) / (last - first) * (WIDTH - 8) + 4))

    throttled = [
        f'<rect class="t-throttled" x="{x(t.start_ns):.1f}" y="0" height="{HEIGHT}"'
        f' width="{max(1.0, x(t.end_ns) - x(t.start_ns)):.1f}">'
        f"<title>Throttled: {escape(t.reason)}</title></rect>"
        for t in (report.telemetry.throttling if report.telemetry else ())
        if t.end_ns > first and t.start_ns < last
    ]
    dots = "".join(
        f"M{x(starts[i]):.1f} {(HEIGHT - 12) * (1 - (values[i] - low) / span) + 6:.1f}h0"
        for i in _thinned(values)
    )
    label = f"Latency of {plural(len(values), 'query')} over {time_ms((last - first) / 1e6)}"
    axis = ["0", time_ms((last - first) / 2e6), time_ms((last - first) / 1e6)]
    return _plot(label, f'{"".join(throttled)}<path class="t-dots" d="{dots}"/>', axis)


def _thinned(values: tuple[float, ...]) -> list[int]:
    """All positions, or the least and the greatest of each stretch when there are too many."""
    if len(values) <= _MOST_DOTS:
        return list(range(len(values)))
    length = -(-2 * len(values) // _MOST_DOTS)
    chosen: list[int] = []
    for start in range(0, len(values), length):
        stretch = range(start, min(start + length, len(values)))
        chosen += [min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)]
    return chosen


def unsure_ms(report: Report) -> float:
    """Half the interval that an inference's median whole time, which is divided, lies in.

    It is that of the inferences which took turns with the profiled ones, not the benchmark's;
    0 in reports of before it was told.
    """
    return 0.0 if report.single_ms is None else half_ms(report.single_ms)


def half_ms(summary: Summary) -> float:
    """Half the width of the interval that a median is known to lie in."""
    return (summary.median_high - summary.median_low) / 2


def percentile_table(benchmark: BenchmarkRecord) -> str:
    """Every measured quantity with its percentiles, as the pictures' text."""
    head = [
        "",
        *((name, "t-num") for name in ("Median", "Mean", "Min", "p90", "p95", "p99", "Max")),
    ]

    def row(name: str, summary: Summary) -> list[str | tuple[str, str]]:
        values = (
            summary.median,
            summary.mean,
            summary.min,
            summary.p90,
            summary.p95,
            summary.p99,
        )
        return [name, *((time_ms(v), "t-num") for v in (*values, summary.max))]

    rows = [
        row("Latency", benchmark.latency_ms),
        row("Enqueue", benchmark.enqueue_ms),
        row("Copy in", benchmark.h2d_ms),
        row("Compute", benchmark.compute_ms),
        row("Copy out", benchmark.d2h_ms),
    ]
    beyond = histogram(benchmark.samples_ms).beyond
    note = ""
    if beyond:
        end = time_ms(beyond.end_ms)
        note = text("p", f"The picture of latencies ends at {end}: {beyond}.", class_="t-dim")
    return twin(element("div", table(head, rows), class_="t-scroll") + note)
