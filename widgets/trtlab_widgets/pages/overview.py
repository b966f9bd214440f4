"""What a run amounts to: verdict, key figures, time by layer type, and what adds up."""

from html import escape

from trtlab.report.conditions import clock_mhz
from trtlab.report.percent import percent
from trtlab.report.records import BenchmarkRecord, Report
from trtlab.report.short_name import short_name
from trtlab.report.which_run import BENCHMARK, PROFILED, WHY
from trtlab_widgets.metrics import layer_metrics
from trtlab_widgets.pages.latency import (
    distribution_svg,
    percentile_table,
    series_svg,
    unsure_ms,
)
from trtlab_widgets.pages.markup import (
    STEPS,
    element,
    panel,
    stacked_bar,
    swatch,
    table,
    text,
    twin,
)
from trtlab_widgets.pages.text import (
    count,
    digits,
    nbytes,
    plural,
    time_ms,
    time_us,
    unexplained,
)
from trtlab_widgets.palette import FAMILIES, family_index
from trtlab_widgets.verdict import clock_verdict

# Name, value, note, the run that it was measured in, and the note in full where it is shortened.
Card = tuple[str, str, str, str] | tuple[str, str, str, str, str]
_LETTERS = 36  # of a layer's name in a card

_SURE = 0.025  # trtexec warns above this coefficient of variation
_REST = "unexplained"
_OVERLAP = "overlap"  # what the rest is called when it is below zero


def overview_page(report: Report) -> str:
    """The whole overview as HTML, ready to stand inside an element of class ``trtl``."""
    pair = element("div", time_by_type(report), reconciliation(report), class_="t-pair")
    parts = [title(report), verdict(report), cards(report), pair]
    if report.benchmark is not None:
        parts.append(_latency(report, report.benchmark))
    return element("div", *parts, class_="t-page")


def title(report: Report) -> str:
    """The model, and everything a number depends on."""
    model, config = report.model, report.config
    emulated = " (emulated: shows accuracy, not speed)" if config.emulated else ""
    facts = [
        report.device.name,
        f"{config.precision}{emulated}",
        plural(len(report.layers), "layer") + f" from {plural(model.nodes, 'node')}",
        f"{count(model.parameters)} parameters",
        f"opset {model.opset}",
    ]
    if report.benchmark is not None:
        facts.append(_shapes(report.benchmark))
    clock = clock_mhz(report)
    if clock is not None:
        facts.append(f"{clock:,.0f} MHz")
    facts.append(report.created[:10])
    line = element("p", " · ".join(text("span", fact) for fact in facts), class_="t-dim")
    return element(
        "header", element("h1", escape(model.name), title=model.name), line, class_="t-title"
    )


def _shapes(benchmark: BenchmarkRecord) -> str:
    return ", ".join(
        f"{name} {'×'.join(map(str, shape))}" for name, shape in benchmark.shapes.items()
    )


def verdict(report: Report) -> str:
    """Whether the numbers can be trusted, in words; worst news first."""
    lines = _verdict_lines(report)
    items = [
        element("li", text("b", sign, f"t-sign is-{state}"), text("span", line))
        for state, sign, line in lines
    ]
    return element("ul", *items, class_="t-verdict", aria_label="Verdict")


def _verdict_lines(report: Report) -> list[tuple[str, str, str]]:
    lines: list[tuple[str, str, str]] = []
    benchmark = report.benchmark
    if report.telemetry is not None:
        clocks = clock_verdict(report.telemetry)
        lines.append((clocks.state, clocks.sign, clocks.sentence))
    if benchmark is not None:
        lines += [("warn", "Note", line) for line in benchmark.verdicts]
        spread = benchmark.compute_ms.stdev / benchmark.compute_ms.mean
        if not benchmark.verdicts and spread <= _SURE:
            lines.append(("good", "Stable", f"Compute time varies by {percent(spread)}."))
    else:
        lines.append(("plain", "Not run", "Built, but not measured yet."))
    lines += [("plain", "Note", line) for line in report.warnings]
    return lines


def cards(report: Report) -> str:
    """The key figures."""
    timed = report.build.tactics_timed
    found = [*_run_cards(report.benchmark), _memory_card(report), _top_card(report)]
    found.append(
        (
            "Build",
            f"{digits(report.build.seconds)} s",
            f"{plural(timed, 'tactic')} timed, {report.build.cache_hits} from the cache",
            "",
        )
    )
    return element("dl", *(_card(*card) for card in found), class_="t-cards")


def _card(name: str, value: str, note: str, run: str, full: str = "") -> str:
    whole = element("small", escape(note), title=full or note)  # may be cut off where narrow
    source = element("small", escape(run), title=f"{run.capitalize()}. {WHY}") if run else ""
    return element("div", text("dt", name), text("dd", value), whole, source)


def _run_cards(benchmark: BenchmarkRecord | None) -> list[Card]:
    if benchmark is None:
        return [
            ("Median latency", "–", "Run to measure", ""),
            ("Throughput", "–", "Run to measure", ""),
        ]
    latency = benchmark.latency_ms
    half = (latency.median_high - latency.median_low) / 2
    batch = f"batch {benchmark.batch}, " if benchmark.batch is not None else ""
    return [
        (
            "Median latency",
            time_ms(latency.median),
            f"± {time_ms(half)} (95 %), p99 {time_ms(latency.p99)}",
            BENCHMARK,
        ),
        (
            "Throughput",
            f"{digits(benchmark.throughput_qps)} /s",
            f"{batch}{plural(benchmark.iterations, 'query')}",
            BENCHMARK,
        ),
    ]


def _memory_card(report: Report) -> Card:
    memory = report.memory
    total = (
        memory.arena_bytes + memory.weights_bytes + memory.workspace_bytes + memory.io_bytes
    )
    note = f"weights {nbytes(memory.weights_bytes)}, activations {nbytes(memory.arena_bytes)}"
    return ("Memory", nbytes(total), note, "")


def _top_card(report: Report) -> Card:
    pairs = zip(report.layers, layer_metrics(report), strict=True)
    timed = [(layer, m) for layer, m in pairs if m.time_us is not None]
    if not timed:
        return ("Slowest layer", "–", "Run with layer profiling", "")
    layer, metrics = max(timed, key=lambda pair: pair[1].time_us or 0.0)
    return (
        "Slowest layer",
        percent(metrics.share),
        f"{time_us(metrics.time_us)}, {short_name(layer.name, _LETTERS)}",
        PROFILED,
        f"{time_us(metrics.time_us)}, {layer.name}",
    )


def type_rows(report: Report) -> list[tuple[int, int, float]]:
    """Family index, number of layers and sum of median microseconds, by falling time."""
    totals: dict[int, tuple[int, float]] = {}
    for layer in report.layers:
        family = family_index(layer.type)
        number, time = totals.get(family, (0, 0.0))
        totals[family] = (number + 1, time + (layer.time_us.median or 0.0))
    rows = [(family, number, time) for family, (number, time) in totals.items()]
    return sorted(rows, key=lambda row: (-row[2], -row[1]))


def time_by_type(report: Report) -> str:
    """One bar: how the layers' time divides among layer types."""
    rows = type_rows(report)
    total = sum(time for _, _, time in rows)
    sizes = [time if total else float(number) for _, number, time in rows]
    parts = [
        (FAMILIES[family].label, size, FAMILIES[family].key)
        for (family, _, _), size in zip(rows, sizes, strict=True)
    ]
    whole = sum(sizes) or 1.0
    top = (
        f"{parts[0][0]} takes {percent(sizes[0] / whole)} of the layers' time" if parts else ""
    )
    message = top if total else "nothing was timed yet"
    legend = [
        element(
            "li",
            swatch(FAMILIES[family].key),
            text("span", FAMILIES[family].label),
            text("b", time_us(time) if total else plural(number, "layer")),
            text("span", percent(size / whole), "t-dim"),
            text("span", plural(number, "layer") if total else "", "t-dim"),
        )
        for (family, number, time), size in zip(rows, sizes, strict=True)
    ]
    bar = stacked_bar(parts, message)
    name = "Time by layer type" if total else "Layers by type"
    foot = _source(PROFILED) if total else ""
    return panel(name, message, bar, element("ul", *legend, class_="t-legend is-wide"), foot)


def _source(sentence: str) -> str:
    """Which run a panel's times come from."""
    return element("p", escape(sentence.capitalize()), class_="t-dim", title=WHY)


def _latency(report: Report, benchmark: BenchmarkRecord) -> str:
    latency = benchmark.latency_ms
    outliers = sum(v > latency.median * 1.2 for v in benchmark.samples_ms)
    total = f"{len(benchmark.samples_ms):,}"
    message = (
        f"{plural(outliers, 'query')} of {total} took over 20 % longer than the median"
        if outliers
        else f"every query stayed within 20 % of the median of {time_ms(latency.median)}"
    )
    figures = element(
        "div",
        element("figure", text("figcaption", "Distribution"), distribution_svg(benchmark)),
        element("figure", text("figcaption", _over_time(benchmark)), series_svg(report)),
        class_="t-figures",
    )
    foot = _source(BENCHMARK)
    return panel("Latency", message, figures, foot, percentile_table(benchmark))


def _over_time(benchmark: BenchmarkRecord) -> str:
    """The picture's height in words, as it has no axis there."""
    samples = benchmark.samples_ms
    if not samples:
        return "Over time"
    return f"Over time, from {time_ms(min(samples))} at the bottom to {time_ms(max(samples))}"


def _overlap(rest_ms: float, total_ms: float) -> str:
    """The legend's line for parts that exceed the latency because they were timed apart."""
    return element(
        "li",
        element("span", class_="t-swatch"),  # without a colour
        text("span", _OVERLAP.capitalize()),
        text("b", time_ms(rest_ms)),
        text("span", percent(rest_ms / total_ms if total_ms else None), "t-dim"),
        title="The parts were timed in inferences of their own and add up to this much more",
    )


def reconciliation(report: Report) -> str:
    """The parts that add up to the measured latency, with the unexplained rest shown."""
    parts = list(report.reconciliation_ms.items())
    if not parts:
        return ""
    total = sum(value for _, value in parts)
    rest = report.reconciliation_ms.get(_REST, 0.0)
    message = unexplained(rest, total, unsure_ms(report))
    # The largest part is the strongest; what nobody can explain is the palest.
    order = sorted((name for name, _ in parts if name != _REST), key=lambda n: -dict(parts)[n])
    shades = {name: f"step-{min(place, STEPS - 2)}" for place, name in enumerate(order)}
    coloured = [(name, value, shades.get(name, f"step-{STEPS - 1}")) for name, value in parts]
    legend = [
        element(
            "li",
            swatch(colour),
            text("span", name.capitalize()),
            text("b", time_ms(value)),
            text("span", percent(value / total if total else None), "t-dim"),
        )
        for name, value, colour in coloured
        if name != _REST or rest >= 0
    ]
    if rest < -unsure_ms(report):  # nothing that takes time: no colour, and no part of the bar
        legend.append(_overlap(rest, total))
    rows = [
        (_OVERLAP if name == _REST and value < 0 else name, (time_ms(value), "t-num"))
        for name, value in parts
    ]
    return panel(
        "Where one inference's time goes",
        message,
        stacked_bar(coloured, message),
        element("ul", *legend, class_="t-legend"),
        _source(f"layers and gaps: {PROFILED}; all else: without"),
        twin(table(["Part", ("Time", "t-num")], rows)),
    )
