"""Events around the steps of a program, read as times of the host's clock."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cuda.clock import Anchor, anchor, elapsed_ns
from trtlab.devices.cuda.enqueueing import Hooks, record
from trtlab.devices.cuda.libraries import cupy
from trtlab.devices.protocol import Scheduled

_WARMUP = 3
_FEWEST, _MOST = 3, 15
_ENOUGH_NS = 1e9  # of replays; then the cost of events is lost in what they time


class Stamps:
    """One event between neighbours of a stream; a region's streams begin with their own.

    Args:
        steps: With their streams and regions.

    Attributes:
        steps: The same.
    """

    def __init__(self, steps: Sequence[Scheduled]) -> None:
        self.steps = steps
        self._in_line = all(step.region < 0 for step in steps)
        self._events: list[Any] = []
        self._pairs: list[tuple[int, int]] = []
        self._cost: float | None = None
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

    # ---- what an event costs -----------------------------------------------------------

    @property
    def calibrated(self) -> bool:
        """Whether the events' own cost is known."""
        return self._cost is not None

    def calibrate(
        self,
        stream: Any,  # noqa: ANN401 - a CuPy stream
        plain: Callable[[], None] | None,
        stamped: Callable[[], None],
    ) -> None:
        """Find what one event node adds to a replay; 0 where it cannot be told apart.

        Args:
            stream: Where the replays go; idle.
            plain: Replays without events; None where that cannot be.
            stamped: Replays with them.
        """
        self._cost = 0.0
        if plain is not None:
            added_ns = extra_ns(stream, plain, stamped)
            self._cost = max(added_ns, 0.0) / (len(self._events) - 1)

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
        cost = self._cost or 0.0
        since -= np.minimum(cost * np.arange(len(since)), since).astype(np.int64)
        times = origin + (np.maximum.accumulate(since) if self._in_line else since)
        return np.array([(times[a], times[b]) for a, b in self._pairs], np.int64)


def extra_ns(
    stream: Any,  # noqa: ANN401 - a CuPy stream
    plain: Callable[[], None],
    stamped: Callable[[], None],
) -> float:
    """How much longer a stamped replay takes than the plain ones right before and behind it.

    In turns, for clocks move meanwhile: a drift adds to one neighbour what it takes from the
    other, and a jump spoils one difference of many.
    """
    for _ in range(_WARMUP):
        _replay_ns(stream, plain)
        _replay_ns(stream, stamped)
    before = _replay_ns(stream, plain)
    spent, differences = 0, list[float]()
    while len(differences) < (_MOST if spent < _ENOUGH_NS else _FEWEST):
        along, behind = _replay_ns(stream, stamped), _replay_ns(stream, plain)
        differences.append(along - (before + behind) / 2)
        spent += along + behind
        before = behind
    return median(differences)


def _replay_ns(stream: Any, replay: Callable[[], None]) -> int:  # noqa: ANN401 - a CuPy stream
    """Time of one replay between two events of the stream."""
    event = cupy().cuda.Event
    before, after = event(), event()
    before.record(stream)
    replay()
    after.record(stream)
    after.synchronize()
    return elapsed_ns(before, after)
