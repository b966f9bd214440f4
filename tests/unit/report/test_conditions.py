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
    assert "SMs at 1,980 MHz" in conditions(report)


@pytest.mark.parametrize("metric", ["gpu1.sm_clock", "cpu.frequency"])
def test_another_clock_than_the_devices_says_nothing(metric):
    assert clock_mhz(_clocked(metric, (150,), (1980.0,))) is None


def test_conditions_name_device_precision_batch_and_date():
    report = _clocked("gpu.sm_clock", (150,), (1980.0,))
    found = conditions(report)
    assert found[0] == "A GPU (cuda, 132 SMs)"
    assert found[1].startswith(report.config.precision)
    assert "batch 4" in found
    assert found[-1] == report.created
    assert " · ".join(found) in summary_html(report)


def test_before_a_run_there_is_neither_batch_nor_clock():
    built = replace(REPORT, benchmark=None)
    assert clock_mhz(built) is None
    assert not any(fact.startswith("batch") for fact in conditions(built))
