"""Where the time goes: every part is shown, and sums that disagree say so."""

from dataclasses import replace

import pytest
from sample_reports import resnet_report
from trtlab_widgets.pages import text
from trtlab_widgets.pages.overview import overview_page
from trtlab_widgets.pages.time_parts import (
    headline_apart,
    interrupted,
    reconciliation,
    type_rows,
)

from trtlab.report.percent import MINUS
from trtlab.report.records import Report, Samples


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=20)


def test_time_by_type_covers_all_layers(report: Report) -> None:
    rows = type_rows(report)
    assert sum(number for _, number, _ in rows) == len(report.layers)
    times = [time for *_, time in rows]
    assert times == sorted(times, reverse=True)


def test_parts_that_exceed_the_latency_are_not_called_unexplained() -> None:
    assert text.unexplained(3.0, 20.0) == "15 % of 20.0 ms is unexplained"
    over = text.unexplained(-5.0, 20.0)
    assert over == "the parts, timed apart, add up to 25 % more than 20.0 ms"
    assert text.unexplained(0.0, 0.0).startswith("–")
    within = text.unexplained(-0.1, 20.0, 0.2)
    assert within == "20.0 ms ± 200 µs from call to result; the parts add up to 20.1 ms"


def with_rest(report: Report, rest_ms: float) -> Report:
    """The report with another unexplained rest, its whole known to 0.2 ms."""
    assert report.benchmark is not None
    single = replace(report.benchmark.latency_ms, median_low=19.8, median_high=20.2)
    parts = {"launch": 1.0, "layers": 19.0 - rest_ms, "unexplained": rest_ms}
    return replace(report, single_ms=single, reconciliation_ms=parts)


def test_an_overlap_is_told_without_a_bar_or_a_colour(report: Report) -> None:
    html = reconciliation(with_rest(report, -1.0))
    bar, legend = html.split("</ul>")[0].split("<ul")
    assert bar.count("<i ") == 2
    assert "flex-grow: -" not in bar
    assert legend.count("--c:") == 2
    assert f"Rest (overlap or noise)</span><b>{MINUS}1.00 ms</b>" in legend
    assert "unexplained" not in html.lower()
    small = reconciliation(with_rest(report, -0.1))
    assert "20.0 ms ± 200 µs from call to result" in small
    assert f"Rest (overlap or noise)</span><b>{MINUS}100 µs</b>" in small
    assert "Unexplained</span><b>1.00 ms</b>" in reconciliation(with_rest(report, 1.0))


def test_a_part_below_zero_says_how_that_can_be(report: Report) -> None:
    parts = {"layers": 1.2, "wake-up": -0.005, "unexplained": 0.01}
    html = reconciliation(replace(report, reconciliation_ms=parts))
    assert f"Wake-up (noise)</span><b>{MINUS}5.00 µs</b>" in html
    why = "Wake-up is below zero, which is noise: it lies between a time stamp of the device"
    assert f'title="{why}' in html
    assert f'<p class="t-dim">{why} and one of the host' in html  # whole, whatever the width
    assert report.benchmark is not None
    run = replace(report.benchmark, clock_uncertainty_ns=3024)
    known = reconciliation(replace(report, reconciliation_ms=parts, benchmark=run))
    assert "each comparison may be off by 3.02 µs." in known
    handed = replace(report, reconciliation_ms={"layers": 1.0, "hand-over": -0.001})
    assert "Hand-over is below zero, which is noise: the time stamps" in reconciliation(handed)
    assert "is below zero" not in reconciliation(
        replace(report, reconciliation_ms={"layers": 1.0})
    )
    assert "Unexplained</span><b>10.0 µs</b>" in html


def with_layers(report: Report, layers_ms: float, streams: int = 1) -> Report:
    """Ten layers of 0.7 ms beside a median inference that spent so long in layers."""
    layers = tuple(
        replace(layer, time_us=Samples((700.0,)), stream=layer.index % streams)
        for layer in report.layers[:10]
    )
    return replace(report, layers=layers, reconciliation_ms={"layers": layers_ms})


def test_sums_of_layers_that_disagree_are_told(report: Report) -> None:
    assert interrupted(with_layers(report, 7.5)) is None
    said = (
        "Layer medians add up to 7.00 ms; a median inference spent 19.4 ms in layers:"
        " something interrupted it."
    )
    assert interrupted(with_layers(report, 19.4)) == ("warn", said)
    assert f"Note</b><span>{said}" in overview_page(with_layers(report, 19.4))
    state, beside = interrupted(with_layers(report, 4.0, streams=2)) or ("", "")
    assert state == "plain"
    assert beside.endswith("layers ran side by side on 2 streams.")
    _, varied = interrupted(with_layers(report, 4.0)) or ("", "")
    assert varied.endswith("their times varied between inferences.")
    assert interrupted(replace(report, reconciliation_ms={})) is None


def test_a_whole_that_is_not_the_headlines_says_so_and_why(report: Report) -> None:
    assert report.benchmark is not None
    latency = replace(
        report.benchmark.latency_ms, median=28.9, median_low=26.4, median_high=31.4
    )
    run = replace(report.benchmark, latency_ms=latency)
    parts = {"launch": 0.5, "layers": 75.7, "unexplained": 0.3}
    apart = replace(report, benchmark=run, reconciliation_ms=parts, telemetry=None)
    said = headline_apart(apart)
    assert said.startswith("The benchmark's median latency, 28.9 ms ± 2.50 ms, is of other")
    assert (
        "counted so, those here take 76.0 ms, 163 % more: they ran after the benchmark" in said
    )
    html = reconciliation(apart)
    assert said in html.replace("&#x27;", "'")
    assert "turns with the 20 profiled ones, one at a time" in html
    only = replace(apart, reconciliation_ms={"launch": 9.0, "layers": 29.0})
    assert headline_apart(only).endswith("counted so, those here take 29.0 ms.")
    assert headline_apart(replace(apart, reconciliation_ms={"layers": 30.0})) == ""
    early = replace(run, starts_ns=tuple(range(len(run.samples_ms))))
    less = replace(apart, benchmark=early, reconciliation_ms={"layers": 20.0})
    assert "31 % less: the benchmark begins the next inference before" in headline_apart(less)


def test_the_spread_is_that_of_the_inferences_that_are_divided(report: Report) -> None:
    rest = with_rest(report, -0.1)
    assert "The whole, 20.0 ms ± 200 µs (95 %)," in reconciliation(rest)
    old = reconciliation(replace(rest, single_ms=None))
    assert "±" not in old.split("The benchmark")[0]
