"""Independent branches on auxiliary streams.

The steps between two points through which everything must pass (only one step's result is
alive) form a region. Branches of a region that do not depend on each other go to different
streams, the longest first onto the least loaded one; the streams join before the region's last
step. Regions are also how memory stays safe: whatever lives inside one counts as alive for all
of it.
"""

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
    """Half-open ranges of steps strictly between two cut steps.

    A step is a cut when every later step depends on earlier ones only through it.
    """
    count = len(depends)
    # reach[i]: the earliest step that any step from i on reads from.
    earliest = [count] * (count + 1)
    for step in reversed(range(count)):
        own = min(depends[step], default=count)
        earliest[step] = min(earliest[step + 1], own)
    cuts = [-1] + [i for i in range(count) if earliest[i + 1] >= i]
    return [(a + 1, b) for a, b in pairwise(cuts) if b - a > 2]


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
