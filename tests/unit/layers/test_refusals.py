"""Contradictions end in messages that name the values."""

import pytest

from trtlab.core.enums import (
    ActivationType,
    ElementWiseOperation,
    GatherMode,
    MatrixOperation,
    PaddingMode,
    PoolingType,
    RNNKind,
    SampleMode,
    ScaleMode,
    ScatterMode,
    UnaryOperation,
)
from trtlab.core.errors import InvalidNetworkError, UsageError
from trtlab.core.types import DataType, Dim, TensorType
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import shape_value
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Constant, Fill
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Attention
from trtlab.layers.gather import Gather, OneHot, Scatter
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.normalization import LRN, Normalization
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.pooling import Pooling
from trtlab.layers.recurrent import Recurrent
from trtlab.layers.reduction import Cumulative, Reduce, SoftMax, TopK
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Scale
from trtlab.layers.shuffle import (
    Concatenation,
    Expand,
    ReverseSequence,
    Shuffle,
    Squeeze,
    Unsqueeze,
)
from trtlab.layers.slicing import Padding, Slice

F, I32, BOOL = DataType.FLOAT, DataType.INT32, DataType.BOOL
B = Dim("batch")


def t(*shape, dtype=F):
    return TensorType(dtype, shape)


X, HALF = t(1, 3, 8, 8), t(4, 3, 3, 3, dtype=DataType.HALF)
CASES = [
    (Convolution(), (None, X), "the data input is missing"),
    (Convolution(), (t(3, 4), t(3, 4)), "(3, 4) needs batch, channel"),
    (Convolution(), (X, t(4, 3, 3)), "(4, 3, 3) does not fit an input of 4 dimensions"),
    (Convolution(), (X, t(4, 2, 3, 3)), "wants 2 input channels"),
    (Convolution(num_groups=2), (t(1, 4, 8, 8), t(3, 2, 3, 3)), "3 output maps do not divide"),
    (Convolution(num_groups=0), (X, t(4, 3, 3, 3)), "num_groups is 0"),
    (Convolution(), (X, HALF), "input and kernel differ in type: fp32, fp16"),
    (Convolution(), (X, t(4, 3, 3, 3), t(5)), "bias has shape (5)"),
    (Convolution(), (X, t(4, 3, 9, 9)), "reaches over 9 elements does not fit"),
    (Convolution(stride_nd=(0, 1)), (X, t(4, 3, 3, 3)), "stride (0, 1) has an entry below 1"),
    (Convolution(stride_nd=(1,)), (X, t(4, 3, 3, 3)), "stride (1,) has 1 entries"),
    (Convolution(pre_padding=(-1, 0)), (X, t(4, 3, 3, 3)), "pre-padding (-1, 0)"),
    (Convolution(kernel_size_nd=(5, 5)), (X, t(4, 3, 3, 3)), "kernel_size_nd and the kernel"),
    (Convolution(num_output_maps=7), (X, t(4, 3, 3, 3)), "7 and 4 differ"),
    (Convolution(), (X, t(4, 3, B, 3)), "must be known when building"),
    (
        Convolution(epilogue=(Step("add", (0, 1)),)),
        (X, t(4, 3, 3, 3), None, t(9)),
        "do not broadcast",
    ),
    (
        Convolution(epilogue=(Step("add", (0, 1)),)),
        (t(1, 3, 3, 3), t(4, 3, 3, 3), None, t(2, 1, 1, 1)),
        "epilogue operand 1 (2, 1, 1, 1) does not broadcast to the result (1, 4, 1, 1)",
    ),
    (Convolution(epilogue=(Step("relu", (1,)),)), (X, t(4, 3, 3, 3)), "does not exist yet"),
    (Deconvolution(), (X, t(4, 3, 3, 3)), "channels of kernel and input"),
    (Deconvolution(num_groups=2), (X, t(3, 3, 3, 3)), "3 input channels do not divide"),
    (Deconvolution(output_padding=(1,)), (X, t(3, 3, 3, 3)), "output_padding (1,)"),
    (
        Deconvolution(pre_padding=(9, 9)),
        (X, t(3, 3, 1, 1)),
        "axis 0 of the output would have -1 elements",
    ),
    (Pooling(), (X,), "window_size_nd is empty"),
    (Pooling(window_size_nd=(2,) * 5), (X,), "does not fit an input"),
    (Pooling(window_size_nd=(9, 9)), (X,), "reaches over 9 elements"),
    (Activation(), (t(2, dtype=BOOL),), "relu of a BOOL tensor"),
    (Unary(), (t(2, dtype=I32),), "exp is not defined on int32"),
    (Unary(UnaryOperation.NOT), (t(2),), "not is not defined on fp32"),
    (ParametricReLU(), (t(2, 3), t(4)), "do not broadcast"),
    (ElementWise(), (t(2), t(2, dtype=I32)), "operands of sum differ in type: fp32, int32"),
    (ElementWise(), (t(2), t(3)), "shapes (2) and (3) do not broadcast: 2 meets 3"),
    (ElementWise(ElementWiseOperation.AND), (t(2), t(2)), "and is not defined on fp32"),
    (ElementWise(), (t(2, dtype=BOOL),) * 2, "sum is not defined on bool"),
    (Select(), (t(2), t(2), t(2)), "is fp32, not bool"),
    (Select(), (t(2, dtype=BOOL), t(2), t(2, dtype=I32)), "branches of a selection differ"),
    (Scale(), (X, t(3)), "uniform scaling wants 1 values"),
    (Scale(ScaleMode.CHANNEL), (X, t(4)), "channel scaling wants 3 values"),
    (Scale(ScaleMode.CHANNEL, 7), (X, t(4)), "channel axis 7 is outside"),
    (Scale(ScaleMode.ELEMENTWISE), (X, t(5)), "do not broadcast"),
    (Pointwise((Step("nonsense", (0,)),)), (X,), "unknown pointwise function 'nonsense'"),
    (Pointwise((Step("add", (0,)),)), (X,), "add(v0) takes 2 operands"),
    (MatrixMultiply(), (t(2, 3), t(4, 5)), "3 columns meet 4 rows"),
    (
        MatrixMultiply(),
        (t(2, 8, 64), t(3, 64, 8)),
        "batch dimensions of (2, 8, 64) and (3, 64, 8) do not broadcast: 2 meets 3",
    ),
    (MatrixMultiply(), (t(3), t(3, 4)), "has fewer than 2 dimensions"),
    (MatrixMultiply(op1=MatrixOperation.VECTOR), (t(2, 3), t(4)), "(4) (vector)"),
    (MatrixMultiply(), (t(2, 3), t(3, 4), t(7)), "do not broadcast"),
    (Einsum("ij,jk"), (t(2, 3),), "has 2 terms for 1 inputs"),
    (Einsum("ij"), (t(2, 3, 4),), "'ij' of equation 'ij' does not fit an input of 3"),
    (Einsum("ij->ik"), (t(2, 3),), "one that no input has"),
    (Einsum("ij,jk"), (t(2, 3), t(4, 5)), "do not broadcast"),
    (Einsum("i1"), (t(2, 3),), "something other than letters"),
    (Einsum(""), (), "an einsum without inputs"),
    (Reduce(axes=(4,)), (X,), "reduced axis 4 is outside a tensor of 4 dimensions"),
    (Reduce(axes=(1, -3)), (X,), "1, -3 names an axis twice"),
    (SoftMax((5,)), (X,), "softmax axis 5 is outside"),
    (SoftMax(), (t(2, 2, dtype=I32),), "softmax is not defined on int32"),
    (TopK(k=9), (t(2, 8),), "top 9 of 8 entries along axis 1 of (2, 8)"),
    (TopK(axes=(0, 1)), (t(2, 8),), "one axis, not along (0, 1)"),
    (TopK(indices_type=F), (t(2, 8),), "indices of type fp32"),
    (Cumulative(axis=2), (t(2, 8),), "axis 2 is outside"),
    (Normalization(), (X,), "over no axis"),
    (Normalization((2, 3), num_groups=2), (X,), "3 channels do not divide into 2 groups"),
    (Normalization((1, 2), num_groups=3), (X,), "groups need spatial axes"),
    (Normalization((-1,)), (X, t(7)), "do not broadcast"),
    (Normalization((-1,)), (X, t(8, dtype=I32)), "scale is int32, the data fp32"),
    (LRN(0), (X,), "window_size is 0"),
    (Shuffle(reshape_dims=(5, -1)), (t(2, 3),), "(2, 3) does not reshape to (5, -1)"),
    (Shuffle(reshape_dims=(4, 2)), (t(2, 3),), "(2, 3) does not reshape to (4, 2)"),
    (Shuffle(reshape_dims=(-1, -1)), (t(2, 3),), "several -1"),
    (Shuffle(reshape_dims=(-2,)), (t(2, 3),), "an entry below -1"),
    (Shuffle(reshape_dims=(6, 1, 0)), (t(2, 3),), "copies one that (2, 3) does not have"),
    (Shuffle(reshape_dims=(-1, 0), zero_is_placeholder=False), (t(2, 3),), "does not reshape"),
    (Shuffle(first_transpose=(0, 0)), (t(2, 3),), "first_transpose (0, 0) is no permutation"),
    (Shuffle(), (t(2, 3), t(B, dtype=I32)), "not a known number of entries"),
    (Squeeze((0,)), (t(2, 3),), "axis 0 of (2, 3) has 2 elements, not 1"),
    (Unsqueeze((3,)), (t(2, 3),), "new axis 3 is outside a tensor of 3"),
    (Concatenation(), (), "a concatenation of nothing"),
    (
        Concatenation(1),
        (t(2, 3), t(3, 3)),
        "parts (2, 3), (3, 3) of a concatenation along axis 1",
    ),
    (Concatenation(), (t(2, 3), t(2)), "differ in rank"),
    (Concatenation(), (t(2), t(2, dtype=I32)), "differ in type"),
    (Expand((-1,)), (t(2),), "an extent is negative"),
    (Expand((3,)), (t(2),), "do not broadcast"),
    (ReverseSequence(), (t(4, 2), t(3, dtype=I32)), "do not fit a batch of 2"),
    (ReverseSequence(1, 1), (t(4, 2), t(2, dtype=I32)), "both 1"),
    (Slice((0,), (9,)), (t(8),), "a slice from 0, 9 elements, stride 1, leaves axis 0 of (8)"),
    (Slice((1,), (3,), (-1,)), (t(8),), "leaves axis 0"),
    (Slice((0,), (2,), (0,)), (t(8),), "the stride on axis 0 is 0"),
    (Slice((0,), (-2,)), (t(8),), "size -2 on axis 0 is negative"),
    (Slice((0, 0), (2, 2)), (t(8),), "start (0, 0) has 2 entries for 1 axes"),
    (Slice(), (t(8),), "shape () has 0 entries for 1 axes"),
    (Slice(stop=(1,)), (t(8), t(1, dtype=I32)), "stop does not go with"),
    (Padding((1,), (1,), SampleMode.STRICT_BOUNDS), (t(8),), "not STRICT_BOUNDS"),
    (Padding((1, 1)), (t(8),), "pre_padding (1, 1) has 2 entries"),
    (Padding((-5,), (-5,)), (t(8),), "leave -2 elements on axis 0 of (8)"),
    (Resize(scales=(2.0,)), (X,), "1 scales for an input of 4 dimensions"),
    (Resize(scales=(1, 1, -1, 1)), (X,), "scale -1 is not positive"),
    (Resize(scales=(1, 1, float("nan"), 1)), (X,), "scale nan is not positive"),
    (Resize(scales=(1, 1, 1e30, 1)), (X,), "are too many"),
    (Resize((1, 3, 8)), (X,), "shape (1, 3, 8) does not fit"),
    (Resize((1, 3, 8, 8)), (t(1, 3, 0, 8),), "axis 2 is empty"),
    (Gather(), (t(4), t(2)), "indices are fp32"),
    (Gather(2), (t(4, 4), t(2, dtype=I32)), "gathered axis 2 is outside"),
    (Gather(num_elementwise_dims=2), (t(4, 4), t(2, dtype=I32)), "2 elementwise dimensions"),
    (Gather(0, GatherMode.ELEMENT), (t(4, 4), t(2, dtype=I32)), "differ in rank"),
    (Gather(mode=GatherMode.ND), (t(4, 4), t(2, 3, dtype=I32)), "tuples of length 3 into"),
    (Gather(mode=GatherMode.ND), (t(4, 4), t(2, B, dtype=I32)), "known when building"),
    (Scatter(), (t(4, 4), t(2, 4, dtype=I32), t(3, 4)), "updates are (3, 4)"),
    (Scatter(mode=ScatterMode.ND), (t(4, 4), t(2, 1, dtype=I32), t(2, 3)), "want (2, 4)"),
    (OneHot(), (t(4, dtype=I32), t(3)), "not the two of off and on"),
    (OneHot(depth=-1), (t(4, dtype=I32), t(2)), "depth -1 is negative"),
    (Constant(shape=(-1,)), (), "negative extent"),
    (Constant(), (X,), "a constant has no inputs"),
    (Fill((-1,)), (), "negative extent"),
    (Attention(), (t(2, 3, 4),) * 3, "attention wants [batch, heads, sequence, features]"),
    (
        Attention(),
        (t(1, 3, 4, 8), t(1, 2, 4, 8), t(1, 2, 4, 8)),
        "3 query heads do not divide",
    ),
    (Attention(), (t(1, 2, 4, 8), t(1, 2, 4, 9), t(1, 2, 4, 8)), "8 and 9 differ"),
    (Attention(), (*[t(1, 2, 4, 8)] * 3, t(5, 5)), "do not broadcast"),
    (Attention(), (*[t(1, 2, 4, 8)] * 3, t(4, 4, dtype=I32)), "the mask is int32"),
    (Recurrent(hidden_size=2, direction="up"), (t(5, 1, 4),), "direction 'up' is none of"),
    (Recurrent(), (t(5, 1, 4),), "hidden_size is 0"),
    (Recurrent(hidden_size=2), (t(5, 1, 4), t(1, 8, 3)), "not (1, 8, 4)"),
    (
        Recurrent(hidden_size=2),
        (t(5, 1, 4), t(1, 8, 4)),
        "recurrence weights input is missing",
    ),
    (
        Recurrent(RNNKind.GRU, 2),
        (t(5, 1, 4), t(1, 6, 4), t(1, 6, 2), None, None, None, t(1, 1, 2)),
        "a gru cell has no initial cell state",
    ),
]


@pytest.mark.parametrize(
    ("op", "inputs", "message"), CASES, ids=[f"{c[0].kind}-{c[2][:40]}" for c in CASES]
)
def test_message_names_the_contradiction(op, inputs, message):
    with pytest.raises(InvalidNetworkError) as caught:
        op.infer(inputs, [None] * len(inputs))
    assert message in str(caught.value)


def test_known_index_outside_is_refused():
    with pytest.raises(
        InvalidNetworkError, match="index 4 lies outside axis 0 with 4 elements"
    ):
        Gather().infer((t(4), t(1, dtype=I32)), (None, shape_value((4,))))


def test_a_constant_has_no_meaning_of_its_own():
    with pytest.raises(UsageError, match="held by its output tensor"):
        Constant().evaluate(())


def test_symbolic_sizes_are_given_the_benefit_of_the_doubt():
    assert Convolution().infer((t(B, B, 8, 8), t(4, 3, 3, 3)), (None, None))
    assert MatrixMultiply().infer((t(2, B), t(4, 5)), (None, None))
    assert Shuffle(reshape_dims=(4, 2)).infer((t(B, 3),), (None,))
    assert Pooling(PoolingType.AVERAGE, (9,)).infer((t(1, 1, B),), (None,))
    assert Padding((-5,), (0,)).infer((t(B),), (None,))
    same = Deconvolution(padding_mode=PaddingMode.SAME_LOWER)
    assert same.infer((t(1, B, 8), t(3, 2, 3)), (None, None))
    assert Activation(ActivationType.CLIP).infer((t(B),), (None,))
