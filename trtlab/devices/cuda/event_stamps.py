"""Events around the steps of a program, read as times of the host's clock."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cuda.clock import Anchor, anchor, elapsed_ns
from trtlab.devices.cuda.enqueueing import Hooks, record
from trtlab.devices.cuda.libraries import cupy
from trtlab.devices.protocol import Scheduled


class EventStamps:
    """One event between neighbours of a stream; a region's streams begin with their own.

    Args:
        steps: With their streams and regions.

    Attributes:
        steps: The same.
        cost_ns: What one event adds to a run.
    """

    def __init__(self, steps: Sequence[Scheduled]) -> None:
        self.steps = steps
        self._in_line = all(step.region < 0 for step in steps)
        self._events: list[Any] = []
        self._pairs: list[tuple[int, int]] = []
        self.cost_ns = 0.0
        self._anchor: Anchor | None = None
        event = cupy().cuda.Event
        last: dict[int, int] = {}
        region = -1
        for step in steps:
            if step.region != region:
                last = {} if step.region >= 0 or region >= 0 else last
                region = step.region
            before = last.get(step.stream)
            if before is None:
                before = len(self._events)
                self._events.append(event())
            after = len(self._events)
            self._events.append(event())
            self._pairs.append((before, after))
            last[step.stream] = after

    def hooks(self, *, recorded: bool) -> Hooks:
        """Records the events.

        Args:
            recorded: The streams are being captured: nodes that record on every replay.
        """
        seen: set[int] = set()

        def mark(place: int, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
            seen.add(place)
            record(self._events[place].ptr, stream, recorded=recorded)

        def before(number: int, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
            if self._pairs[number][0] not in seen:
                mark(self._pairs[number][0], stream)

        def after(number: int, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
            mark(self._pairs[number][1], stream)

        return Hooks(before, after)

    @property
    def added(self) -> int:
        """Event nodes of a run, but for the one that it begins with."""
        return len(self._events) - 1

    # ---- reading -----------------------------------------------------------------------

    def anchored(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Tie the coming run to the host's clock.

        Args:
            stream: Of the device; waited for.
        """
        self._anchor = anchor(stream)

    def unanchored(self) -> None:
        """The coming runs count from their own begin: they are captured by somebody else."""
        self._anchor = None

    def launched(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Nothing to do: the last event tells where the run ends."""

    def read(self) -> NDArray[np.int64]:
        """Start and end of each step in nanoseconds; waits for the run."""
        if not self._pairs:
            return np.zeros((0, 2), np.int64)
        for _, after in self._pairs:
            self._events[after].synchronize()
        first = self._events[self._pairs[0][0]]
        origin = 0 if self._anchor is None else self._anchor.at(first)
        since = np.array([elapsed_ns(first, event) for event in self._events], np.int64)
        since -= np.minimum(self.cost_ns * np.arange(len(since)), since).astype(np.int64)
        times = origin + (np.maximum.accumulate(since) if self._in_line else since)
        return np.array([(times[a], times[b]) for a, b in self._pairs], np.int64)
