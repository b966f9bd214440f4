"""``reshape(x, concat(shape(x)[0], −1, 64)) = reshape(x, [0, −1, 64])``: no shape tensors.

Safe because the integers follow from the network's named dimensions: a number is written as a
number, a dimension as "copy this one" (0) or "what is left" (−1).
Needs every integer to be known, or all but the one that is left.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from trtlab.core.types import DataType
from trtlab.layers.base import Array, Op, ShapeValue, extents_of
from trtlab.layers.creation import Constant, Fill
from trtlab.layers.gather import OneHot
from trtlab.layers.reduction import TopK
from trtlab.layers.resize import Resize
from trtlab.layers.shuffle import Expand, Shuffle
from trtlab.layers.slicing import Padding, Slice
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.box import ranges_of, slice_of
from trtlab.passes.edit import replace as rewrite_layer
from trtlab.passes.edit import settle
from trtlab.passes.reshape import move_of, shuffle_for

_INTEGERS = {DataType.INT32, DataType.INT64, DataType.BOOL}


@dataclass(frozen=True)
class ShapeMatch(Match):
    """A layer with what it becomes.

    Attributes:
        known: Its results, when they are known integers; then it goes.
        op: Else the operator that says them itself.
        inputs: Of that operator.
    """

    known: tuple[Array, ...] = ()
    op: Op | None = None
    inputs: tuple[Tensor | None, ...] = ()


@dataclass(frozen=True)
class ShapeSimplification(Rule[ShapeMatch]):
    """Turn known shape arithmetic into constants, and shape tensors into options."""

    name: ClassVar[str] = "shape-simplification"
    roots = (Op,)

    def _match(self, network: Network, layer: Layer) -> ShapeMatch | Rejection | None:
        if isinstance(layer.op, Constant):
            return None
        known = _known_results(network, layer)
        if known is not None:
            return ShapeMatch((layer,), known)
        if isinstance(layer.op, Shuffle):
            return _reshape(layer)
        make = _OPTIONS.get(type(layer.op))
        made = None if make is None else make(layer, layer.op)
        return None if made is None else ShapeMatch((layer,), (), *made)

    def _rewrite(self, network: Network, match: ShapeMatch) -> None:
        if match.op is None:
            settle(network, match.root, match.known, self.name)
        else:
            rewrite_layer(network, match.root, match.op, match.inputs, self.name)


def _known_results(network: Network, layer: Layer) -> tuple[Array, ...] | None:
    """The results as arrays when all of them are known integers that somebody reads."""
    arrays: list[Array] = []
    for tensor in layer.outputs:
        entries = extents_of(tensor.value)
        if tensor.value is None or entries is None or tensor.dtype not in _INTEGERS:
            return None
        numbers = [entry for entry in entries if isinstance(entry, int)]
        if len(numbers) != len(entries) or tensor in network.outputs:
            return None
        arrays.append(np.array(numbers, tensor.dtype.numpy).reshape(tensor.value.shape))
    return tuple(arrays) or None


def _reshape(layer: Layer) -> ShapeMatch | Rejection | None:
    if len(layer.inputs) < 2 or layer.inputs[1] is None:
        return None
    move, x = move_of(layer), layer.inputs[0]
    op = None if move is None or x is None else shuffle_for(x.shape, move)
    if op is None:
        shape = ", ".join(map(str, layer.output.shape))
        return Rejection(f"the shape ({shape}) has several dimensions that are not copied")
    return ShapeMatch((layer,), (), op, (x,))


Made = tuple[Op, tuple[Tensor | None, ...]] | None


def _numbers(tensor: Tensor | None) -> tuple[int, ...] | None:
    """The integers of a shape tensor that is known entirely."""
    value: ShapeValue = None if tensor is None else tensor.value
    if tensor is not None and tensor.data is not None:
        return tuple(int(n) for n in tensor.data.reshape(-1))
    entries = extents_of(value)
    if entries is None:
        return None
    numbers = tuple(entry for entry in entries if isinstance(entry, int))
    return numbers if len(numbers) == len(entries) else None


def _input(layer: Layer, index: int) -> Tensor | None:
    return layer.inputs[index] if index < len(layer.inputs) else None


def _shape_option(layer: Layer, op: Op) -> Made:
    """Expand, Resize: the shape input becomes the option."""
    numbers = _numbers(_input(layer, 1))
    if numbers is None or not isinstance(op, Expand | Resize):
        return None
    return replace(op, shape=numbers), (layer.inputs[0],)


def _fill(layer: Layer, op: Op) -> Made:
    numbers = _numbers(_input(layer, 0))
    if numbers is None or not isinstance(op, Fill):
        return None
    ends = layer.inputs[1:]
    return replace(op, shape=numbers), (None, *ends) if any(ends) else ()


def _padding(layer: Layer, op: Op) -> Made:
    numbers = _numbers(_input(layer, 1))
    if numbers is None or not isinstance(op, Padding):
        return None
    half = len(numbers) // 2
    made = replace(op, pre_padding=numbers[:half], post_padding=numbers[half:])
    value = layer.inputs[2:]
    return made, (layer.inputs[0], None, *value) if any(value) else layer.inputs[:1]


def _top_k(layer: Layer, op: Op) -> Made:
    numbers = _numbers(_input(layer, 1))
    if not numbers or not isinstance(op, TopK):
        return None
    return replace(op, k=numbers[0]), (layer.inputs[0],)


def _one_hot(layer: Layer, op: Op) -> Made:
    numbers = _numbers(_input(layer, 2))
    if not numbers or not isinstance(op, OneHot):
        return None
    return replace(op, depth=numbers[0]), layer.inputs[:2]


def _slice(layer: Layer, op: Op) -> Made:
    """Start, shape and stride become options of those axes that are not taken whole."""
    x, ranges = layer.inputs[0], ranges_of(layer)
    if x is None or ranges is None or not isinstance(op, Slice):
        return None
    if op.stop is None and not any(_input(layer, i) for i in (1, 2, 3)):
        return None
    return slice_of(x, ranges, op.mode, _input(layer, 4))


_OPTIONS: dict[type[Op], Callable[[Layer, Op], Made]] = {
    Expand: _shape_option,
    Resize: _shape_option,
    Fill: _fill,
    Padding: _padding,
    TopK: _top_k,
    OneHot: _one_hot,
    Slice: _slice,
}
