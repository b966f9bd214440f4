"""FLOPs and bytes of known layers."""

import pytest

from trtlab.core.types import DataType, TensorType
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Constant, Shape
from trtlab.layers.fused import Attention
from trtlab.layers.gather import Gather
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.pointwise import Step
from trtlab.layers.pooling import Pooling
from trtlab.layers.shuffle import Expand, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Padding, Slice


def t(*shape, dtype=DataType.FLOAT):
    return TensorType(dtype, shape)


def cost(op, *inputs):
    outputs = op.infer(inputs, [None] * len(inputs))
    return op.flops(inputs, outputs), op.traffic_bytes(inputs, outputs)


IDS = t(1, 8, dtype=DataType.INT64)
STEM = Convolution(stride_nd=(2, 2), pre_padding=(3, 3), post_padding=(3, 3))
RELU = Convolution(epilogue=(Step("relu", (0,)),))


@pytest.mark.parametrize(
    ("op", "inputs", "flops", "moved"),
    [
        # ResNet-50's first layer: 118 million multiply-adds.
        (
            STEM,
            (t(1, 3, 224, 224), t(64, 3, 7, 7)),
            2 * 118_013_952,
            4 * (150_528 + 9_408 + 802_816),
        ),
        (RELU, (t(1, 2, 4, 4), t(3, 2, 1, 1), t(3)), 48 * (4 + 1 + 1), 4 * (32 + 6 + 3 + 48)),
        (
            Deconvolution(stride_nd=(2, 2)),
            (t(1, 2, 4, 4), t(2, 3, 2, 2)),
            2 * 32 * 12,
            4 * 248,
        ),
        (Pooling(window_size_nd=(2, 2), stride_nd=(2, 2)), (t(1, 1, 4, 4),), 16, 80),
        (MatrixMultiply(), (t(2, 8, 16), t(16, 4)), 2 * 2 * 8 * 4 * 16, 4 * (256 + 64 + 64)),
        (MatrixMultiply(), (t(8, 16), t(16, 4), t(4)), 8 * 4 * 33, 4 * (128 + 64 + 4 + 32)),
        (Einsum("ij,jk->ik"), (t(8, 16), t(16, 4)), 2 * 8 * 16 * 4, 4 * (128 + 64 + 32)),
        (Attention(), (t(1, 2, 4, 8),) * 3, 2 * 16 * (2 * 16 + 9), 4 * 4 * 64),
        (Attention(causal=True), (t(1, 2, 4, 8),) * 3, 2 * 10 * (2 * 16 + 9), 4 * 4 * 64),
        (Gather(), (t(30_522, 768), IDS), 0, 2 * 4 * 8 * 768 + 8 * 8),
        (Shape(), (t(1000, 1000),), 0, 0),
        (Constant(shape=(1000,)), (), 0, 0),
        (Shuffle(reshape_dims=(-1,)), (t(10, 10),), 0, 0),
        (Shuffle(first_transpose=(0, 1)), (t(10, 10),), 0, 0),
        (Shuffle(first_transpose=(1, 0)), (t(10, 10),), 0, 800),
        (Squeeze(), (t(10, 1),), 0, 0),
        (Unsqueeze((0,)), (t(10),), 0, 0),
        (Slice((0,), (5,)), (t(1000),), 0, 40),
        (Expand((50, 4)), (t(4),), 0, 4 * 204),
        (Padding((1,), (1,)), (t(4),), 0, 4 * 10),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_counts(op, inputs, flops, moved):
    assert cost(op, *inputs) == (flops, moved)
