"""Processor time and memory of one process: this one, or another one seen from outside."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from trtlab.profiling.query import Clock

_SHORTEST_NS = 2_000_000  # a load over less than this is that of the sampler itself


@dataclass(frozen=True, slots=True)
class ObservedProcess:
    """A process whose place another one may take.

    Attributes:
        name: What it is to people, as in "Load of NAME".
        pid: Asked before each look; None while there is none.
    """

    name: str
    pid: Callable[[], int | None]


class OwnProcess:
    """This process, whose processor time the kernel tells in nanoseconds.

    Args:
        now_ns: The clock.
    """

    name = "this process"
    absent = ""

    def __init__(self, now_ns: Clock) -> None:
        self._now_ns = now_ns
        self._process = psutil.Process()
        self._last = now_ns(), time.process_time_ns()

    def load(self) -> float | None:
        """Processor time by wall time in percent; above 100 with several threads."""
        now = self._now_ns(), time.process_time_ns()
        percent = _load(self._last, now)
        if percent is not None:
            self._last = now
        return percent

    def resident(self) -> float | None:
        """Resident memory in bytes."""
        return float(self._process.memory_info().rss)


class OtherProcess:
    """Another process, whose processor time counts in ticks of 10 ms.

    Args:
        observed: Which one.
        now_ns: The clock.

    Attributes:
        absent: Why there was nothing to look at the last time; empty if there was.
    """

    def __init__(self, observed: ObservedProcess, now_ns: Clock) -> None:
        self.name = observed.name
        self.absent = ""
        self._noun = observed.name.removeprefix("the ")
        self._pid = observed.pid
        self._now_ns = now_ns
        self._process: psutil.Process | None = None
        self._last: tuple[int, int] | None = None
        self._current()

    def load(self) -> float | None:
        """As `OwnProcess.load`; None while there is no process, and at the first look."""
        process = self._current()
        if process is None:
            return None
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            return self._ended()
        now = self._now_ns(), round(1e9 * (times.user + times.system))
        percent = None if self._last is None else _load(self._last, now)
        if percent is not None or self._last is None:
            self._last = now
        return percent

    def resident(self) -> float | None:
        """As `OwnProcess.resident`; None while there is no process."""
        process = self._current()
        try:
            return None if process is None else float(process.memory_info().rss)
        except psutil.NoSuchProcess:
            return self._ended()

    def _current(self) -> psutil.Process | None:
        """The process of now; one that took another one's place has no past."""
        pid = self._pid()
        if pid is None:
            seen = self._process is not None
            return self._ended() if seen else self._none(f"no {self._noun} yet")
        if self._process is None or self._process.pid != pid:
            self._last = None
            try:
                self._process = psutil.Process(pid)
            except psutil.NoSuchProcess:
                return self._ended()
        self.absent = ""
        return self._process

    def _ended(self) -> None:
        return self._none(f"{self.name} has ended")

    def _none(self, why: str) -> None:
        self.absent = why
        self._last = None


def _load(last: tuple[int, int], now: tuple[int, int]) -> float | None:
    """Percent between two (wall, processor) times in nanoseconds; None over too short a time."""
    wall_ns, spent_ns = now[0] - last[0], now[1] - last[1]
    return None if wall_ns < _SHORTEST_NS else 100 * spent_ns / wall_ns
