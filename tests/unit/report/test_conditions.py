"""What a time depends on stands beside it."""

from dataclasses import replace

import pytest
from small_report import REPORT

from trtlab.report.conditions import clock_mhz, conditions
from trtlab.report.html import summary_html
from trtlab.report.records import TelemetryRecord, Trace


def _clocked(metric, times_ns, values):
    trace = Trace(metric, "Clock", "MHz", times_ns, values)
    run = replace(REPORT.benchmark, starts_ns=(100, 200), samples_ms=(1.0, 1.0), batch=4)
    device = replace(REPORT.device, kind="cuda", name="A GPU", cores=132)
    return replace(
        REPORT,
        device=device,
        benchmark=run,
        telemetry=TelemetryRecord("x", 50.0, (trace,), {}),
    )


def test_the_clock_is_the_one_while_the_benchmark_ran():
    report = _clocked("gpu.sm_clock", (50, 110, 150, 190, 250), (345.0, 1980, 1980, 1845, 345))
    assert clock_mhz(report) == 1980
    assert "SMs at 1,980 MHz (1,845–1,980) in the benchmark" in conditions(report)
    assert not [fact for fact in conditions(report, "build") if "MHz" in fact]


@pytest.mark.parametrize("metric", ["gpu1.sm_clock", "cpu.frequency"])
def test_another_clock_than_the_devices_says_nothing(metric):
    assert clock_mhz(_clocked(metric, (150,), (1980.0,))) is None


def test_conditions_name_device_precision_batch_and_date():
    report = _clocked("gpu.sm_clock", (150,), (1980.0,))
    found = conditions(report)
    assert found[0] == "A GPU (cuda, 132 SMs)"
    assert found[1].startswith(report.config.precision)
    assert "batch 4" in found
    assert found[-1] == "2026-01-02 03:04"
    card = summary_html(report)
    places = [card.index(f'inline-block;max-width:100%">{fact}</span>') for fact in found]
    assert places == sorted(places)  # each fact moves to the next line as a whole


def test_a_date_that_is_none_is_told_as_it_is():
    assert conditions(replace(REPORT, created="once"))[-1] == "once"


def test_each_run_has_its_own_clock():
    readings = (50, 110, 150, 190, 350, 360), (345.0, 1665, 1680, 1650, 1890, 1965)
    report = _clocked("gpu.sm_clock", *readings)
    timed = replace(report, layers_span_ns=(300, 400))
    ran = "SMs at 1,665 MHz (1,650–1,680) in the benchmark"
    layers = "SMs at 1,928 MHz (1,890–1,965) while layers were timed"
    assert [f for f in conditions(timed) if "MHz" in f] == [ran, layers]
    assert [f for f in conditions(timed, "benchmark") if "MHz" in f] == [ran]
    assert [f for f in conditions(timed, "layers") if "MHz" in f] == [layers]
    # An older report does not tell when layers were timed: then the benchmark's, by that name.
    assert [f for f in conditions(report, "layers") if "MHz" in f] == [ran]


def test_before_a_run_there_is_neither_batch_nor_clock():
    built = replace(REPORT, benchmark=None)
    assert clock_mhz(built) is None
    assert not any(fact.startswith("batch") for fact in conditions(built))
