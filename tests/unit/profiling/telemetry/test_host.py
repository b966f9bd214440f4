"""Host sensors on a made-up /sys and on the real machine."""

from pathlib import Path

import psutil
import pytest
from fake_target import FakeClock

from trtlab.profiling.telemetry.host import HostSource
from trtlab.profiling.telemetry.rapl import RaplPower


def write(path: Path, text) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")
    return path


def package(root, number, energy_uj, range_uj=1_000_000):
    folder = root / f"intel-rapl:{number}"
    write(folder / "max_energy_range_uj", range_uj)
    return write(folder / "energy_uj", energy_uj)


def test_power_of_all_packages(tmp_path):
    first, second = package(tmp_path, 0, 100), package(tmp_path, 1, 5000)
    package(tmp_path, "0:0", 77)  # a part of package 0
    power = RaplPower(tmp_path)
    assert power.watts(0) is None
    write(first, 500_100)
    write(second, 505_000)
    assert power.watts(10_000_000) == pytest.approx(100.0)  # 1 J in 10 ms


def test_counters_wrap(tmp_path):
    counter = package(tmp_path, 0, 999_000)
    power = RaplPower(tmp_path)
    power.watts(0)
    write(counter, 4_000)
    assert power.watts(1_000_000_000) == pytest.approx(5_000e-6)


def opened(system, clock=None):
    source = HostSource(system, now_ns=clock or FakeClock())
    source.open()
    return source


def values(source):
    return dict(zip([m.name for m in source.metrics], source.read().values, strict=True))


def test_a_bare_machine_tells_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    monkeypatch.setattr(psutil, "sensors_temperatures", dict)
    source = opened(tmp_path)
    assert source.missing == {
        "cpu.power": f"this machine has no {tmp_path / 'class/powercap/intel-rapl:0'}",
        "cpu.throttled": "the kernel keeps no throttle time of this processor",
        "cpu.frequency": "the kernel does not tell the frequency",
        "cpu.temperature": (
            "the kernel shows no processor temperature (virtual machines have none)"
        ),
    }
    assert [m.name for m in source.metrics] == ["cpu.process_load", "cpu.load", "memory.rss"]
    assert source.read().throttled is None


def test_closed_energy_counters(tmp_path, monkeypatch):
    root = tmp_path / "class" / "powercap"
    counter = package(root, 0, 1)

    def closed(self, *_, **__):
        if self == counter:
            raise PermissionError(13, "Permission denied", str(counter))
        return original(self)

    original = Path.read_text
    monkeypatch.setattr(Path, "read_text", closed)
    assert opened(tmp_path).missing["cpu.power"] == f"permission denied reading {counter}"


def test_odd_energy_counters(tmp_path):
    package(tmp_path / "class" / "powercap", 0, "lots")
    assert "does not hold a number" in opened(tmp_path).missing["cpu.power"]


def test_what_psutil_cannot_do(tmp_path, monkeypatch):
    def refuse():
        raise NotImplementedError("can't find current frequency file")

    monkeypatch.setattr(psutil, "cpu_freq", refuse)
    assert opened(tmp_path).missing["cpu.frequency"] == (
        "cannot be read: can't find current frequency file"
    )


def test_counters_that_vanish_later(tmp_path):
    clock = FakeClock()
    counter = package(tmp_path / "class" / "powercap", 0, 0)
    source = opened(tmp_path, clock)
    source.read()
    clock.ns += 1_000_000_000
    write(counter, 30_000)
    assert values(source)["cpu.power"] == pytest.approx(0.03)
    counter.unlink()
    assert values(source)["cpu.power"] is None
    assert source.missing["cpu.power"].startswith("answered at first, then: ")


def test_temperature_is_the_hottest_of_the_processor(tmp_path, monkeypatch):
    sensor = type("Sensor", (), {})
    cool, hot, disk = sensor(), sensor(), sensor()
    cool.current, hot.current, disk.current = 40.0, 70.0, 90.0
    chips = {"nvme": [disk], "coretemp": [cool, hot]}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: chips)
    assert values(opened(tmp_path))["cpu.temperature"] == 70.0


def test_time_that_packages_were_held_back(tmp_path):
    cpus = tmp_path / "devices" / "system" / "cpu"
    for cpu, of, held_ms in ((0, 0, 5), (1, 0, 5), (2, 1, 30)):
        write(cpus / f"cpu{cpu}" / "topology" / "physical_package_id", of)
        name = f"cpu{cpu}/thermal_throttle/package_throttle_total_time_ms"
        write(cpus / name, held_ms)
    source = opened(tmp_path)
    assert values(source)["cpu.throttled"] == 30e6
    assert source.read().throttled == ()
    assert {m.throttle_reason for m in source.metrics} == {"", "processor too hot"}


def test_loads_are_refreshed_five_times_a_second(tmp_path):
    clock = FakeClock()
    source = opened(tmp_path, clock)
    assert values(source)["memory.rss"] > 1e6
    clock.ns += 199_000_000
    assert values(source)["memory.rss"] is None
    clock.ns += 1_000_000
    assert values(source)["memory.rss"] > 1e6


def test_load_of_this_process(tmp_path, monkeypatch):
    clock = FakeClock()
    spent = iter([0, 30_000_000, 30_000_000])
    monkeypatch.setattr("time.process_time_ns", lambda: next(spent))
    source = opened(tmp_path, clock)
    clock.ns += 20_000_000
    assert values(source)["cpu.process_load"] == pytest.approx(150.0)  # 30 ms in 20 ms
    assert values(source)["cpu.process_load"] is None  # no time has passed


def test_load_of_the_machine(tmp_path, monkeypatch):
    def times(busy, idle, iowait):
        parts = {"user": busy, "guest": busy, "idle": idle, "iowait": iowait}
        return type("Times", (), {"_asdict": lambda _: parts})()

    told = iter([times(0, 0, 0), times(3, 6, 1)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(told))
    assert values(opened(tmp_path))["cpu.load"] == pytest.approx(30.0)
