"""``reshape(reduce(x, keep)) = reduce(x)`` and ``reduce(transpose(x), a) = reduce(x, p(a))``.

Safe because a reduced axis has one element, which the reshape drops; and because a reduction
does not care in which order its axes stand.
Needs a reshape that drops exactly the reduced axes of a result that nobody else reads; or a
transpose that leaves the axes that stay in order.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from trtlab.layers.reduction import Reduce
from trtlab.layers.shuffle import Shuffle, Squeeze
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by, producer, shared
from trtlab.passes.reshape import move_of


@dataclass(frozen=True)
class ReduceMatch(Match):
    """The layers, and the one reduction that does both."""

    op: Reduce
    source: Tensor


@dataclass(frozen=True)
class ReduceShuffle(Rule[ReduceMatch]):
    """Draw reshapes behind, and transposes before, into a reduction."""

    name: ClassVar[str] = "reduce-shuffle"
    roots = (Shuffle, Squeeze, Reduce)

    def _match(self, network: Network, layer: Layer) -> ReduceMatch | Rejection | None:
        if isinstance(layer.op, Reduce):
            return _transposed(layer, layer.op)
        found, move = made_by(layer.inputs[0], Reduce), move_of(layer)
        if found is None or move is None or not move.is_reshape:
            return None
        before, op = found
        source = before.inputs[0]
        if source is None or not op.keep_dims:
            return None
        axes = op.reduced_axes(source.type.rank)
        rest = tuple(extent for i, extent in enumerate(source.shape) if i not in axes)
        if layer.output.shape != rest:
            return None
        verdict = shared(network, before.output, layer)
        return verdict or ReduceMatch((before, layer), replace(op, keep_dims=False), source)

    def _rewrite(self, network: Network, match: ReduceMatch) -> None:
        fuse(network, match.layers, match.op, (match.source,), self.name)


def _transposed(layer: Layer, op: Reduce) -> ReduceMatch | None:
    before = producer(layer.inputs[0], Shuffle)
    move = None if before is None else move_of(before)
    source = None if before is None else before.inputs[0]
    if before is None or move is None or source is None or not move.is_transpose:
        return None
    order = move.first
    axes = op.reduced_axes(len(order))
    stay = [axis for i, axis in enumerate(order) if i not in axes]
    if op.keep_dims or stay != sorted(stay) or move.is_reshape:
        return None
    moved = tuple(sorted(order[axis] for axis in axes))
    return ReduceMatch((before, layer), replace(op, axes=moved), source)
