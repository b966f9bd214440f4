"""``concat(concat(a, b), c) = concat(a, b, c)`` along one axis.

Safe because the parts come in the same order.
Needs the inner Concatenation to have no other reader.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.layers.shuffle import Concatenation
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import is_private, made_by


@dataclass(frozen=True)
class ConcatFlatten(Rule[Match]):
    """Draw the parts of an inner Concatenation into the outer one."""

    name: ClassVar[str] = "concat-flatten"
    roots = (Concatenation,)

    def _match(self, network: Network, layer: Layer) -> Match | None:
        for tensor in layer.inputs:
            found = made_by(tensor, Concatenation)
            if found is None or tensor is None or not isinstance(layer.op, Concatenation):
                continue
            inner, op = found
            rank = tensor.type.rank
            if op.axis % rank != layer.op.axis % rank:
                continue
            if is_private(network, tensor, layer):
                return Match((inner, layer))
        return None

    def _rewrite(self, network: Network, match: Match) -> None:
        inner, outer = match.layers
        parts = [
            part
            for tensor in outer.inputs
            for part in (inner.inputs if tensor is inner.output else (tensor,))
        ]
        fuse(network, match.layers, outer.op, parts, self.name)
