"""Processor, memory and one process, through psutil and the kernel's files."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from trtlab.core.settings import available_cores
from trtlab.profiling.query import Clock
from trtlab.profiling.telemetry.process import ObservedProcess, OtherProcess, OwnProcess
from trtlab.profiling.telemetry.rapl import RaplPower
from trtlab.profiling.telemetry.sensor_file import read_number, why_unreadable
from trtlab.profiling.telemetry.source import Metric, Reading

_SLOW_NS = 200_000_000  # loads count in 10 ms ticks, frequency files cost 50 µs and more
_CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")

_FAILURES = (OSError, ValueError, NotImplementedError, psutil.Error)

Probe = Callable[[], float | None]


class HostSource:
    """The host's sensors.

    Load and the like are refreshed five times a second; power and this process's load with
    each sample, another process' load five times a second too.

    Args:
        system: Where the kernel shows its sensors.
        process: Whose load and memory to tell; this one's by default.
        now_ns: The clock.
    """

    name = "host"

    def __init__(
        self,
        system: Path = Path("/sys"),
        *,
        process: ObservedProcess | None = None,
        now_ns: Clock = time.monotonic_ns,
    ) -> None:
        self._system = system
        self._observed = process
        self._process: OwnProcess | OtherProcess | None = None
        self._now_ns = now_ns
        self._fast: list[tuple[Metric, Probe]] = []
        self._slow: list[tuple[Metric, Probe]] = []
        self._missing: dict[str, str] = {}
        self._slow_ns: int | None = None

    @property
    def metrics(self) -> Sequence[Metric]:
        """What answered; see `Source.metrics`."""
        return [metric for metric, _ in (*self._fast, *self._slow)]

    @property
    def missing(self) -> Mapping[str, str]:
        """What did not, and why."""
        absent = "" if self._process is None else self._process.absent
        return {**self._missing, **(dict.fromkeys(_OF_PROCESS, absent) if absent else {})}

    def open(self) -> None:
        """Probe each sensor once."""
        self._missing = {}
        self._slow_ns = None
        if self._observed is None:
            self._process = process = OwnProcess(self._now_ns)
        else:
            self._process = process = OtherProcess(self._observed, self._now_ns)
        load = (_process_load(process.name), process.load)
        memory = Metric(_PROCESS_RSS, f"Memory of {process.name}", "bytes")
        self._fast = []
        self._slow = [(_LOAD, _MachineLoad()), (memory, process.resident)]
        if self._observed is None:
            self._fast.append(load)
        else:
            self._slow.insert(0, load)
        for group, metric, make in (
            (self._fast, _POWER, self._power),
            (self._fast, _THROTTLED, self._throttled),
            (self._slow, _FREQUENCY, self._frequency),
            (self._slow, _TEMPERATURE, self._temperature),
        ):
            try:
                made = make()
            except _FAILURES as error:
                made = f"cannot be read: {error}"
            if isinstance(made, str):
                self._missing[metric.name] = made
            else:
                group.append((metric, made))

    def read(self, *, thorough: bool = False) -> Reading:
        """Read now what is due; see `Source.read`."""
        now_ns = self._now_ns()
        values = [self._value(metric, probe) for metric, probe in self._fast]
        due = thorough or self._slow_ns is None or now_ns - self._slow_ns >= _SLOW_NS
        if due:
            self._slow_ns = now_ns
        values += [self._value(m, p) if due else None for m, p in self._slow]
        counted = any(m.throttle_reason for m, _ in self._fast)
        return Reading(values, () if counted else None)

    def close(self) -> None:
        """Nothing is held open."""

    def _value(self, metric: Metric, probe: Probe) -> float | None:
        try:
            return probe()
        except _FAILURES as error:
            self._missing[metric.name] = f"answered at first, then: {error}"
            return None

    def _power(self) -> Probe | str:
        root = self._system / "class" / "powercap"
        try:
            power = RaplPower(root)
        except (OSError, ValueError) as error:
            path = getattr(error, "filename", None) or root
            return why_unreadable(Path(path), error)
        return lambda: power.watts(self._now_ns())

    def _throttled(self) -> Probe | str:
        """Nanoseconds that the packages were held back for heat, the longest of them."""
        cpus = self._system / "devices" / "system" / "cpu"
        name = "thermal_throttle/package_throttle_total_time_ms"
        by_package: dict[str, Path] = {}
        for folder in sorted(cpus.glob("cpu[0-9]*")):
            if (folder / name).exists():
                package = (folder / "topology" / "physical_package_id").read_text()
                by_package.setdefault(package, folder / name)
        if not by_package:
            return "the kernel keeps no throttle time of this processor"
        paths = list(by_package.values())
        return lambda: 1e6 * max(read_number(path) for path in paths)

    def _frequency(self) -> Probe | str:
        def mean_mhz() -> float | None:
            frequency = psutil.cpu_freq()
            return float(frequency.current) if frequency else None

        return mean_mhz if mean_mhz() else "the kernel does not tell the frequency"

    def _temperature(self) -> Probe | str:
        def hottest() -> float | None:
            chips = psutil.sensors_temperatures()
            known = [chips[name] for name in _CHIPS if name in chips]
            return max((s.current for s in known[0]), default=None) if known else None

        if not hasattr(psutil, "sensors_temperatures") or hottest() is None:
            return "the kernel shows no processor temperature (virtual machines have none)"
        return hottest


_OF_PROCESS = _PROCESS_LOAD, _PROCESS_RSS = "cpu.process_load", "memory.rss"
_LOAD = Metric("cpu.load", "Load of all cores", "%", 100.0)
_POWER = Metric("cpu.power", "Processor power", "W")
_FREQUENCY = Metric("cpu.frequency", "Core frequency, mean", "MHz")
_TEMPERATURE = Metric("cpu.temperature", "Hottest core", "°C")
_THROTTLED = Metric("cpu.throttled", "Held back", "ns", None, "processor too hot")


def _process_load(name: str) -> Metric:
    limit = 100.0 * available_cores()
    return Metric(_PROCESS_LOAD, f"Load of {name} (100 % = one core)", "%", limit)


class _MachineLoad:
    """Share of all cores that was busy since the last call."""

    def __init__(self) -> None:
        self._last = _busy_and_all()

    def __call__(self) -> float | None:
        now = _busy_and_all()
        busy, whole = now[0] - self._last[0], now[1] - self._last[1]
        if whole <= 0:
            return None
        self._last = now
        return min(max(100 * busy / whole, 0.0), 100.0)


def _busy_and_all() -> tuple[float, float]:
    """Seconds of all cores: busy, and in all (guest time is part of user time already)."""
    spent = psutil.cpu_times()._asdict()
    whole = sum(seconds for name, seconds in spent.items() if not name.startswith("guest"))
    return whole - spent["idle"] - spent.get("iowait", 0.0), whole
