"""Monitor rows, as a terminal and as CSV see them."""

from itertools import islice

import pytest
from fake_nvml import FakeNvml
from fake_source import FakeSource
from fake_target import FakeClock

from trtlab.core.errors import CancelledError, UsageError
from trtlab.profiling.monitor import Monitor, csv_cells, csv_header, heading_lines, line
from trtlab.profiling.telemetry.nvml import NvmlSource
from trtlab.profiling.telemetry.source import Metric, Reading

POWER = Metric("gpu.power", "Power", "W")
USED = Metric("gpu.memory_used", "Memory in use", "bytes")
COUNTER = Metric("gpu.throttled.power_cap", "", "ns", None, "power cap")
LOAD = Metric("cpu.load", "Load", "%")


def monitor(clock, interval_ms=1000):
    gpu = FakeSource(
        [POWER, USED, COUNTER],
        [
            Reading([0.0, 1e9, 0.0], ()),  # before the first row
            Reading([99.25, 2e9, 0.0], ()),
            Reading([None, 3e9, 1.0], ("power cap",)),
        ],
    )
    host = FakeSource([LOAD], [[98.0], [50.0]], name="host")
    silent = FakeSource([], [[]], missing={"gpu1": "no driver"})
    return Monitor([gpu, host, silent], interval_ms, now_ns=clock, sleep=clock.sleep)


def test_a_row_for_each_source_and_round():
    clock = FakeClock()
    with monitor(clock) as watch:
        rows = list(watch.rows(2))
        columns = watch.columns
    assert [(r.device, r.time_s) for r in rows] == [
        ("gpu", 0.0), ("host", 0.0), ("gpu", 1.0), ("host", 1.0)
    ]  # fmt: skip
    assert rows[0].values == {"pwr": 99.25, "fb": 2000.0}
    assert rows[2].values == {"fb": 3000.0}
    assert [c.heading for c in columns] == ["pwr", "fb", "cpu"]
    assert watch.missing == {"gpu1": "no driver"}


@pytest.mark.parametrize("interval_ms", [0, -5, float("nan"), float("inf"), 1e300])
def test_intervals_that_no_clock_can_wait_for(interval_ms):
    with pytest.raises(UsageError, match="cannot be read every") as caught:
        monitor(FakeClock(), interval_ms)
    assert str(interval_ms) in caught.value.what
    assert "such as 1000" in caught.value.hint


def test_the_first_row_is_not_the_programs_start():
    clock = FakeClock()
    load = FakeSource(
        [LOAD], [[98.0], [3.0]], name="host", on_read=lambda: read.append(clock.ns)
    )
    read = []
    with Monitor([load], now_ns=clock, sleep=clock.sleep) as watch:
        [row] = watch.rows(1)
    assert row.values == {"cpu": 3.0}
    assert read[1] - read[0] >= 100_000_000  # ten ticks of the processor's clock
    assert row.time_s == 0.0


def test_text():
    with monitor(FakeClock()) as watch:
        rows = list(watch.rows(2))
        text = heading_lines(watch.columns) + [line(row, watch.columns) for row in rows]
    assert text == [
        "# device     time    pwr     fb    cpu  throttled",
        "#               s      W     MB      %",
        "  gpu         0.0   99.2   2000      -  no",
        "  host        0.0      -      -     50  -",
        "  gpu         1.0      -   3000      -  power cap",
        "  host        1.0      -      -     50  -",
    ]


def test_csv():
    with monitor(FakeClock()) as watch:
        gpu, host = watch.rows(1)
        header = csv_header(watch.columns)
        assert header == ["device", "time_s", "pwr_w", "fb_mb", "cpu_percent", "throttled"]
        assert csv_cells(gpu, watch.columns) == ["gpu", "0.000", "99.25", "2000", "", "no"]
        assert csv_cells(host, watch.columns) == ["host", "0.000", "", "", "50", ""]


def test_endless_until_cancelled():
    clock = FakeClock()
    with monitor(clock) as watch:
        rows = watch.rows(cancelled=lambda: clock.ns >= 3_000_000_000)
        assert len(list(islice(rows, 4))) == 4
        with pytest.raises(CancelledError):
            next(rows)


def test_every_gpu_metric_has_a_heading():
    source = NvmlSource(module=FakeNvml(), now_ns=FakeClock())
    with Monitor([source]) as watch:
        headings = [c.heading for c in watch.columns]
    assert len(headings) == len(set(headings)) == 21
    assert max(map(len, headings)) <= 6
