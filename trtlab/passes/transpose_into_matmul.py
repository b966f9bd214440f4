"""``a · transpose(b) = a · bᵀ``: the product reads its operand transposed.

Safe because a matrix product can walk an operand along either axis.
Needs a transpose that swaps the last two axes and moves nothing else. It also serves
constants: a weight that a gather shares (tied embeddings) is then not copied.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from trtlab.core.enums import MatrixOperation
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.shuffle import Shuffle
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import producer
from trtlab.passes.reshape import move_of

_FLIPPED = {
    MatrixOperation.NONE: MatrixOperation.TRANSPOSE,
    MatrixOperation.TRANSPOSE: MatrixOperation.NONE,
}


@dataclass(frozen=True)
class TransposeMatch(Match):
    """A transpose and a product, which operand it is, and what the transpose reads."""

    operand: int
    source: Tensor


@dataclass(frozen=True)
class TransposeIntoMatmul(Rule[TransposeMatch]):
    """Draw transposes of the last two axes into matrix products."""

    name: ClassVar[str] = "transpose-into-matmul"
    roots = (MatrixMultiply,)

    def _match(self, network: Network, layer: Layer) -> TransposeMatch | None:
        del network
        op = layer.op
        if not isinstance(op, MatrixMultiply):
            return None
        for operand, how in enumerate((op.op0, op.op1)):
            before = producer(layer.inputs[operand], Shuffle)
            source = None if before is None else before.inputs[0]
            move = None if before is None else move_of(before)
            if before is None or source is None or move is None or how not in _FLIPPED:
                continue
            rank = len(move.first)
            if move.is_transpose and move.first == (*range(rank - 2), rank - 1, rank - 2):
                return TransposeMatch((before, layer), operand, source)
        return None

    def _rewrite(self, network: Network, match: TransposeMatch) -> None:
        layer = match.root
        op, inputs = layer.op, list(layer.inputs)
        inputs[match.operand] = match.source
        if isinstance(op, MatrixMultiply) and match.operand == 0:
            op = replace(op, op0=_FLIPPED[op.op0])
        elif isinstance(op, MatrixMultiply):
            op = replace(op, op1=_FLIPPED[op.op1])
        # A product keeps its name: the transpose is no work that it does.
        fuse(network, match.layers, op, inputs, self.name, name=layer.name)
