"""Questions about a graph that rules ask again and again."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from trtlab.core.types import Shape
from trtlab.layers.base import Array, Op
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Rejection

OpT = TypeVar("OpT", bound=Op)


def producer(tensor: Tensor | None, *kinds: type[Op]) -> Layer | None:
    """The layer that computes a tensor, if it is of one of these types."""
    if tensor is None or tensor.producer is None or tensor.is_constant:
        return None
    return tensor.producer if isinstance(tensor.producer.op, kinds) else None


def made_by(tensor: Tensor | None, kind: type[OpT]) -> tuple[Layer, OpT] | None:
    """As `producer`, with the operator."""
    layer = producer(tensor, kind)
    return None if layer is None or not isinstance(layer.op, kind) else (layer, layer.op)


def shared(network: Network, tensor: Tensor, reader: Layer) -> Rejection | None:
    """A rejection when anybody but ``reader`` needs a tensor."""
    others = tuple(c.name for c in tensor.consumers if c is not reader)
    if tensor in network.outputs:
        return Rejection("the value between is an output of the network", (tensor.name,))
    if others:
        return Rejection("the value between has other readers", others[:4])
    return None


def is_private(network: Network, tensor: Tensor, *readers: Layer) -> bool:
    """Whether only these layers read a tensor, and it is no network output."""
    return tensor not in network.outputs and all(c in readers for c in tensor.consumers)


def scalar(tensor: Tensor | None) -> float | None:
    """The value of a constant with one element."""
    if tensor is None or tensor.data is None or tensor.data.size != 1:
        return None
    return float(tensor.data.reshape(()))


def same_shape(a: Tensor, b: Tensor) -> bool:
    """Whether two shapes are equal for certain, by number or name."""
    return a.shape == b.shape


def other_input(layer: Layer, tensor: Tensor) -> Tensor | None:
    """The second operand of a two-operand layer; None when both are the same."""
    rest = [t for t in layer.inputs if t is not None and t is not tensor]
    return rest[0] if len(rest) == 1 else None


def operands(layer: Layer) -> tuple[Tensor, ...]:
    """The inputs that are there."""
    return tuple(t for t in layer.inputs if t is not None)


def vector_along(tensor: Tensor, rank: int, axis: int, size: int) -> Array | None:
    """A constant that varies along one axis only, as ``[size]``.

    Args:
        tensor: Broadcasts against a tensor of ``rank`` dimensions.
        rank: Of the other tensor.
        axis: Of the other tensor, not negative.
        size: Its extent along that axis.

    Returns:
        None when the tensor is no constant or varies along another axis.
    """
    if tensor.data is None or tensor.data.ndim > rank:
        return None
    full = (1,) * (rank - tensor.data.ndim) + tensor.data.shape
    if any(extent != 1 for i, extent in enumerate(full) if i != axis):
        return None
    if full[axis] not in {1, size}:
        return None
    return np.broadcast_to(tensor.data.reshape(-1), (size,))


def nodes_between(root: Layer, leaves: Iterable[Tensor]) -> tuple[Layer, ...]:
    """The layers from ``leaves`` (left out) to ``root``, in an execution order."""
    stop = {id(t) for t in leaves}
    seen: set[int] = set()
    order: list[Layer] = []

    def visit(layer: Layer) -> None:
        seen.add(id(layer))
        for tensor in layer.inputs:
            if tensor is None or tensor.is_constant or id(tensor) in stop:
                continue
            if tensor.producer is not None and id(tensor.producer) not in seen:
                visit(tensor.producer)
        order.append(layer)

    visit(root)
    return tuple(order)


def permutation_of(shape: Shape) -> Iterator[int]:
    """Axes with more than one element (or an unknown number), in order."""
    return (axis for axis, extent in enumerate(shape) if extent != 1)
