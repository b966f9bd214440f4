"""Values of tensors that follow from constants alone, computed when a converter asks."""

from math import prod

import numpy as np

from trtlab.core.types import is_static
from trtlab.layers.base import Array, extents_of
from trtlab.network.graph import Layer, Tensor
from trtlab.parser.limits import LIMITS


class KnownValues:
    """Evaluates constant parts of a network, each layer at most once.

    The layers stay in the network; that nobody reads them any more is for a pass to find.
    """

    def __init__(self) -> None:
        self._found: dict[Tensor, Array | None] = {}

    def of(self, tensor: Tensor) -> Array | None:
        """The elements; None when they depend on inputs, or are too many to compute here."""
        waiting = [tensor]
        while waiting:
            current = waiting[-1]
            if current in self._found:
                waiting.pop()
                continue
            unknown = self._unknown_sources(current)
            if unknown:
                waiting += unknown
                continue
            self._found[current] = self._compute(current)
            waiting.pop()
        return self._found[tensor]

    def _unknown_sources(self, tensor: Tensor) -> list[Tensor]:
        """What has to be looked at first."""
        if _direct(tensor) is not None or tensor.producer is None or not _small(tensor):
            return []
        sources = [t for t in tensor.producer.inputs if t is not None]
        return [t for t in sources if t not in self._found]

    def _compute(self, tensor: Tensor) -> Array | None:
        direct = _direct(tensor)
        layer = tensor.producer
        if direct is not None or layer is None or not layer.inputs or not _small(tensor):
            return direct
        arguments = [None if t is None else self._found[t] for t in layer.inputs]
        complete = all(
            t is None or array is not None
            for t, array in zip(layer.inputs, arguments, strict=True)
        )
        if not complete:
            return None
        return layer.op.evaluate(arguments)[_position(layer, tensor)]


def _direct(tensor: Tensor) -> Array | None:
    """Elements that need no computation: a constant's, or shape arithmetic without names."""
    if tensor.data is not None:
        return tensor.data
    entries = extents_of(tensor.value)
    if tensor.value is None or entries is None:
        return None
    numbers = [entry for entry in entries if isinstance(entry, int)]
    if len(numbers) < len(entries):
        return None
    return np.array(numbers, dtype=tensor.dtype.numpy).reshape(tensor.value.shape)


def _small(tensor: Tensor) -> bool:
    extents = [extent for extent in tensor.shape if isinstance(extent, int)]
    return is_static(tensor.shape) and prod(extents) <= LIMITS.known_elements


def _position(layer: Layer, tensor: Tensor) -> int:
    return next(i for i, t in enumerate(layer.outputs) if t is tensor)
