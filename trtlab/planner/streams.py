"""Independent branches on auxiliary streams.

The steps between two bounds through which everything must pass (one step's result is alive, or
one concatenation's parts) form a region. Branches of a region that do not depend on each other
go to different streams, the longest first onto the least loaded one; the streams join at the
region's end. Regions are also how memory stays safe: whatever lives inside one counts as alive
for all of it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Placement:
    """A step's stream (0 is the main one) and its region.

    Attributes:
        stream: Stream number.
        region: Number of the parallel region, −1 outside of any.
        first: First step of the region (the step itself outside).
        last: Last step of the region (the step itself outside).
    """

    stream: int
    region: int
    first: int
    last: int


def assign_streams(
    depends: Sequence[frozenset[int]], times_us: Sequence[float], streams: int
) -> list[Placement]:
    """A stream for every step.

    Args:
        depends: For each step the earlier steps that it reads from (directly).
        times_us: Expected time of each step; 0 where nobody timed it, which counts as the
            shortest of the others.
        streams: Streams that may be used, the main one included.
    """
    count = len(depends)
    result = [Placement(0, -1, i, i) for i in range(count)]
    if streams < 2 or count < 3:
        return result
    least = min((t for t in times_us if t > 0), default=1.0)
    times = [t if t > 0 else least for t in times_us]
    region = 0
    for first, last in _regions(depends):
        branches = _components(range(first, last), depends)
        if len(branches) < 2:
            continue
        load = [0.0] * streams
        order = sorted(branches, key=lambda b: -sum(times[i] for i in b))
        for branch in order:
            stream = load.index(min(load))
            load[stream] += sum(times[i] for i in branch)
            for step in branch:
                result[step] = Placement(stream, region, first, last - 1)
        region += 1
    return result


def _regions(depends: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """Half-open ranges of steps between two neighbouring bounds.

    A bound lies before a step when whatever follows and reads results from before reads all of
    those that are still read: one result, or the parts of one concatenation.
    """
    count = len(depends)
    readers: list[list[int]] = [[] for _ in range(count)]
    for step, sources in enumerate(depends):
        for source in sources:
            readers[source].append(step)
    bounds = [0]
    alive: list[int] = []  # steps whose results are still read
    for step in range(1, count):
        alive = [s for s in (*alive, step - 1) if readers[s] and readers[s][-1] >= step]
        later = {tuple(readers[s][bisect_left(readers[s], step) :]) for s in alive}
        if len(later) < 2:
            bounds.append(step)
    return [(a, b) for a, b in pairwise([*bounds, count]) if b - a > 1]


def _components(steps: range, depends: Sequence[frozenset[int]]) -> list[list[int]]:
    """Groups of steps that depend on each other within the range."""
    parent = {step: step for step in steps}

    def root(step: int) -> int:
        while parent[step] != step:
            parent[step] = parent[parent[step]]
            step = parent[step]
        return step

    for step in steps:
        for source in depends[step]:
            if source in parent:
                parent[root(step)] = root(source)
    groups: dict[int, list[int]] = {}
    for step in steps:
        groups.setdefault(root(step), []).append(step)
    return list(groups.values())
