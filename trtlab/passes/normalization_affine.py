"""``norm(x) · γ + β = norm(x, γ, β)``: scale and shift in the normalization itself.

Safe because a normalization scales and shifts last; what it scales by already is multiplied
in.
Needs constants that vary along the normalized axes only (or, for statistics a channel or
group, along the channels only), and a normalization that nobody else reads.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from trtlab.core.enums import ElementWiseOperation
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.normalization import Normalization
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import made_by, other_input, shared


@dataclass(frozen=True)
class AffineMatch(Match):
    """A normalization and what is behind it; whether that multiplies, and the constant."""

    constant: Tensor
    multiplies: bool


@dataclass(frozen=True)
class NormalizationAffine(Rule[AffineMatch]):
    """Draw products and sums with constants into the normalization before them."""

    name: ClassVar[str] = "normalization-affine"
    roots = (ElementWise,)

    def _match(self, network: Network, layer: Layer) -> AffineMatch | Rejection | None:
        op = layer.op
        kinds = {ElementWiseOperation.PROD, ElementWiseOperation.SUM}
        if not isinstance(op, ElementWise) or op.op not in kinds:
            return None
        tensor = next((t for t in layer.inputs if made_by(t, Normalization)), None)
        found = made_by(tensor, Normalization)
        constant = None if tensor is None else other_input(layer, tensor)
        if found is None or tensor is None or constant is None or constant.data is None:
            return None
        norm, kind = found
        if tensor.type != layer.output.type or not _varies_rightly(constant, tensor, kind):
            return Rejection("the constant varies along other axes", (constant.name,))
        if any(t is not None and not _joinable(t, kind) for t in norm.inputs[1:]):
            return Rejection("the scale is computed, or one a group", (norm.name,))
        verdict = shared(network, tensor, layer)
        multiplies = op.op is ElementWiseOperation.PROD
        return verdict or AffineMatch((norm, layer), constant, multiplies)

    def _rewrite(self, network: Network, match: AffineMatch) -> None:
        norm, _ = match.layers
        x, scale, bias = (*norm.inputs, None, None)[:3]
        if match.multiplies:
            scale = _joined(network, scale, match.constant, np.multiply, norm)
            bias = (
                None
                if bias is None
                else _joined(network, bias, match.constant, np.multiply, norm)
            )
        else:
            bias = _joined(network, bias, match.constant, np.add, norm)
        fuse(network, match.layers, norm.op, (x, scale, bias), self.name)


def _varies_rightly(constant: Tensor, tensor: Tensor, op: Normalization) -> bool:
    """Along the normalized axes (layer norm), or along the channels (instance, group norm)."""
    rank = tensor.type.rank
    lead = rank - constant.type.rank
    varying = {lead + i for i, extent in enumerate(constant.shape) if extent != 1}
    features = {axis % rank for axis in op.axes} if op.num_groups == 1 else set[int]()
    return lead >= 0 and (varying <= features or varying <= {1})


def _joinable(weight: Tensor, op: Normalization) -> bool:
    """A constant that has one entry a channel, not one a group."""
    return weight.data is not None and (
        op.num_groups == 1 or weight.type.rank < 2 or weight.shape[1] != op.num_groups
    )


def _joined(
    network: Network, old: Tensor | None, constant: Tensor, how: np.ufunc, norm: Layer
) -> Tensor:
    """The old weight and the constant as one."""
    if constant.data is None:
        return constant
    data = constant.data
    if old is not None and old.data is not None:
        data = how(old.data.astype(np.float64), data.astype(np.float64)).astype(data.dtype)
    op, x = norm.op, norm.inputs[0]
    if isinstance(op, Normalization) and x is not None and op.num_groups == 1:
        shape = tuple(e for e in x.shape[-len(op.axes) :] if isinstance(e, int))
        if data.size > 1 and data.shape[-len(shape) :] == shape and data.size == prod(shape):
            data = data.reshape(shape)  # without leading axes of one element
    if constant.data is data:
        return constant
    return network.add_constant(constant.name if old is None else old.name, data)
