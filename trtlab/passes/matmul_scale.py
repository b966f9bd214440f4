"""``(a · b) · c = (c·α) a b``: a scalar factor becomes the product's alpha.

Safe because a scalar commutes with the sum over the inner dimension.
Needs one constant number, and a product without bias that nobody else reads. Where the right
operand is a weight of its own, `ScaleFold` has taken the factor already, and nothing is left.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from trtlab.core.enums import ElementWiseOperation
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.linear import MatrixMultiply
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import is_private, made_by, scalar


@dataclass(frozen=True)
class FactorMatch(Match):
    """A product and the scaling behind it, and the operator with the new alpha."""

    op: MatrixMultiply


def scaled_tensor(layer: Layer) -> tuple[Tensor, float] | None:
    """The tensor and the number of a product with, or quotient by, one number."""
    op = layer.op
    if not isinstance(op, ElementWise) or len(layer.inputs) != 2:
        return None
    first, second = layer.inputs
    right, left = scalar(second), scalar(first)
    found: tuple[Tensor | None, float] | None = None
    if op.op is ElementWiseOperation.PROD and right is not None:
        found = first, right
    elif op.op is ElementWiseOperation.PROD and left is not None:
        found = second, left
    elif op.op is ElementWiseOperation.DIV and right:
        found = first, 1 / right
    if found is None or found[0] is None or found[0].type != layer.output.type:
        return None
    return found[0], found[1]


@dataclass(frozen=True)
class MatmulScale(Rule[FactorMatch]):
    """Draw scalar factors into alpha."""

    name: ClassVar[str] = "matmul-scale"
    roots = (ElementWise,)

    def _match(self, network: Network, layer: Layer) -> FactorMatch | Rejection | None:
        scaled = scaled_tensor(layer)
        found = None if scaled is None else made_by(scaled[0], MatrixMultiply)
        if scaled is None or found is None or not scaled[0].dtype.is_float:
            return None
        product, op = found
        if not is_private(network, scaled[0], layer):
            return None  # a product on one branch of several is no factor of the product
        if op.epilogue or (len(product.inputs) > 2 and product.inputs[2] is not None):
            return Rejection("something is added before the scaling", (product.name,))
        scaled_op = replace(op, alpha=op.alpha * scaled[1])
        return FactorMatch((product, layer), scaled_op)

    def _rewrite(self, network: Network, match: FactorMatch) -> None:
        product, _ = match.layers
        fuse(network, match.layers, match.op, product.inputs, self.name)
