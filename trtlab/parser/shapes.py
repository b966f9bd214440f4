"""Put shapes together: as numbers where they can be, else by layers of shape arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass

from trtlab.core.enums import ElementWiseOperation, ReduceOperation
from trtlab.core.types import Dim, Shape
from trtlab.layers import dims
from trtlab.layers.creation import Shape as ShapeOf
from trtlab.layers.dims import Extent
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.gather import Gather
from trtlab.layers.reduction import Reduce
from trtlab.layers.shuffle import Concatenation, Shuffle
from trtlab.network.graph import Tensor
from trtlab.parser.node import Node


@dataclass(frozen=True, slots=True)
class Size:
    """An extent made from others: ``factor · Π x.shape[axes]``."""

    axes: tuple[int, ...]
    factor: int = 1

    def of(self, shape: Shape) -> Extent:
        """Its value for a shape."""
        return dims.mul(self.factor, *(shape[axis] for axis in self.axes))


def static_dims(wanted: Sequence[Extent], source: Shape) -> tuple[int, ...] | None:
    """``reshape_dims`` for a reshape to the wanted extents, if numbers suffice.

    A name becomes 0 (as in the source) where the source has the same extent on the same axis,
    and −1 (what is left) at most once.
    """
    copied = [
        0 if isinstance(e, Dim) and i < len(source) and source[i] == e else e
        for i, e in enumerate(wanted)
    ]
    named = [i for i, e in enumerate(copied) if isinstance(e, Dim)]
    empty = any(e == 0 and isinstance(e, int) for e in (*wanted, *source))
    if len(named) > 1 or (named and -1 in copied) or empty:
        return None
    return tuple(-1 if isinstance(e, Dim) else e for e in copied)


def reshape(node: Node, x: Tensor, sizes: Sequence[int | Size], part: str = "") -> Tensor:
    """Reshape to sizes that are numbers or products of the tensor's own extents."""
    wanted = [size if isinstance(size, int) else size.of(x.shape) for size in sizes]
    fixed = static_dims(wanted, x.shape)
    if fixed is not None:
        return node.emit(Shuffle(reshape_dims=fixed), x, part=part)
    if all(isinstance(extent, int) for extent in wanted):
        numbers = tuple(extent for extent in wanted if isinstance(extent, int))
        op = Shuffle(reshape_dims=numbers, zero_is_placeholder=False)
        return node.emit(op, x, part=part)
    shape = shape_tensor(node, x, sizes, part)
    return node.emit(Shuffle(zero_is_placeholder=False), x, shape, part=part)


def shape_tensor(node: Node, x: Tensor, sizes: Sequence[int | Size], part: str) -> Tensor:
    """A shape tensor with one entry for each size."""
    source = shape_of(node, x, part)
    entries = [
        node.new_integers([size], f"{part}.{i}")
        if isinstance(size, int)
        else _product(node, source, size, f"{part}.{i}")
        for i, size in enumerate(sizes)
    ]
    return node.emit(Concatenation(axis=0), *entries, part=f"{part}.sizes")


def shape_of(node: Node, x: Tensor, part: str) -> Tensor:
    """The tensor's shape as a shape tensor."""
    return node.emit(ShapeOf(), x, part=f"{part}.shape".lstrip("."))


def pick(node: Node, vector: Tensor, entries: Sequence[int], part: str) -> Tensor:
    """Some entries of a one-dimensional tensor."""
    return node.emit(
        Gather(axis=0), vector, node.new_integers(entries, f"{part}.at"), part=part
    )


def _product(node: Node, source: Tensor, size: Size, part: str) -> Tensor:
    result = pick(node, source, size.axes, part)
    if len(size.axes) != 1:
        op = Reduce(op=ReduceOperation.PROD, axes=(0,), keep_dims=True)
        result = node.emit(op, result, part=f"{part}.product")
    if size.factor != 1:
        factor = node.new_integers([size.factor], f"{part}.factor")
        op = ElementWise(ElementWiseOperation.PROD)
        result = node.emit(op, result, factor, part=f"{part}.scaled")
    return result
