"""``f(x) = x``: readers read x.

Safe because each case returns its input's elements in its input's shape and type: Identity,
Cast to the same type, a Shuffle that moves nothing, a Slice of everything, a Concatenation of
one part, an Expand to the same shape, Padding by nothing, a Reduce over axes of one element, a
sum with 0, a product with or quotient by 1, a Scale by nothing.
Needs the input to be no input, constant or output of the network where the result is a network
output: an output must come from a layer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import ElementWiseOperation, ReduceOperation
from trtlab.layers.base import Op
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.reduction import Reduce
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.layers.shuffle import Concatenation, Expand, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Padding, Slice
from trtlab.network.graph import Layer, Network, Tensor, merge_origins
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.box import ranges_of
from trtlab.passes.edit import stamp
from trtlab.passes.reshape import move_of


@dataclass(frozen=True)
class NoOpMatch(Match):
    """A layer and the input that it returns."""

    source: Tensor


@dataclass(frozen=True)
class NoOp(Rule[NoOpMatch]):
    """Remove layers that return an input."""

    name: ClassVar[str] = "no-op"
    roots = (Op,)

    def _match(self, network: Network, layer: Layer) -> NoOpMatch | Rejection | None:
        test = _TESTS.get(type(layer.op))
        source = None if test is None else test(layer)
        if source is None or len(layer.outputs) != 1 or source.type != layer.output.type:
            return None
        if layer.output in network.outputs and (
            source.producer is None or source.is_constant or source in network.outputs
        ):
            return Rejection("an output of the network must come from a layer of its own")
        return NoOpMatch((layer,), source)

    def _rewrite(self, network: Network, match: NoOpMatch) -> None:
        layer, source = match.root, match.source
        heirs = layer.output.consumers if source.producer is None else (source.producer,)
        network.replace_uses(layer.output, source)
        network.remove(layer)
        for heir in heirs:
            heir.origins = merge_origins((heir, layer) if source.producer else (layer, heir))
            stamp(heir, self.name)


def _first(layer: Layer) -> Tensor | None:
    """Layers whose type says it all: the same type means the same elements."""
    return layer.inputs[0]


def _shuffle(layer: Layer) -> Tensor | None:
    move = move_of(layer)
    return layer.inputs[0] if move is not None and move.is_reshape else None


def _slice(layer: Layer) -> Tensor | None:
    return layer.inputs[0] if ranges_of(layer) == () else None


def _concatenation(layer: Layer) -> Tensor | None:
    x, *others = layer.inputs
    return None if others else x


def _padding(layer: Layer) -> Tensor | None:
    op, (x, pads, *_) = layer.op, (*layer.inputs, None)
    if not isinstance(op, Padding) or pads is not None:
        return None
    return None if any(op.pre_padding) or any(op.post_padding) else x


def _reduce(layer: Layer) -> Tensor | None:
    kinds = {
        ReduceOperation.SUM,
        ReduceOperation.MAX,
        ReduceOperation.MIN,
        ReduceOperation.AVG,
    }
    kinds |= {ReduceOperation.PROD, ReduceOperation.NONE}
    x, op = layer.inputs[0], layer.op
    if x is None or not isinstance(op, Reduce) or op.op not in kinds:
        return None
    if op.op is ReduceOperation.NONE:
        return x
    return x if all(x.shape[axis] == 1 for axis in op.reduced_axes(x.type.rank)) else None


_NEUTRAL = {
    ElementWiseOperation.SUM: 0,
    ElementWiseOperation.SUB: 0,
    ElementWiseOperation.PROD: 1,
    ElementWiseOperation.DIV: 1,
    ElementWiseOperation.POW: 1,
}
_COMMUTATIVE = {ElementWiseOperation.SUM, ElementWiseOperation.PROD}


def _elementwise(layer: Layer) -> Tensor | None:
    op = layer.op
    if not isinstance(op, ElementWise) or op.op not in _NEUTRAL:
        return None
    first, second = layer.inputs
    if _holds_only(second, _NEUTRAL[op.op]):
        return first
    if op.op in _COMMUTATIVE and _holds_only(first, _NEUTRAL[op.op]):
        return second
    return None


def _holds_only(tensor: Tensor | None, value: int) -> bool:
    return (
        tensor is not None and tensor.data is not None and bool(np.all(tensor.data == value))
    )


def _scale(layer: Layer) -> Tensor | None:
    x, shift, scale, power = (*layer.inputs, None, None, None)[:4]
    neutral = (shift is None or _holds_only(shift, 0)) and (
        scale is None or _holds_only(scale, 1)
    )
    return x if neutral and (power is None or _holds_only(power, 1)) else None


_TESTS: dict[type[Op], Callable[[Layer], Tensor | None]] = {
    Identity: _first,
    Cast: _first,
    Expand: _first,
    Squeeze: _first,
    Unsqueeze: _first,
    Shuffle: _shuffle,
    Slice: _slice,
    Concatenation: _concatenation,
    Padding: _padding,
    Reduce: _reduce,
    ElementWise: _elementwise,
    Scale: _scale,
}
