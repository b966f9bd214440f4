"""How far a measurement is, for those who wait for it."""

from collections.abc import Callable
from dataclasses import dataclass

WARM_UP, MEASURE, TIME_LAYERS = "Warming up", "Measuring", "Timing layers"
PERCENT = "%"  # the unit of phases that end with their time, whose steps nobody knows


@dataclass(frozen=True, slots=True)
class Step:
    """Where a measurement is.

    Attributes:
        phase: What is being done, in words that a person knows.
        done: How much of the phase is done.
        total: The whole phase, in the same unit; 0 when unknown.
        unit: What is counted; ``%`` when it is a share only.
        message: What else there is to say.
    """

    phase: str
    done: int = 0
    total: int = 0
    unit: str = ""
    message: str = ""

    @property
    def count(self) -> str:
        """``79 %``, or ``12 of 54`` with the unit; empty when the whole is unknown."""
        return counted(self.done, self.total, self.unit)


Progress = Callable[[Step], None]


def silent(_: Step) -> None:
    """Progress without a listener."""


def counted(done: int, total: int, unit: str) -> str:
    """What `Step.count` says; also for steps that have no unit."""
    if not total:
        return ""
    if unit == PERCENT:
        return f"{100 * done // total} %"
    return f"{done:,} of {total:,} {unit}".rstrip()
