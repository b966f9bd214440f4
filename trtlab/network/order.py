"""Topological order that keeps what it need not change."""

from collections.abc import Collection, Sequence
from heapq import heappop, heappush


def stable_order(waits_for: Sequence[Collection[int]]) -> tuple[list[int], list[int]]:
    """Places in an order in which everything comes after what it waits for.

    Args:
        waits_for: For each place the places that must come before it, each once.

    Returns:
        The order, the earliest place that can go next at each step (Kahn's algorithm with a
        heap); and the places on or behind a cycle, which cannot be ordered.
    """
    left = [len(earlier) for earlier in waits_for]
    readers: list[list[int]] = [[] for _ in waits_for]
    for place, earlier in enumerate(waits_for):
        for producer in earlier:
            readers[producer].append(place)
    ready = [place for place, count in enumerate(left) if count == 0]  # ascending: a heap
    order: list[int] = []
    while ready:
        place = heappop(ready)
        order.append(place)
        for reader in readers[place]:
            left[reader] -= 1
            if left[reader] == 0:
                heappush(ready, reader)
    return order, [place for place, count in enumerate(left) if count > 0]
