"""One memory format a layer for the whole network, reformat costs included.

With two formats the best assignment is a minimum cut: a layer on the source side runs LINEAR,
one on the sink side HWC. A layer's times are its edges to the terminals; a tensor whose producer
and any reader differ is converted once, which costs its reformat time.

Source: Greig, Porteous and Seheult 1989 (exact two-label energies by minimum cut);
Dinic 1970 for the flow.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from trtlab.core.types import TensorFormat

_INFINITE_NS = 1 << 50


@dataclass(frozen=True, slots=True)
class Choice:
    """A layer's time in microseconds by format; infinite where it cannot run."""

    linear_us: float
    hwc_us: float


@dataclass(frozen=True, slots=True)
class Link:
    """A tensor that can lie in either format.

    Attributes:
        producer: Index of the layer that writes it; None for a network input (LINEAR).
        readers: Indices of the layers that read it; None for a network output (LINEAR).
        reformat_us: Time to convert it.
    """

    producer: int | None
    readers: tuple[int | None, ...]
    reformat_us: float


def assign_formats(choices: Sequence[Choice], links: Sequence[Link]) -> list[TensorFormat]:
    """The format of every layer with the least total time."""
    flow = _Flow()
    source, sink = flow.node(), flow.node()
    nodes = [flow.node() for _ in choices]
    for node, choice in zip(nodes, choices, strict=True):
        flow.edge(
            source, node, _ns(choice.hwc_us)
        )  # cut when the layer lands on the sink side
        flow.edge(node, sink, _ns(choice.linear_us))
    for link in links:
        producer = source if link.producer is None else nodes[link.producer]
        readers = [source if r is None else nodes[r] for r in link.readers]
        cost = max(_ns(link.reformat_us), 1)
        to_hwc, to_linear = flow.node(), flow.node()
        flow.edge(producer, to_hwc, cost)
        flow.edge(to_linear, producer, cost)
        for reader in readers:
            flow.edge(to_hwc, reader, _INFINITE_NS)
            flow.edge(reader, to_linear, _INFINITE_NS)
    reachable = flow.source_side(source, sink)
    return [TensorFormat.LINEAR if reachable[n] else TensorFormat.HWC for n in nodes]


def _ns(time_us: float) -> int:
    return min(int(time_us * 1e3), _INFINITE_NS) if time_us != float("inf") else _INFINITE_NS


class _Flow:
    """Dinic's maximum flow on integer capacities."""

    def __init__(self) -> None:
        self._heads: list[list[int]] = []
        self._to: list[int] = []
        self._capacity: list[int] = []

    def node(self) -> int:
        self._heads.append([])
        return len(self._heads) - 1

    def edge(self, start: int, end: int, capacity: int) -> None:
        if start == end:
            return
        for a, b, c in ((start, end, capacity), (end, start, 0)):
            self._heads[a].append(len(self._to))
            self._to.append(b)
            self._capacity.append(c)

    def source_side(self, source: int, sink: int) -> list[bool]:
        """Nodes that the source still reaches once the flow is maximal."""
        while True:
            levels = self._levels(source)
            if levels[sink] < 0:
                return [level >= 0 for level in levels]
            cursors = [0] * len(self._heads)
            while self._augment(source, sink, levels, cursors):
                pass

    def _levels(self, source: int) -> list[int]:
        levels = [-1] * len(self._heads)
        levels[source] = 0
        queue = deque([source])
        while queue:
            node = queue.popleft()
            for edge in self._heads[node]:
                target = self._to[edge]
                if self._capacity[edge] > 0 and levels[target] < 0:
                    levels[target] = levels[node] + 1
                    queue.append(target)
        return levels

    def _augment(self, source: int, sink: int, levels: list[int], cursors: list[int]) -> bool:
        """Push flow along one shortest path, found depth first without recursion."""
        path: list[int] = []
        node = source
        while node != sink:
            if cursors[node] < len(self._heads[node]):
                edge = self._heads[node][cursors[node]]
                target = self._to[edge]
                if self._capacity[edge] > 0 and levels[target] == levels[node] + 1:
                    path.append(edge)
                    node = target
                else:
                    cursors[node] += 1
            elif path:
                node = self._to[path.pop() ^ 1]
                cursors[node] += 1
            else:
                return False
        pushed = min(self._capacity[edge] for edge in path)
        for edge in path:
            self._capacity[edge] -= pushed
            self._capacity[edge ^ 1] += pushed
        return True
