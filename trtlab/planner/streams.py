"""Independent branches on auxiliary streams.

The steps between two bounds through which everything must pass (one step's result is alive, or
one concatenation's parts) form a region; so does all up to the last step that reads nothing but
inputs of the network, where that saves more time. Branches of a region that do not depend on
each other go to different streams, the longest first onto the least loaded one; the streams join
at the region's end. Regions are also how memory stays safe: whatever lives inside one counts as
alive for all of it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
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
    number = 0
    for region in _chosen(depends, times, streams):
        if region.branches < 2:
            continue
        for step, stream in region.streams.items():
            result[step] = Placement(stream, number, region.first, region.last - 1)
        number += 1
    return result


@dataclass(frozen=True, slots=True)
class _Region:
    """Steps from the first up to before the last, spread over streams.

    Attributes:
        first: The first step.
        last: The step behind it.
        branches: Groups of steps that do not depend on each other.
        streams: Each step's.
        time_us: Of the stream that takes longest.
    """

    first: int
    last: int
    branches: int
    streams: dict[int, int]
    time_us: float


def _chosen(
    depends: Sequence[frozenset[int]], times: Sequence[float], streams: int
) -> Iterator[_Region]:
    """Regions in order; larger ones, with branches that begin at inputs, where these pay."""
    inner = [_spread(span, depends, times, streams) for span in _spans(depends)]
    for span in _spans(depends, from_inputs=True):
        whole = _spread(span, depends, times, streams)
        within = [r for r in inner if span[0] <= r.first and r.last <= span[1]]
        saved = sum(sum(times[r.first : r.last]) - r.time_us for r in within)
        pays = whole.time_us < sum(times[slice(*span)]) - saved
        yield from [whole] if pays else within


def _spread(
    span: tuple[int, int],
    depends: Sequence[frozenset[int]],
    times: Sequence[float],
    streams: int,
) -> _Region:
    """The longest branch first, each to the stream with the least to do."""
    branches = _components(range(*span), depends)
    load = [0.0] * streams
    found: dict[int, int] = {}
    for branch in sorted(branches, key=lambda b: -sum(times[i] for i in b)):
        stream = load.index(min(load))
        load[stream] += sum(times[i] for i in branch)
        found |= dict.fromkeys(branch, stream)
    return _Region(*span, len(branches), found, max(load))


def _spans(
    depends: Sequence[frozenset[int]], *, from_inputs: bool = False
) -> list[tuple[int, int]]:
    """Half-open ranges of steps between two neighbouring bounds.

    A bound lies before a step when whatever follows and reads results from before reads all of
    those that are still read: one result, or the parts of one concatenation.

    Args:
        depends: For each step the earlier ones that it reads from.
        from_inputs: No bound lies before steps that read no other's result, but for the first:
            they need not wait for what is before the bound.
    """
    count = len(depends)
    readers: list[list[int]] = [[] for _ in range(count)]
    for step, sources in enumerate(depends):
        for source in sources:
            readers[source].append(step)
    begin = max(i for i in range(count) if not depends[i]) if from_inputs else 0
    bounds = [0]
    alive: list[int] = []  # steps whose results are still read
    for step in range(1, count):
        alive = [s for s in (*alive, step - 1) if readers[s] and readers[s][-1] >= step]
        later = {tuple(readers[s][bisect_left(readers[s], step) :]) for s in alive}
        if len(later) < 2 and step > begin:
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
