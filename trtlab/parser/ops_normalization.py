"""BatchNormalization, layer, instance, group and root-mean-square normalization, LRN."""

import numpy as np

from trtlab.core.enums import ScaleMode
from trtlab.core.types import DataType
from trtlab.layers.normalization import LRN, Normalization
from trtlab.layers.scale import Scale
from trtlab.layers.shuffle import Shuffle
from trtlab.network.graph import Tensor
from trtlab.parser.node import Converted, Node


def batch_normalization(node: Node) -> Converted:
    """BatchNormalization: with its statistics fixed it is a scale and shift a channel."""
    training = node.attr_int("training_mode", 0)
    if training or any(node.wants(i) for i in range(1, len(node.proto.output))):
        raise node.unsupported("it is in training mode", hint="export the model in eval mode")
    x = node.input(0)
    roles = ("scale", "bias", "mean", "variance")
    arrays = [node.constant(i, role) for i, role in enumerate(roles, start=1)]
    gamma, beta, mean, variance = (
        a.astype(np.float64).reshape(-1) for a in arrays if a is not None
    )
    scale = gamma / np.sqrt(variance + node.attr_float("epsilon", 1e-5))
    shift = beta - mean * scale
    dtype = x.dtype.numpy
    return node.emit(
        Scale(mode=ScaleMode.CHANNEL, channel_axis=1 if len(x.shape) > 1 else 0),
        x,
        node.new_constant(shift.astype(dtype), "shift"),
        node.new_constant(scale.astype(dtype), "scale"),
    )


def _compute_precision(node: Node, x: Tensor) -> DataType:
    """The attribute ``stash_type``: 1 is FLOAT."""
    return DataType.FLOAT if node.attr_int("stash_type", 1) == 1 else x.dtype


def layer_normalization(node: Node) -> Converted:
    """LayerNormalization over the axes from ``axis`` on."""
    x = node.input(0)
    rank = len(x.shape)
    op = Normalization(
        axes=tuple(range(node.axis(-1, rank), rank)),
        epsilon=node.attr_float("epsilon", 1e-5),
        compute_precision=_compute_precision(node, x),
    )
    return (node.emit(op, x, node.input(1), node.optional(2)),)


def rms_normalization(node: Node) -> Converted:
    """RMSNormalization over the axes from ``axis`` on."""
    x = node.input(0)
    rank = len(x.shape)
    op = Normalization(
        axes=tuple(range(node.axis(-1, rank), rank)),
        epsilon=node.attr_float("epsilon", 1e-5),
        compute_precision=_compute_precision(node, x),
        rms=True,
    )
    return node.emit(op, x, node.input(1))


def _channelwise(node: Node, index: int, rank: int, part: str) -> Tensor:
    """A weight [C] as [1, C, 1…]."""
    tensor = node.input(index)
    shape = (1, -1, *(1,) * (rank - 2))
    data = node.known(tensor)
    if data is not None:
        return node.new_constant(data.reshape(shape), part)
    return node.emit(Shuffle(reshape_dims=shape), tensor, part=part)


def instance_normalization(node: Node) -> Converted:
    """InstanceNormalization: statistics of each channel of each image."""
    x = node.input(0)
    rank = len(x.shape)
    op = Normalization(axes=tuple(range(2, rank)), epsilon=node.attr_float("epsilon", 1e-5))
    scale, bias = _channelwise(node, 1, rank, "scale"), _channelwise(node, 2, rank, "bias")
    return node.emit(op, x, scale, bias)


def group_normalization(node: Node) -> Converted:
    """GroupNormalization; weights are one a group before opset 21, then one a channel."""
    x = node.input(0)
    rank, groups = len(x.shape), node.attr_int("num_groups", 0)
    if groups < 1:
        raise node.invalid(f"num_groups is {groups}")
    axes = tuple(range(2, rank)) if groups > 1 else tuple(range(1, rank))
    op = Normalization(axes=axes, epsilon=node.attr_float("epsilon", 1e-5), num_groups=groups)
    scale, bias = _channelwise(node, 1, rank, "scale"), _channelwise(node, 2, rank, "bias")
    return node.emit(op, x, scale, bias)


def mean_variance_normalization(node: Node) -> Converted:
    """MeanVarianceNormalization, by default over batch and pixels."""
    x = node.input(0)
    axes = node.attr_ints("axes") or (0, 2, 3)
    return node.emit(Normalization(axes=axes, epsilon=1e-9), x)


def lrn(node: Node) -> Converted:
    """LRN."""
    op = LRN(
        window_size=node.attr_int("size", 0),
        alpha=node.attr_float("alpha", 1e-4),
        beta=node.attr_float("beta", 0.75),
        k=node.attr_float("bias", 1.0),
    )
    return node.emit(op, node.input(0))
