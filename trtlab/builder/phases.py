"""The phases of a build: told to the monitor, and timed."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from trtlab.builder.progress import ProgressMonitor, step


@dataclass
class Phase:
    """One phase of a build as a context: reports start, steps and end, and takes the time."""

    clock: "Phases"
    name: str
    steps: int
    done: int = 0
    started: float = 0.0

    def __enter__(self) -> Callable[[], bool]:
        self.started = perf_counter()
        self.clock.monitor.phase_start(self.name, None, self.steps)
        return self._advance

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.clock.seconds[self.name] = round(perf_counter() - self.started, 4)
        if kind is None:
            self.clock.monitor.phase_finish(self.name)

    def _advance(self) -> bool:
        """Go on; a monitor that wants to stop raises out of here."""
        step(self.clock.monitor, self.name, self.done)
        self.done += 1
        return True


class Phases:
    """The build's phases with their seconds."""

    def __init__(self, monitor: ProgressMonitor) -> None:
        self.monitor = monitor
        self.seconds: dict[str, float] = {}
        self.started = perf_counter()

    def phase(self, name: str, steps: int) -> Phase:
        """A phase to run something in."""
        return Phase(self, name, steps)
