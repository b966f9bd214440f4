"""Every ONNX operator that can be parsed: its converter, and since which opset."""

from collections.abc import Callable
from dataclasses import dataclass

from trtlab.parser import (
    ops_activation,
    ops_attention,
    ops_control,
    ops_convolution,
    ops_creation,
    ops_elementwise,
    ops_gather,
    ops_linear,
    ops_normalization,
    ops_pooling,
    ops_recurrent,
    ops_reduction,
    ops_resize,
    ops_shuffle,
    ops_slicing,
    ops_split,
)
from trtlab.parser.node import Converted, Node


@dataclass(frozen=True, slots=True)
class Entry:
    """How an operator is converted.

    Attributes:
        convert: The converter; it knows the differences between opsets.
        min_opset: The oldest opset it knows.
        ignored: Attributes without effect on what is computed here; any other that the
            converter does not look at makes the node unsupported.
    """

    convert: Callable[[Node], Converted]
    min_opset: int = 1
    ignored: tuple[str, ...] = ()


# Written by opsets 1 to 5, for buffers that an operator might reuse.
_CONSUMED = ("consumed_inputs",)

CONVERTERS: dict[str, Entry] = {
    **{name: Entry(convert, 1, _CONSUMED) for name, convert in ops_activation.UNARY.items()},
    **{name: Entry(convert, 7) for name, convert in ops_elementwise.BINARY.items()},
    "ArgMax": Entry(ops_reduction.arg_max),
    "ArgMin": Entry(ops_reduction.arg_min),
    "Attention": Entry(
        ops_attention.attention, 23, ("softmax_precision", "qk_matmul_output_mode")
    ),
    "AveragePool": Entry(ops_pooling.average_pool, 1, ("ceil_mode",)),
    "BatchNormalization": Entry(
        ops_normalization.batch_normalization, 7, ("momentum", "spatial")
    ),
    "Cast": Entry(ops_activation.cast, 6, ("round_mode",)),
    "CastLike": Entry(ops_activation.cast_like, 15, ("round_mode",)),
    "Celu": Entry(ops_activation.celu, 12),
    "Clip": Entry(ops_activation.clip, 6),
    "Compress": Entry(ops_gather.compress, 9),
    "Concat": Entry(ops_shuffle.concat),
    "Constant": Entry(ops_creation.constant),
    "ConstantOfShape": Entry(ops_creation.constant_of_shape, 9),
    "Conv": Entry(ops_convolution.convolution),
    "ConvTranspose": Entry(ops_convolution.deconvolution),
    "CumSum": Entry(ops_reduction.cum_sum, 11),
    "DepthToSpace": Entry(ops_shuffle.depth_to_space),
    "Dropout": Entry(ops_shuffle.dropout, 7, ("ratio", "seed")),
    "Einsum": Entry(ops_linear.einsum, 12),
    "Elu": Entry(ops_activation.elu, 1, _CONSUMED),
    "Expand": Entry(ops_shuffle.expand, 8),
    "EyeLike": Entry(ops_creation.eye_like, 9),
    "Flatten": Entry(ops_shuffle.flatten),
    "GRU": Entry(ops_recurrent.gru, 7),
    "Gather": Entry(ops_gather.gather),
    "GatherElements": Entry(ops_gather.gather_elements, 11),
    "GatherND": Entry(ops_gather.gather_nd, 11),
    "Gelu": Entry(ops_activation.gelu, 20),
    "Gemm": Entry(ops_linear.gemm, 7),
    "GlobalAveragePool": Entry(ops_pooling.global_average_pool),
    "GlobalLpPool": Entry(ops_pooling.global_lp_pool, 2),
    "GlobalMaxPool": Entry(ops_pooling.global_max_pool),
    "GreaterOrEqual": Entry(ops_elementwise.greater_or_equal, 12),
    "GroupNormalization": Entry(ops_normalization.group_normalization, 18),
    "HardSigmoid": Entry(ops_activation.hard_sigmoid, 1, _CONSUMED),
    "HardSwish": Entry(ops_activation.hard_swish, 14),
    "Hardmax": Entry(ops_gather.hardmax, 13),
    "If": Entry(ops_control.conditional),
    "Identity": Entry(ops_shuffle.identity),
    "InstanceNormalization": Entry(ops_normalization.instance_normalization, 6),
    "IsInf": Entry(ops_activation.is_inf, 10),
    "LRN": Entry(ops_normalization.lrn),
    "LSTM": Entry(ops_recurrent.lstm, 7),
    "LayerNormalization": Entry(ops_normalization.layer_normalization, 17),
    "LeakyRelu": Entry(ops_activation.leaky_relu, 1, _CONSUMED),
    "LessOrEqual": Entry(ops_elementwise.less_or_equal, 12),
    "LogSoftmax": Entry(ops_reduction.log_softmax),
    "LpNormalization": Entry(ops_reduction.lp_normalization),
    "LpPool": Entry(ops_pooling.lp_pool, 2),
    "MatMul": Entry(ops_linear.matmul),
    "Max": Entry(ops_elementwise.largest, 8),
    "MaxPool": Entry(ops_pooling.max_pool, 1, ("storage_order", "ceil_mode")),
    "Mean": Entry(ops_elementwise.mean, 8),
    "MeanVarianceNormalization": Entry(ops_normalization.mean_variance_normalization, 9),
    "Min": Entry(ops_elementwise.smallest, 8),
    "Mish": Entry(ops_activation.mish, 18),
    "Mod": Entry(ops_elementwise.modulo, 10),
    "NonZero": Entry(ops_gather.non_zero, 9),
    "OneHot": Entry(ops_gather.one_hot, 9),
    "PRelu": Entry(ops_activation.prelu, 7),
    "Pad": Entry(ops_slicing.pad, 2),
    "Pow": Entry(ops_elementwise.power, 7),
    "RMSNormalization": Entry(ops_normalization.rms_normalization, 23),
    "RNN": Entry(ops_recurrent.rnn, 7),
    "RandomNormal": Entry(ops_creation.random),
    "RandomNormalLike": Entry(ops_creation.random),
    "RandomUniform": Entry(ops_creation.random),
    "RandomUniformLike": Entry(ops_creation.random),
    "Range": Entry(ops_creation.arange, 11, ("stash_type",)),
    "ReduceL1": Entry(ops_reduction.reduce_l1),
    "ReduceL2": Entry(ops_reduction.reduce_l2),
    "ReduceLogSum": Entry(ops_reduction.reduce_log_sum),
    "ReduceLogSumExp": Entry(ops_reduction.reduce_log_sum_exp),
    "ReduceMax": Entry(ops_reduction.reduce_max),
    "ReduceMean": Entry(ops_reduction.reduce_mean),
    "ReduceMin": Entry(ops_reduction.reduce_min),
    "ReduceProd": Entry(ops_reduction.reduce_prod),
    "ReduceSum": Entry(ops_reduction.reduce_sum),
    "ReduceSumSquare": Entry(ops_reduction.reduce_sum_square),
    "Relu": Entry(ops_activation.relu, 1, _CONSUMED),
    "Reshape": Entry(ops_shuffle.reshape_op),
    "Resize": Entry(ops_resize.resize, 10, ("extrapolation_value",)),
    "ReverseSequence": Entry(ops_shuffle.reverse_sequence, 10),
    "Scatter": Entry(ops_gather.scatter_elements, 9),
    "ScatterElements": Entry(ops_gather.scatter_elements, 11),
    "ScatterND": Entry(ops_gather.scatter_nd, 11),
    "Selu": Entry(ops_activation.selu, 1, _CONSUMED),
    "Shape": Entry(ops_creation.shape),
    "Shrink": Entry(ops_activation.shrink, 9),
    "Sigmoid": Entry(ops_activation.sigmoid, 1, _CONSUMED),
    "Size": Entry(ops_creation.size),
    "Slice": Entry(ops_slicing.slice_op),
    "Softmax": Entry(ops_reduction.softmax),
    "Softplus": Entry(ops_activation.softplus),
    "Softsign": Entry(ops_activation.softsign),
    "SpaceToDepth": Entry(ops_shuffle.space_to_depth),
    "Split": Entry(ops_split.split, 2, ("num_outputs",)),
    "Squeeze": Entry(ops_shuffle.squeeze),
    "Sum": Entry(ops_elementwise.total, 8),
    "Swish": Entry(ops_activation.swish, 24),
    "Tanh": Entry(ops_activation.tanh, 1, _CONSUMED),
    "ThresholdedRelu": Entry(ops_activation.thresholded_relu, 10),
    "Tile": Entry(ops_shuffle.tile, 6),
    "TopK": Entry(ops_reduction.top_k, 1, ("sorted", "k")),
    "Transpose": Entry(ops_shuffle.transpose),
    "Trilu": Entry(ops_creation.trilu, 14),
    "Unsqueeze": Entry(ops_shuffle.unsqueeze),
    "Upsample": Entry(ops_resize.upsample),
    "Where": Entry(ops_elementwise.where, 9),
}
