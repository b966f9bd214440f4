"""``x[b, s, i] · w[1, i, o] = x[b·s, i] · w[i, o]``: one weight for a whole batch.

Safe because a leading dimension of one element repeats the same weight for every batch entry.
Needs a constant right operand whose leading dimensions are 1, and a left one of at least its
rank, so that the result keeps its rank.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.enums import MatrixOperation
from trtlab.layers.linear import MatrixMultiply
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rule
from trtlab.passes.edit import replace


@dataclass(frozen=True)
class GemmWeights(Rule[Match]):
    """Drop leading dimensions of constant weights."""

    name: ClassVar[str] = "gemm-weights"
    roots = (MatrixMultiply,)

    def _match(self, network: Network, layer: Layer) -> Match | None:
        del network
        op, (a, b, *_) = layer.op, layer.inputs
        if a is None or b is None or b.data is None or not isinstance(op, MatrixMultiply):
            return None
        lead = b.data.shape[:-2]
        if not lead or any(extent != 1 for extent in lead) or a.type.rank < b.type.rank:
            return None
        if op.op1 is MatrixOperation.VECTOR or op.op0 is MatrixOperation.VECTOR:
            return None
        return Match((layer,))

    def _rewrite(self, network: Network, match: Match) -> None:
        layer = match.root
        b = layer.inputs[1]
        if b is not None and b.data is not None:
            flat = network.add_constant(b.name, b.data.reshape(b.data.shape[-2:]))
            inputs = (layer.inputs[0], flat, *layer.inputs[2:])
            replace(network, layer, layer.op, inputs, self.name)
