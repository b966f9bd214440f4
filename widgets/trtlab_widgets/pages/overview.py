"""What a run amounts to: verdict, key figures, time by layer type, and what adds up."""

from trtlab.report.clocks import sums_apart
from trtlab.report.records import BenchmarkRecord, Report
from trtlab.report.which_run import BENCHMARK
from trtlab_widgets.pages.cards import cards
from trtlab_widgets.pages.latency import distribution_svg, percentile_table, series_svg
from trtlab_widgets.pages.markup import element, panel, text
from trtlab_widgets.pages.text import plural, time_ms, time_us
from trtlab_widgets.pages.time_parts import (
    interrupted,
    reconciliation,
    source,
    time_by_type,
)
from trtlab_widgets.pages.title import title
from trtlab_widgets.verdict import trust


def overview_page(report: Report) -> str:
    """The whole overview as HTML, ready to stand inside an element of class ``trtl``."""
    pair = element("div", time_by_type(report), reconciliation(report), class_="t-pair")
    sums = two_sums(report)
    note = [text("p", sums, "t-dim")] if sums else []
    parts = [title(report), verdict(report), cards(report), pair, *note]
    if report.benchmark is not None:
        parts.append(_latency(report, report.benchmark))
    return element("div", *parts, class_="t-page")


def verdict(report: Report) -> str:
    """Whether the numbers can be trusted, in words; worst news first."""
    lines = _verdict_lines(report)
    items = [
        element("li", text("b", sign, f"t-sign is-{state}"), text("span", line))
        for state, sign, line in lines
    ]
    return element("ul", *items, class_="t-verdict", aria_label="Verdict")


def two_sums(report: Report) -> str:
    """What each of the two sums of layers on this page is; empty where they read the same.

    Sums that are far apart have their reason among the notes of the verdict.
    """
    sum_us = sum(layer.time_us.median or 0.0 for layer in report.layers)
    busy_us = 1e3 * report.reconciliation_ms.get("layers", 0.0)
    medians, busy = time_us(sum_us), time_us(busy_us)
    if not sum_us or not busy_us or medians == busy or interrupted(report):
        return ""
    return (
        f"Two sums of layers: their medians, by type and in the table, add up to {medians};"
        f" the median of what an inference spends in layers, a part of its time, is {busy}."
    )


def _verdict_lines(report: Report) -> list[tuple[str, str, str]]:
    lines = trust(report)
    benchmark = report.benchmark
    if benchmark is not None:
        lines += [("warn", "Note", line) for line in benchmark.verdicts]
    else:
        lines.append(("plain", "Not run", "Built, but not measured yet."))
    apart = interrupted(report)
    lines += [(apart[0], "Note", apart[1])] if apart else []
    clocks_apart = sums_apart(report)
    lines += [("plain", "Note", clocks_apart)] if clocks_apart else []
    lines += [("plain", "Note", line) for line in report.warnings]
    return lines


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
    foot = source(BENCHMARK)
    return panel("Latency", message, figures, foot, percentile_table(benchmark))


def _over_time(benchmark: BenchmarkRecord) -> str:
    """The picture's height in words, as it has no axis there."""
    samples = benchmark.samples_ms
    if not samples:
        return "Over time"
    return f"Over time, from {time_ms(min(samples))} at the bottom to {time_ms(max(samples))}"
