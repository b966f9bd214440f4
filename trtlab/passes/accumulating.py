"""What weight-folding rules need to know of convolutions and matrix products."""

from dataclasses import dataclass

import numpy as np

from trtlab.core.enums import MatrixOperation
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.linear import MatrixMultiply
from trtlab.network.graph import Layer, Tensor
from trtlab.passes.base import Rejection


@dataclass(frozen=True)
class Weighted:
    """A layer with constant weights and its output channels.

    Attributes:
        layer: A convolution, deconvolution, or product with a constant right operand.
        weight: Of shape [K, C/g, R..], [C, K/g, R..] or [.., I, O].
        bias: [channels], or None.
        axis: Of the output, that the channels lie along.
        channels: How many.
    """

    layer: Layer
    weight: Tensor
    bias: Tensor | None
    axis: int
    channels: int

    def scaled(self, factor: Array) -> Array:
        """The weight with each output channel multiplied by ``factor``: [channels]."""
        data = np.asarray(self.weight.data, np.float64)
        op = self.layer.op
        if isinstance(op, Convolution):
            return data * factor.reshape(-1, *(1,) * (data.ndim - 1))
        if isinstance(op, Deconvolution):  # channel k·g belongs to the group of its inputs
            groups = op.num_groups
            split = data.reshape(groups, data.shape[0] // groups, *data.shape[1:])
            spread = factor.reshape(groups, 1, data.shape[1], *(1,) * (data.ndim - 2))
            return (split * spread).reshape(data.shape)
        if isinstance(op, MatrixMultiply) and op.op1 is MatrixOperation.TRANSPOSE:
            return data * factor[:, None]  # [.., O, I]
        return data * factor  # [.., I, O]


def weighted(layer: Layer) -> Weighted | Rejection:
    """The constant weights of a layer that accumulates.

    Returns:
        A rejection when the weights are computed, when another layer reads them too, or when
        the layer cannot take a bias.
    """
    weight = layer.inputs[1]
    if weight is None or weight.data is None:
        return Rejection("the weights are computed while running", (layer.name,))
    others = tuple(c.name for c in weight.consumers if c is not layer)
    if others:
        return Rejection("the weights have other readers", others[:4])
    channels = biasable(layer)
    if isinstance(channels, Rejection):
        return channels
    bias = layer.inputs[2] if len(layer.inputs) > 2 else None
    return Weighted(layer, weight, bias, *channels)


def biasable(layer: Layer) -> tuple[int, int] | Rejection:
    """Axis and number of the output channels of a layer whose bias may change."""
    op = layer.op
    bias = layer.inputs[2] if len(layer.inputs) > 2 else None
    if not isinstance(op, Convolution | Deconvolution | MatrixMultiply):
        return Rejection("the layer takes no bias", (layer.name,))
    if op.epilogue:
        return Rejection("something else is computed on the result first", (layer.name,))
    if bias is not None and bias.data is None:
        return Rejection("the bias is computed while running", (layer.name,))
    axis = 1
    if isinstance(op, MatrixMultiply):
        if op.op1 is MatrixOperation.VECTOR or not layer.output.shape:
            return Rejection("the result is a vector", (layer.name,))
        axis = layer.output.type.rank - 1
    channels = layer.output.shape[axis]
    if not isinstance(channels, int):
        return Rejection("the number of channels is not known", (layer.name,))
    return axis, channels
