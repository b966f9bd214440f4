"""A group of sensors that are read together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Metric:
    """One quantity of a source.

    Attributes:
        name: Dotted and stable, such as ``gpu.sm_clock``. label: For people. unit: MHz, W,
        °C, %, bytes, J …; empty for plain numbers. limit: Where the device begins to hold
        back, or its maximum, if it tells. throttle_reason: Set for a counter of nanoseconds
        that the device was held back for that
            reason; such counters end in intervals and verdicts, not in traces.
    """

    name: str
    label: str
    unit: str
    limit: float | None = None
    throttle_reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source said at one moment.

    Attributes:
        values: One for each of the source's metrics, in order; None when there is no fresh
        one. throttled: Reasons for which clocks are held back right now; None if that is not
        told. notes: Other things that set the clocks, such as a fixed application clock.
    """

    values: Sequence[float | None]
    throttled: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Sensors behind one door; used from one thread at a time."""

    @property
    def name(self) -> str:
        """``nvml`` or ``host``."""
        ...

    @property
    def metrics(self) -> Sequence[Metric]:
        """What answered when the source was opened."""
        ...

    @property
    def missing(self) -> Mapping[str, str]:
        """What did not answer, and why: metric name → reason."""
        ...

    def open(self) -> None:
        """Probe each metric once; never fails, but may find nothing."""
        ...

    def read(self, *, thorough: bool = False) -> Reading:
        """Read now what is due; a failure becomes None and an entry of `missing`.

        Args:
            thorough: Read everything, also what costs much or changes seldom.
        """
        ...

    def close(self) -> None:
        """Give the sensors back."""
        ...
