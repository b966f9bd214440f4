"""``T₂ R T₁ · T₂' R' T₁'``: neighbouring transposes and reshapes in one Shuffle.

Safe because a permutation of a permutation is one, a reshape of a reshape is one, and a
permutation may stand on either side of one reshape.
Needs the inner steps to meet: between two transposes that move elements there is room for one
reshape only. Where the layer before has other readers it must be a plain reshape, or the one
behind must move elements anyway: otherwise a free view would become a copy.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.types import Shape
from trtlab.layers.shuffle import Shuffle, Squeeze, Unsqueeze
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import is_private, producer
from trtlab.passes.reshape import (
    Move,
    composed,
    keeps_order,
    move_of,
    normal,
    shuffle_for,
)

Moving = (Shuffle, Squeeze, Unsqueeze)


@dataclass(frozen=True)
class ShuffleMatch(Match):
    """Two moves, and the one that does both."""

    op: Shuffle


@dataclass(frozen=True)
class ShuffleMerge(Rule[ShuffleMatch]):
    """Merge a Shuffle, Squeeze or Unsqueeze with the one before it."""

    name: ClassVar[str] = "shuffle-merge"
    roots = Moving

    def _match(self, network: Network, layer: Layer) -> ShuffleMatch | Rejection | None:
        between = layer.inputs[0]
        before = producer(between, *Moving)
        if between is None or before is None or before.inputs[0] is None:
            return None
        inner, outer = move_of(before), move_of(layer)
        if inner is None or outer is None:
            return None
        source = before.inputs[0].shape
        merged = joined(inner, outer, source)
        if merged is None:
            return Rejection("elements move before and after the reshape", (before.name,))
        copies = not inner.is_reshape and outer.is_reshape
        if copies and not is_private(network, between, layer):
            return Rejection("the transposed value has other readers", (between.name,))
        op = shuffle_for(source, merged)
        if op is None:
            return Rejection("the shape has several dimensions that are not copied")
        return ShuffleMatch((before, layer), op)

    def _rewrite(self, network: Network, match: ShuffleMatch) -> None:
        before, _ = match.layers
        fuse(network, match.layers, match.op, before.inputs[:1], self.name)


def joined(inner: Move, outer: Move, source: Shape) -> Move | None:
    """``outer`` after ``inner`` as one move of a tensor of this shape; None if it is not."""
    if inner.middle is None:  # a permutation goes in front of whatever follows
        first = composed(inner.first, outer.first)
        return normal(source, Move(first, outer.middle, outer.second))
    if outer.middle is None:  # a permutation goes behind
        second = composed(inner.second, composed(outer.first, outer.second))
        return normal(source, Move(inner.first, inner.middle, second))
    between = composed(inner.second, outer.first)
    if keeps_order(inner.middle, between):  # the reshapes meet
        return normal(source, Move(inner.first, outer.middle, outer.second))
    return None
