"""Where a query's whole waiting time goes, as parts that add up.

launch + copy in + layers + gaps + begin and end + hand-over + copy out + wake-up + unexplained
= end to end, in medians. Layers, gaps, begin and end come from the profiled queries and the rest
from the plain ones that took turns with them, so *unexplained* is what plain computing takes
beyond these: what nobody timed, less what time stamps cost (it may be negative).
"""

from collections.abc import Callable, Sequence
from statistics import median

from trtlab.profiling.layers import Turns, busy_ns, gaps_ns
from trtlab.profiling.query import Query


def reconcile(turns: Turns) -> dict[str, float]:
    """The parts in milliseconds, in the order of time; they add up to the whole.

    Args:
        turns: At least one query of each kind.

    Returns:
        ``launch``, ``copy in``, ``layers``, ``gaps``, ``begin and end`` where the device tells
        it, ``hand-over``, ``copy out``, ``wake-up`` and ``unexplained``; the last one may be
        below zero.
    """
    single, profiled = turns
    edges_ns = [e for query in profiled if (e := query.device.edges_ns) is not None]
    parts = {
        "launch": _median_ms(single, _launch_ns),
        "copy in": _median_ms(
            single, lambda q: q.device.h2d.duration_ns if q.device.h2d else 0
        ),
        "layers": _median_ms(profiled, lambda q: busy_ns(q.device.layers)),
        "gaps": _median_ms(profiled, lambda q: gaps_ns(q.device.layers)),
        **({"begin and end": median(edges_ns) / 1e6} if edges_ns else {}),
        "hand-over": _median_ms(single, _hand_over_ns),
        "copy out": _median_ms(
            single, lambda q: q.device.d2h.duration_ns if q.device.d2h else 0
        ),
        "wake-up": _median_ms(single, _wake_up_ns),
    }
    whole = _median_ms(single, lambda q: q.host.duration_ns)
    return {**parts, "unexplained": whole - sum(parts.values())}


def _launch_ns(query: Query) -> int:
    """From the first call until computing begins, copies taken off."""
    h2d = query.device.h2d
    waited_ns = query.device.compute.start_ns - query.host.start_ns
    return waited_ns - (h2d.duration_ns if h2d else 0)


def _hand_over_ns(query: Query) -> int:
    """From the end of computing until the copy out begins, on a stream of its own on a GPU."""
    d2h = query.device.d2h
    return d2h.start_ns - query.device.compute.end_ns if d2h else 0


def _wake_up_ns(query: Query) -> int:
    """From the device's last work until the host holds the results."""
    last = query.device.d2h or query.device.compute
    return query.host.end_ns - last.end_ns


def _median_ms(queries: Sequence[Query], part_ns: Callable[[Query], int]) -> float:
    return median(part_ns(query) for query in queries) / 1e6
