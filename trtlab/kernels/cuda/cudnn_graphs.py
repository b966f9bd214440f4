"""Graphs of NVIDIA's cuDNN library, shared by the launches that run them."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakValueDictionary


class SharedGraphs:
    """Graphs by what they are made from: those that a launch holds, and the last few beyond.

    The last few serve candidates that are tried one after the other, and the engine that is
    made of the best ones. More are not kept: with a graph stay all plans that were tried, and
    their code on the device.

    Args:
        kept: Of how many graphs nobody needs to hold one.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._held: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._last: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - a library graph
        """The graph of a key; it is made where there is none."""
        graph = self._held.get(key)
        if graph is None:
            graph = self._held[key] = make()
        self._last[key] = graph
        self._last.move_to_end(key)
        if len(self._last) > self._kept:
            self._last.popitem(last=False)
        return graph

    def clear(self) -> None:
        """Share none of those that were made before."""
        self._held.clear()
        self._last.clear()
