"""``reshape(reshape(x, [b·s, i]) · w, [b, s, o]) = x · w``: rows keep their dimensions.

Safe because a product with one weight treats each row of x alone, however rows are counted.
Needs both reshapes to keep the rows' order, and a product that nobody else reads. What follows
(a residual sum, an activation) then meets the product itself.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.enums import MatrixOperation
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.shuffle import Shuffle, Squeeze, Unsqueeze
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by, producer, shared
from trtlab.passes.reshape import move_of


@dataclass(frozen=True)
class UnflattenMatch(Match):
    """A reshape, a product and a reshape, and what the first reads."""

    source: Tensor


@dataclass(frozen=True)
class UnflattenGemm(Rule[UnflattenMatch]):
    """Take the reshapes around a matrix product away."""

    name: ClassVar[str] = "unflatten-gemm"
    roots = (Shuffle, Squeeze, Unsqueeze)

    def _match(self, network: Network, layer: Layer) -> UnflattenMatch | Rejection | None:
        found, move = made_by(layer.inputs[0], MatrixMultiply), move_of(layer)
        if found is None or move is None or not move.is_reshape:
            return None
        product, op = found
        before = producer(product.inputs[0], Shuffle, Squeeze, Unsqueeze)
        flatten = None if before is None else move_of(before)
        source = None if before is None else before.inputs[0]
        if before is None or flatten is None or source is None or not flatten.is_reshape:
            return None
        if not _is_plain(product, op) or source.shape[-1:] != before.output.shape[-1:]:
            return None
        if layer.output.shape != (*source.shape[:-1], product.output.shape[-1]):
            return None
        verdict = shared(network, product.output, layer)
        return verdict or UnflattenMatch((before, product, layer), source)

    def _rewrite(self, network: Network, match: UnflattenMatch) -> None:
        _, product, _ = match.layers
        inputs = (match.source, *product.inputs[1:])
        fuse(network, match.layers, product.op, inputs, self.name, name=product.name)


def _is_plain(product: Layer, op: MatrixMultiply) -> bool:
    """A product of rows with one weight, and nothing on it but a bias along the columns."""
    weight, bias = product.inputs[1], (*product.inputs, None)[2]
    return (
        op.op0 is MatrixOperation.NONE
        and op.op1 is not MatrixOperation.VECTOR
        and not op.epilogue
        and weight is not None
        and weight.type.rank == 2
        and product.output.type.rank == 2
        and (bias is None or bias.type.rank == 1)
    )
