"""The sampler's thread, its bounded memory, and its records."""

import threading
import time

import numpy as np
import pytest
from fake_nvml import POWER_CAP_COUNTER, FakeNvml
from fake_source import FakeSource
from fake_target import FakeClock

from trtlab.core.errors import UsageError
from trtlab.profiling.telemetry.host import HostSource
from trtlab.profiling.telemetry.nvml import NvmlSource
from trtlab.profiling.telemetry.sampler import TelemetrySampler, next_due_s
from trtlab.profiling.telemetry.source import Metric, Reading

CLOCK = Metric("gpu.sm_clock", "SM clock", "MHz", 1980.0)
POWER = Metric("gpu.power", "Power", "W", 700.0)
COUNTER = Metric("gpu.throttled.power_cap", "Held back", "ns", None, "power cap")


def sampled(metrics, readings, *, step_ms=50, **options):
    """A sampler that has taken all readings, 50 ms apart, without its thread."""
    clock = FakeClock()
    source = FakeSource(metrics, readings)
    sampler = TelemetrySampler([source], now_ns=clock, interval_ms=3_600_000, **options)
    sampler.start()
    for _ in readings[1:]:
        clock.ns += step_ms * 1_000_000
        sampler.sample()
    return sampler, clock


def test_samples_in_the_background():
    source = FakeSource([CLOCK], [[1.0], [2.0], [3.0]])
    with TelemetrySampler([source], interval_ms=5) as sampler:
        assert sampler.running
        until = time.monotonic() + 300
        while source.reads <= 4 and time.monotonic() < until:
            time.sleep(0.005)
        assert sampler.latest() == {"gpu.sm_clock": 3.0}
        thread = next(t for t in threading.enumerate() if t.name == "trtlab-telemetry")
        assert thread.daemon
    assert not sampler.running
    assert (source.opened, source.closed) == (1, 1)
    assert source.thorough  # the last sample: counters must cover the end
    record = sampler.record()
    (trace,) = record.traces
    assert len(trace.values) == source.reads
    assert trace.times_ns == tuple(sorted(trace.times_ns))
    assert record.cost_us > 0
    assert sampler.cost_us == record.cost_us


@pytest.mark.parametrize(
    ("now_s", "expected"),
    [(10.01, 11.0), (10.99, 11.0), (11.0, 12.0), (14.2, 15.0), (9.9, 11.0)],
)
def test_the_rhythm_survives_a_stall_without_a_burst(now_s, expected):
    assert next_due_s(10.0, 1.0, now_s) == expected


def test_a_record_counts_from_the_epoch_and_may_be_a_part():
    sampler, clock = sampled([CLOCK, POWER], [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    start = 1_000_000_000
    record = sampler.record(epoch_ns=start)
    assert [t.metric for t in record.traces] == ["gpu.sm_clock", "gpu.power"]
    assert record.traces[0].times_ns == (0, 50_000_000, 100_000_000)
    assert record.traces[1].values == (10.0, 20.0, 30.0)
    assert record.traces[1].limit == 700.0
    assert record.source == "nvml"
    part = sampler.record(start, since_ns=start + 50_000_000, until_ns=start + 50_000_000)
    assert part.traces[0].values == (2.0,)
    assert sampler.snapshot(clock.ns).traces[0].values == (3.0,)
    sampler.stop()


def test_arrays_for_live_views():
    sampler, _ = sampled([CLOCK], [[1.0], [2.0], [3.0]])
    times, values = sampler.arrays(2)["gpu.sm_clock"]
    assert values.tolist() == [2.0, 3.0]
    assert times.dtype == np.int64
    sampler.stop()


def test_missing_values_leave_gaps():
    sampler, _ = sampled([CLOCK, POWER], [[1.0, None], [None, None], [3.0, None]])
    (trace,) = sampler.record(epoch_ns=1_000_000_000).traces
    assert trace.times_ns == (0, 100_000_000)
    assert trace.values == (1.0, 3.0)
    assert sampler.latest() == {"gpu.sm_clock": 3.0}
    sampler.stop()


def test_memory_is_bounded_and_the_oldest_give_way():
    sampler, _ = sampled([CLOCK], [[float(i)] for i in range(25)], capacity=10)
    record = sampler.record()
    assert record.traces[0].values == tuple(float(i) for i in range(15, 25))
    assert record.dropped_samples == 15
    assert list(record.traces[0].times_ns) == sorted(record.traces[0].times_ns)
    sampler.stop()


def test_several_sources():
    gpu = FakeSource([CLOCK], [Reading([1.0], ("power cap",))])
    host = FakeSource([POWER], [[2.0]], name="host", missing={"cpu.power": "denied"})
    silent = FakeSource([], [[]], name="nvml2", missing={"gpu": "no driver"})
    with TelemetrySampler([host, gpu, silent], interval_ms=5) as sampler:
        assert sampler.latest() == {"gpu.power": 2.0, "gpu.sm_clock": 1.0}
    record = sampler.record()
    assert record.source == "host+nvml"
    assert record.missing == {"cpu.power": "denied", "gpu": "no driver"}
    assert {s.reason for s in record.throttling} == {"power cap"}


def test_counters_become_throttling_and_not_traces():
    ms = 1e6
    sampler, _ = sampled(
        [CLOCK, COUNTER], [[1.0, 0.0], [1.0, 0.0], [1.0, 20 * ms], [1.0, 20 * ms]]
    )
    record = sampler.record(epoch_ns=1_000_000_000)
    assert [t.metric for t in record.traces] == ["gpu.sm_clock"]
    assert sampler.metrics == (CLOCK,)
    (span,) = record.throttling
    assert (span.start_ns, span.end_ns) == (50_000_000, 100_000_000)
    assert record.verdict == "Throttled: power cap for 0.02 s (13 % of the time)."
    sampler.stop()


def test_an_unobservable_machine_says_why():
    host = FakeSource([POWER], [[1.0]], missing={"cpu.throttled": "no counter", "x": "other"})
    with TelemetrySampler([host], interval_ms=5) as sampler:
        pass
    assert sampler.record().verdict == "Throttling is not observable here: no counter."


def test_through_nvml():
    fake, clock = FakeNvml(), FakeClock()
    source = NvmlSource(module=fake, now_ns=clock)
    sampler = TelemetrySampler([source], interval_ms=3_600_000, now_ns=clock)
    sampler.start()
    for bits, counted_ns in (
        (0x0, 0),
        (0x4, 50_000_000),
        (0x0, 60_000_000),
        (0x0, 60_000_000),
    ):
        clock.ns += 100_000_000
        fake.bits, fake.fields[POWER_CAP_COUNTER] = bits, (3, 7_000_000_000 + counted_ns)
        sampler.sample()
    sampler.stop()
    record = sampler.record(epoch_ns=1_000_000_000)
    assert [(s.start_ns, s.end_ns, s.reason) for s in record.throttling] == [
        (100_000_000, 300_000_000, "power cap")
    ]
    assert record.verdict == "Throttled: power cap for 0.06 s (15 % of the time)."
    assert fake.users == 0


def test_through_a_gpu_without_throttle():
    fake, clock = FakeNvml(), FakeClock()
    sampler = TelemetrySampler([NvmlSource(module=fake, now_ns=clock)], 1000, now_ns=clock)
    sampler.start()
    clock.ns += 2_000_000_000
    sampler.stop()
    assert sampler.record().verdict == (
        "Clean: clocks were not held back (2 samples over 2.0 s)."
    )


def test_the_real_host_tells_its_load_and_memory():
    with TelemetrySampler([HostSource()], interval_ms=5) as sampler:
        time.sleep(0.05)
    record = sampler.record()
    assert {"cpu.process_load", "memory.rss"} <= {t.metric for t in record.traces}
    assert record.cost_us > 0


def test_starting_twice_and_stopping_twice():
    sampler = TelemetrySampler([FakeSource([CLOCK], [[1.0]])], interval_ms=5)
    sampler.stop()
    sampler.start()
    with pytest.raises(UsageError, match="runs already"):
        sampler.start()
    sampler.stop()
    sampler.stop()
    sampler.start()
    assert sampler.record().dropped_samples == 0
    sampler.stop()


@pytest.mark.parametrize(
    "options",
    [
        {"interval_ms": 1},
        {"interval_ms": float("nan")},
        {"interval_ms": float("inf")},
        {"capacity": 0},
    ],
)
def test_impossible_rates(options):
    with pytest.raises(UsageError, match="cannot sample every"):
        TelemetrySampler([], **options)
