"""``(w * x + b) · s + t = (w·s) * x + (b·s + t)``: a scale drawn into the weights before it.

Safe because s and t have one value an output channel. Batch normalization arrives as such a
scale: s = γ/√(σ² + ε), t = β − μ·s.
Needs constant weights that nobody else reads, and a result that nobody else reads.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import ElementWiseOperation, ScaleMode
from trtlab.layers.base import Array
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.scale import Scale
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.accumulating import Weighted, weighted
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fold, fuse
from trtlab.passes.look import is_private, producer, shared, vector_along
from trtlab.passes.program import Accumulating


@dataclass(frozen=True)
class ScaleMatch(Match):
    """A layer with weights and a scale behind it, with factor and shift: [channels]."""

    weights: Weighted
    factor: Array
    shift: Array | None


@dataclass(frozen=True)
class ScaleFold(Rule[ScaleMatch]):
    """Fold Scale layers, and products and quotients with a constant, into weights."""

    name: ClassVar[str] = "scale-fold"
    roots = (Scale, ElementWise)

    def _match(self, network: Network, layer: Layer) -> ScaleMatch | Rejection | None:
        found = _scaled_input(layer)
        if found is None:
            return None
        tensor, source = found
        scales = isinstance(layer.op, Scale)
        if not scales and not is_private(network, tensor, layer):
            return None  # a product on one branch of several is no scale of the layer
        weights = shared(network, tensor, layer) or weighted(source)
        if isinstance(weights, Rejection):
            return weights
        if tensor.type != layer.output.type:
            return Rejection("the result broadcasts against the scale", (layer.name,))
        if isinstance(layer.op, Scale):
            terms = _terms_of_scale(layer, layer.op, weights)
        else:
            terms = _terms_of_product(layer, tensor, weights)
        if terms is None:
            return Rejection("the scale is not one constant an output channel", (layer.name,))
        return ScaleMatch((source, layer), weights, *terms)

    def _rewrite(self, network: Network, match: ScaleMatch) -> None:
        weights, source = match.weights, match.weights.layer
        shift = match.shift
        if weights.bias is not None:
            moved = np.asarray(weights.bias.data, np.float64) * match.factor
            shift = moved if shift is None else moved + shift
        kernel = fold(network, weights.weight, weights.scaled(match.factor))
        bias = None
        if shift is not None:
            name = f"{source.name}.bias" if weights.bias is None else weights.bias.name
            kind = weights.weight.dtype.numpy
            bias = network.add_constant(name, np.asarray(shift).astype(kind))
        inputs = (source.inputs[0], kernel, bias)
        fuse(network, match.layers, source.op, inputs, self.name, name=source.name)


def _scaled_input(layer: Layer) -> tuple[Tensor, Layer] | None:
    """The input that an accumulating layer makes, and that layer."""
    if isinstance(layer.op, ElementWise):
        kinds = {ElementWiseOperation.PROD, ElementWiseOperation.DIV}
        if layer.op.op not in kinds or not any(t and t.is_constant for t in layer.inputs):
            return None
    for tensor in layer.inputs:
        source = producer(tensor, *Accumulating)
        if tensor is not None and source is not None:
            return tensor, source
    return None


def _terms_of_scale(
    layer: Layer, op: Scale, weights: Weighted
) -> tuple[Array, Array | None] | None:
    """Factor and shift of a Scale layer along the output channels."""
    shift, scale, power = (*layer.inputs[1:], None, None, None)[:3]
    if power is not None or (scale is None and shift is None):
        return None
    terms: list[Array | None] = []
    for tensor in (scale, shift):
        if tensor is None:
            terms.append(None)
            continue
        vector = _vector(tensor, op, weights, layer.output.type.rank)
        if vector is None:
            return None
        terms.append(vector.astype(np.float64))
    factor = np.ones(weights.channels) if terms[0] is None else terms[0]
    return factor, terms[1]


def _vector(tensor: Tensor, op: Scale, weights: Weighted, rank: int) -> Array | None:
    if tensor.data is None:
        return None
    if op.mode is ScaleMode.ELEMENTWISE:
        return vector_along(tensor, rank, weights.axis, weights.channels)
    if op.mode is ScaleMode.CHANNEL and op.channel_axis % rank != weights.axis:
        return None
    return np.broadcast_to(tensor.data.reshape(-1), (weights.channels,))


def _terms_of_product(
    layer: Layer, tensor: Tensor, weights: Weighted
) -> tuple[Array, None] | None:
    """Factor of ``x · c`` or ``x / c``."""
    first, second = layer.inputs
    other = second if first is tensor else first
    divides = isinstance(layer.op, ElementWise) and layer.op.op is ElementWiseOperation.DIV
    if other is None or (divides and other is first):
        return None
    vector = vector_along(other, layer.output.type.rank, weights.axis, weights.channels)
    if vector is None or (divides and not np.all(vector)):
        return None
    vector = vector.astype(np.float64)
    return (1 / vector if divides else vector), None
