"""Layer times have the clock of their own run, and sums that clocks drive apart say so."""

from dataclasses import replace

import pytest
from small_report import REPORT
from trtlab_widgets.export import report_html
from trtlab_widgets.pages.overview import overview_page

from trtlab.report.clocks import (
    Clock,
    benchmark_clock,
    layers_clock,
    layers_clock_text,
    sums_apart,
)
from trtlab.report.codec import from_dict, to_dict
from trtlab.report.html import summary_html
from trtlab.report.records import TelemetryRecord, Trace

MS = 1_000_000


def clocked(*readings, span=None, layers_ms=1.44):
    """A GPU's report; readings are (ms, MHz), the benchmark runs from 100 to 200 ms."""
    times, values = zip(*((int(at * MS), float(mhz)) for at, mhz in readings), strict=True)
    trace = Trace("gpu.sm_clock", "SM clock", "MHz", times, values)
    compute = replace(REPORT.benchmark.compute_ms, median=1.6)
    run = replace(
        REPORT.benchmark,
        compute_ms=compute,
        starts_ns=(100 * MS, 200 * MS),
        samples_ms=(1.0, 1.0),
    )
    return replace(
        REPORT,
        device=replace(REPORT.device, kind="cuda"),
        benchmark=run,
        telemetry=TelemetryRecord("nvml", 50.0, (trace,), {}),
        reconciliation_ms={"layers": layers_ms, "unexplained": 0.0},
        layers_span_ns=None if span is None else (span[0] * MS, span[1] * MS),
    )


RAN = [(50, 1980), (110, 1650), (150, 1665), (190, 1680)]


def test_both_clocks_have_their_range():
    report = clocked(*RAN, (260, 1890), (310, 1965), span=(250, 320))
    assert benchmark_clock(report) == Clock(1665, 1650, 1680)
    assert layers_clock(report) == Clock(1927.5, 1890, 1965)
    assert str(benchmark_clock(report)) == "1,665 MHz (1,650–1,680)"
    assert str(Clock(1980, 1980, 1980)) == "1,980 MHz"
    assert layers_clock_text(report) == "SMs at 1,928 MHz (1,890–1,965)"


def test_a_run_shorter_than_the_interval_has_the_reading_right_after_it():
    assert layers_clock(clocked(*RAN, (242, 1935), span=(210, 240))) == Clock(1935, 1935, 1935)
    assert layers_clock(clocked(*RAN, (300, 1935), span=(210, 240))) is None  # too late
    assert layers_clock(clocked(*RAN, span=(210, 240))) is None  # before it is another run


def test_an_older_report_has_the_benchmarks_clock_by_that_name():
    report = clocked(*RAN, (310, 1965))
    plain = to_dict(report)
    del plain["layers_span_ns"]
    old = from_dict(plain)
    assert old.layers_span_ns is None
    assert layers_clock(old) is None
    told = "clock not recorded; in the benchmark SMs at 1,665 MHz (1,650–1,680)"
    assert layers_clock_text(old) == told
    assert told in overview_page(old)
    assert told in summary_html(old)
    assert "at a clock that was not recorded" in sums_apart(old)


def test_the_span_survives_a_file():
    report = clocked(*RAN, span=(250, 320))
    assert from_dict(to_dict(report)).layers_span_ns == (250 * MS, 320 * MS)


SAID = (
    "The layers of an inference took 1.440 ms, 10 % less than the benchmark's 1.600 ms of"
    " computing: they were timed at 1,965 MHz, the benchmark ran at 1,665 MHz (1,650–1,680)."
)


def test_sums_that_clocks_drive_apart_say_so_on_every_page():
    report = clocked(*RAN, (310, 1965), span=(250, 320))
    assert sums_apart(report) == SAID
    told = SAID.replace("'", "&#x27;")
    for page in (overview_page(report), report_html(report), summary_html(report)):
        assert told in page


@pytest.mark.parametrize(
    "report",
    [
        clocked(*RAN, (310, 1965), span=(250, 320), layers_ms=1.58),  # they agree
        clocked(*RAN, (310, 1965), span=(250, 320), layers_ms=1.8),  # faster, and longer still
        clocked(*RAN, (310, 1665), span=(250, 320)),  # the same clock
        replace(clocked(*RAN), telemetry=None),
        replace(clocked(*RAN), benchmark=None),
    ],
    ids=["sums agree", "other way", "same clock", "no sensors", "not run"],
)
def test_clocks_are_not_blamed_for_what_they_do_not_explain(report):
    assert sums_apart(report) == ""
