"""``(w * x + b) + t = w * x + (b + t)``: a sum with a constant becomes the bias.

Safe because t has one value an output channel: the channel axis of a convolution, the last
axis of a matrix product.
Needs a result that nobody else reads, and a bias that is constant or missing. Weights may be
shared or computed: they stay.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import ElementWiseOperation
from trtlab.layers.base import Array
from trtlab.layers.elementwise import ElementWise
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.accumulating import biasable
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import fuse
from trtlab.passes.look import other_input, producer, shared, vector_along
from trtlab.passes.program import Accumulating


@dataclass(frozen=True)
class BiasMatch(Match):
    """An accumulating layer, the sum behind it, and the new bias: [channels].

    Attributes:
        bias: The elements.
        constant: What was added.
    """

    bias: Array
    constant: Tensor


@dataclass(frozen=True)
class BiasFold(Rule[BiasMatch]):
    """Fold sums and differences with a constant into the bias."""

    name: ClassVar[str] = "bias-fold"
    roots = (ElementWise,)

    def _match(self, network: Network, layer: Layer) -> BiasMatch | Rejection | None:
        if not isinstance(layer.op, ElementWise):
            return None
        subtracts = layer.op.op is ElementWiseOperation.SUB
        if layer.op.op is not ElementWiseOperation.SUM and not subtracts:
            return None
        tensor = next((t for t in layer.inputs if producer(t, *Accumulating)), None)
        source = producer(tensor, *Accumulating)
        constant = None if tensor is None else other_input(layer, tensor)
        if tensor is None or source is None or constant is None or constant.data is None:
            return None
        if subtracts and constant is layer.inputs[0]:
            return None
        channels = shared(network, tensor, layer) or biasable(source)
        if isinstance(channels, Rejection):
            return channels
        axis, count = channels
        vector = vector_along(constant, layer.output.type.rank, axis, count)
        if vector is None or tensor.type != layer.output.type:
            return Rejection(
                "the sum is not with one constant an output channel", (layer.name,)
            )
        total = -vector.astype(np.float64) if subtracts else vector.astype(np.float64)
        old = source.inputs[2] if len(source.inputs) > 2 else None
        if old is not None and old.data is not None:
            total = total + old.data
        kind = tensor.dtype.numpy
        return BiasMatch((source, layer), total.astype(kind), constant)

    def _rewrite(self, network: Network, match: BiasMatch) -> None:
        source, _ = match.layers
        bias = match.constant
        if bias.data is None or not np.array_equal(bias.data, match.bias):
            bias = network.add_constant(bias.name, match.bias)
        inputs = (*source.inputs[:2], bias)
        fuse(network, match.layers, source.op, inputs, self.name)
