"""NVML as a source: what answers, what does not, and what throttles."""

import pytest
from fake_nvml import ENERGY, POWER_INSTANT, FakeNvml

from trtlab.profiling.telemetry import machine
from trtlab.profiling.telemetry.host import HostSource
from trtlab.profiling.telemetry.machine import every_gpu, machine_sources, one_gpu
from trtlab.profiling.telemetry.nvml import NvmlSource


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.ns = 0

    def __call__(self):
        return self.ns


def opened(fake, **options):
    source = NvmlSource(module=fake, now_ns=options.pop("clock", Clock()), **options)
    source.open()
    return source


def values(source):
    reading = source.read()
    names = [m.name for m in source.metrics]
    return dict(zip(names, reading.values, strict=True))


def test_every_metric_in_its_unit():
    clock = Clock()
    source = opened(FakeNvml(), clock=clock)
    read = values(source)
    assert source.missing == {}
    assert read["gpu.sm_clock"] == 1980
    assert read["gpu.power"] == 300.0
    assert read["gpu.power_average"] == 250.0
    assert read["gpu.temperature"] == 50
    assert read["gpu.memory_temperature"] == 45
    assert read["gpu.utilization"] == 90
    assert read["gpu.memory_utilization"] == 40
    assert read["gpu.memory_used"] == 20 * 2**30
    assert read["gpu.energy"] == 0.0
    assert read["gpu.pcie_generation"] == 5
    limits = {m.name: m.limit for m in source.metrics}
    assert limits["gpu.power"] == 700.0
    assert limits["gpu.temperature"] == 89
    assert limits["gpu.memory_temperature"] == 95
    assert limits["gpu.sm_clock"] == 1980
    assert limits["gpu.memory_used"] == 140 * 2**30
    assert limits["gpu.utilization"] is None


def test_energy_counts_from_the_start():
    fake = FakeNvml()
    source = opened(fake)
    fake.fields[ENERGY] = (3, 5_250_000)
    assert values(source)["gpu.energy"] == pytest.approx(250.0)


def test_most_samples_ask_little():
    fake, clock = FakeNvml(), Clock()
    source = opened(fake, clock=clock)
    source.read()
    fake.calls.clear()
    clock.ns = 50_000_000
    source.read()
    assert fake.calls == [
        "nvmlDeviceGetFieldValues",
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetCurrentClocksEventReasons",
    ]
    assert "nvmlDeviceGetPcieThroughput" not in fake.calls


def test_a_thorough_reading_leaves_nothing_out():
    fake = FakeNvml()
    source = opened(fake)
    first = source.read()
    again = source.read(thorough=True)
    assert [v is None for v in again.values] == [v is None for v in first.values]


def test_what_seldom_changes_is_read_once_a_second():
    clock = Clock()
    source = opened(FakeNvml(), clock=clock)
    assert values(source)["gpu.pcie_width"] == 16
    clock.ns = 999_000_000
    assert values(source)["gpu.pcie_width"] is None
    clock.ns = 1_000_000_000
    assert values(source)["gpu.pcie_width"] == 16


def test_second_ways():
    fake = FakeNvml(
        refused={
            POWER_INSTANT,
            ENERGY,
            "nvmlDeviceGetTemperatureV",
            "nvmlDeviceGetCurrentClocksEventReasons",
        }
    )
    fake.bits = 0x4
    source = opened(fake)
    read = values(source)
    assert read["gpu.power"] == 240.0
    assert read["gpu.temperature"] == 51
    assert "gpu.throttle_reasons" not in source.missing
    assert source.read().throttled == ("power cap",)
    assert source.missing == {"gpu.energy": "Not Supported"}


def test_partial_failures_are_listed_with_reasons():
    fake = FakeNvml(refused={"nvmlDeviceGetUtilizationRates", 82, 270}, gpm=False)
    source = opened(fake)
    assert source.missing == {
        "gpu.utilization": "Not Supported",
        "gpu.memory_utilization": "Not Supported",
        "gpu.memory_temperature": "Not Supported",
        "gpu.throttled.hardware_thermal_slowdown": "Not Supported",
        "gpu.sm_active": "activity counters need Hopper or later",
    }
    assert values(source)["gpu.power"] == 300.0


def test_functions_that_an_old_release_lacks():
    class Old(FakeNvml):
        def __getattr__(self, name):
            if name.startswith("nvmlGpm") or name == "nvmlDeviceGetTemperatureV":
                raise AttributeError(name)
            return super().__getattr__(name)

    source = opened(Old())
    assert values(source)["gpu.temperature"] == 51
    assert source.missing["gpu.sm_active"] == (
        "this nvidia-ml-py has no nvmlGpmQueryDeviceSupport"
    )


def test_a_limit_that_does_not_answer_is_just_absent():
    source = opened(FakeNvml(refused={"nvmlDeviceGetTemperatureThreshold"}))
    assert {m.name: m.limit for m in source.metrics}["gpu.temperature"] is None
    assert "gpu.temperature" not in source.missing


def test_no_driver():
    source = opened(FakeNvml(driver=False))
    assert source.metrics == []
    assert source.missing == {"gpu": "no NVIDIA driver (Driver Not Loaded)"}
    assert source.read().values == ()
    source.close()


def test_no_such_gpu():
    fake = FakeNvml(gpus=2)
    source = opened(fake, index=5)
    assert source.missing == {"gpu": "NVML has no GPU number 5 (Invalid Argument)"}
    source.close()
    assert fake.users == 0


def test_a_gpu_that_falls_silent():
    fake = FakeNvml()
    source = opened(fake)
    fake.refused = {"nvmlDeviceGetFieldValues", "nvmlDeviceGetClockInfo", "nvmlGpmSampleGet",
                    "nvmlDeviceGetCurrentClocksEventReasons"}  # fmt: skip
    read = values(source)
    assert read["gpu.power"] is None
    assert read["gpu.sm_clock"] is None
    assert read["gpu.sm_active"] is None
    assert read["gpu.temperature"] == 50
    assert source.read().throttled is None
    assert source.missing["gpu.power"] == "answered at first, then: Not Supported"
    assert source.missing["gpu.throttle_reasons"] == "answered at first, then: Not Supported"


def test_activity_between_samples():
    clock = Clock()
    source = opened(FakeNvml(refused={13}), clock=clock)
    assert values(source)["gpu.sm_active"] is None  # nothing to compare with yet
    clock.ns = 50_000_000
    assert values(source)["gpu.sm_active"] is None  # too soon
    clock.ns = 120_000_000
    read = values(source)
    assert read["gpu.sm_active"] == 2.0
    assert read["gpu.tensor_active"] == 5.0
    assert read["gpu.pcie_sent"] == 20 * 2.0**20
    assert read["gpu.fp16_active"] is None


@pytest.mark.parametrize(
    ("bits", "throttled", "notes"),
    [
        (0x0, (), ()),
        (0x1, (), ()),
        (0x4, ("power cap",), ()),
        (0x48, ("hardware slowdown", "hardware thermal slowdown"), ()),
        (0x2, (), ("the clocks are set by an application clock",)),
        (0x620, ("software thermal slowdown", "board limit", "reliability limit"), ()),
    ],
)
def test_reason_bits(bits, throttled, notes):
    fake = FakeNvml()
    fake.bits = bits
    reading = opened(fake).read()
    assert reading.throttled == throttled
    assert reading.notes == notes


def test_thermal_counter_of_older_drivers():
    fake = FakeNvml(refused={269})
    fake.fields[75] = (3, 10)
    source = opened(fake)
    counters = {m.throttle_reason: m.name for m in source.metrics if m.throttle_reason}
    assert counters["software thermal slowdown"] == "gpu.throttled.software_thermal_slowdown"
    assert values(source)["gpu.throttled.software_thermal_slowdown"] == 10


def test_mig_memory_is_the_instances_and_power_the_gpus():
    clock = Clock()
    source = opened(FakeNvml(), uuid="MIG-1", clock=clock)
    read = values(source)
    assert read["gpu.memory_used"] == 5 * 2**30
    assert read["gpu.power"] == 300.0
    clock.ns = 200_000_000
    assert values(source)["gpu.sm_active"] == 2.0


def test_several_gpus():
    fake = FakeNvml(gpus=2)
    fake.bits = 0x4
    sources = every_gpu(fake)
    assert fake.users == 0
    for source in sources:
        source.open()
    assert [s.metrics[0].name for s in sources] == ["gpu0.sm_clock", "gpu1.sm_clock"]
    assert sources[1].read().throttled == ("gpu1: power cap",)
    for source in sources:
        source.close()
    assert fake.users == 0
    assert every_gpu(FakeNvml(driver=False)) == []
    assert every_gpu(FakeNvml())[0]._prefix == "gpu"


def test_the_gpu_that_is_measured_is_found_by_its_place(monkeypatch):
    fake = FakeNvml(gpus=2)
    (source,) = one_gpu("0000:01:00.0", fake)
    assert fake.users == 0
    source.open()
    assert (source._device, source.metrics[0].name) == ("gpu-1", "gpu.sm_clock")
    assert one_gpu("0000:07:00.0", fake) == []
    assert one_gpu("0000:00:00.0", FakeNvml(driver=False)) == []

    found = {"0000:01:00.0": [source]}
    monkeypatch.setattr(machine, "one_gpu", lambda place: found.get(place, []))
    monkeypatch.setattr(machine, "every_gpu", lambda: every_gpu(fake))
    assert machine_sources(gpu_at="0000:01:00.0")[1:] == [source]
    for place in ("", "0000:07:00.0"):  # a place that NVML does not know hides no GPU
        prefixes = [s._prefix for s in machine_sources(gpu_at=place)[1:]]
        assert prefixes == ["gpu0", "gpu1"]


def test_only_where_a_gpu_is_expected_is_it_missed(monkeypatch):
    monkeypatch.setattr(machine, "every_gpu", list)
    assert [type(s) for s in machine_sources()] == [HostSource, NvmlSource]
    assert [type(s) for s in machine_sources(gpu_expected=False)] == [HostSource]


def test_reopening_starts_anew():
    fake = FakeNvml()
    source = opened(fake)
    source.close()
    fake.refused = {"nvmlDeviceGetUtilizationRates"}
    source.open()
    assert "gpu.utilization" in source.missing
    assert fake.users == 1
