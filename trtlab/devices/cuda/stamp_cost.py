"""What taking times adds to a replay, found from replays with and without."""

from collections.abc import Callable
from statistics import median
from typing import Any

from trtlab.devices.cuda.clock import elapsed_ns
from trtlab.devices.cuda.libraries import cupy

_WARMUP = 3
_FEWEST, _MOST = 3, 15
_ENOUGH_NS = 1e9  # of replays; then the cost of events is lost in what they time


def cost_ns(
    stream: Any,  # noqa: ANN401 - a CuPy stream
    plain: Callable[[], None],
    stamped: Callable[[], None],
    added: int,
) -> float:
    """What each added node costs; 0 where it cannot be told apart.

    Args:
        stream: Where the replays go; idle.
        plain: Replays without them.
        stamped: Replays with them.
        added: How many there are.
    """
    return max(_extra_ns(stream, plain, stamped), 0.0) / added


def _extra_ns(
    stream: Any,  # noqa: ANN401 - a CuPy stream
    plain: Callable[[], None],
    stamped: Callable[[], None],
) -> float:
    """How much longer a stamped replay takes than the plain ones right before and behind it.

    In turns, for clocks move meanwhile: a drift adds to one neighbour what it takes from the
    other, and a jump spoils one difference of many.
    """
    for _ in range(_WARMUP):
        replay_ns(stream, plain)
        replay_ns(stream, stamped)
    before = replay_ns(stream, plain)
    spent, differences = 0, list[float]()
    while len(differences) < (_MOST if spent < _ENOUGH_NS else _FEWEST):
        along, behind = replay_ns(stream, stamped), replay_ns(stream, plain)
        differences.append(along - (before + behind) / 2)
        spent += along + behind
        before = behind
    return median(differences)


def replay_ns(stream: Any, replay: Callable[[], None]) -> int:  # noqa: ANN401 - a CuPy stream
    """Time of one replay between two events of the stream."""
    event = cupy().cuda.Event
    before, after = event(), event()
    before.record(stream)
    replay()
    after.record(stream)
    after.synchronize()
    return elapsed_ns(before, after)
