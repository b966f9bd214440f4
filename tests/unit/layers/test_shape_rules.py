"""Type rules on dimensions known by name, and chains of shape arithmetic."""

import numpy as np
import pytest

from trtlab.core.enums import (
    ElementWiseOperation,
    GatherMode,
    MatrixOperation,
    PaddingMode,
    ReduceOperation,
    RNNKind,
    SampleMode,
    UnaryOperation,
)
from trtlab.core.types import DataType, Dim, TensorType
from trtlab.layers.activation import Unary
from trtlab.layers.base import broadcast, shape_value
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.creation import Fill, Shape
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Attention, Reformat
from trtlab.layers.gather import Gather, NonZero, OneHot, Scatter
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.pooling import Pooling
from trtlab.layers.recurrent import Recurrent
from trtlab.layers.reduction import Reduce, TopK
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Cast
from trtlab.layers.shuffle import (
    Concatenation,
    Expand,
    Shuffle,
    Squeeze,
    Unsqueeze,
)
from trtlab.layers.slicing import Padding, Slice

B, S, H = Dim("batch"), Dim("sequence"), Dim("height")
INT64, BOOL = DataType.INT64, DataType.BOOL


def f32(*shape):
    return TensorType(DataType.FLOAT, shape)


def i64(*shape):
    return TensorType(INT64, shape)


def shape_of(op, *inputs, values=None):
    """Shape of the first output; ``values`` maps input positions to known entries."""
    known = [None] * len(inputs)
    for position, entries in (values or {}).items():
        known[position] = shape_value(entries)
    return op.infer(inputs, known)[0].shape


def names(shape):
    return tuple(str(extent) for extent in shape)


IMAGE = f32(B, 3, H, 224)
CASES = [
    (Convolution(), (IMAGE, f32(8, 3, 3, 3)), ("batch", "8", "(height-2)", "222")),
    (
        Convolution(stride_nd=(2, 2), pre_padding=(3, 3), post_padding=(3, 3)),
        (IMAGE, f32(8, 3, 7, 7)),
        ("batch", "8", "((height+1)//2)", "112"),
    ),
    (
        Convolution(stride_nd=(2, 2), padding_mode=PaddingMode.SAME_UPPER),
        (IMAGE, f32(8, 3, 3, 3)),
        ("batch", "8", "((height+1)//2)", "112"),
    ),
    (
        Deconvolution(stride_nd=(2, 2)),
        (IMAGE, f32(3, 5, 2, 2)),
        ("batch", "5", "height*2", "448"),
    ),
    (
        Pooling(window_size_nd=(2, 2), stride_nd=(2, 2)),
        (IMAGE,),
        ("batch", "3", "(height//2)", "112"),
    ),
    (MatrixMultiply(), (f32(B, S, 64), f32(64, 10)), ("batch", "sequence", "10")),
    (
        MatrixMultiply(op1=MatrixOperation.TRANSPOSE),
        (f32(B, 12, S, 64), f32(B, 12, S, 64)),
        ("batch", "12", "sequence", "sequence"),
    ),
    (
        Einsum("bhsd,bhtd->bhst"),
        (f32(B, 12, S, 64), f32(B, 12, 7, 64)),
        ("batch", "12", "sequence", "7"),
    ),
    (Reduce(axes=(1,)), (f32(B, S, 4),), ("batch", "1", "4")),
    (Reduce(axes=(-1, 0), keep_dims=False), (f32(B, S, 4),), ("sequence",)),
    (
        Shuffle(reshape_dims=(0, 0, 12, 64)),
        (f32(B, S, 768),),
        ("batch", "sequence", "12", "64"),
    ),
    (Shuffle(reshape_dims=(0, -1)), (f32(B, S, 768),), ("batch", "sequence*768")),
    (Shuffle(reshape_dims=(-1, 768)), (f32(B, S, 768),), ("batch*sequence", "768")),
    (
        Shuffle(first_transpose=(0, 2, 1, 3), reshape_dims=(0, 0, -1)),
        (f32(B, 12, S, 64),),
        ("batch", "sequence", "768"),
    ),
    (Shuffle(reshape_dims=(-1, 4)), (f32(B, 3),), ("(batch*3//4)", "4")),
    (Squeeze((-1,)), (f32(B, S, 1),), ("batch", "sequence")),
    (Unsqueeze((1, 2)), (f32(B, S),), ("batch", "1", "1", "sequence")),
    (Concatenation(1), (f32(B, S, 4), f32(B, 1, 4)), ("batch", "(sequence+1)", "4")),
    (Concatenation(0), (f32(B, 4), f32(B, 4)), ("batch*2", "4")),
    (Expand((4, 1, 1)), (f32(S, 1),), ("4", "sequence", "1")),
    (Slice((1,), axes=(1,), stop=(None,)), (f32(B, S),), ("batch", "(sequence-1)")),
    (Slice((0,), axes=(1,), stop=(1,)), (f32(B, S),), ("batch", "1")),
    (Slice((0,), axes=(1,), stop=(-1,)), (f32(B, S),), ("batch", "(sequence-1)")),
    (Slice((-1,), axes=(1,), stop=(None,)), (f32(B, S),), ("batch", "1")),
    (
        Slice((0,), (), (2,), axes=(1,), stop=(None,)),
        (f32(B, S),),
        ("batch", "((sequence+1)//2)"),
    ),
    (
        Slice((2**63 - 1,), (), (-1,), axes=(1,), stop=(-(2**63),)),
        (f32(B, S),),
        ("batch", "sequence"),
    ),
    (Padding((0, 1), (0, 2)), (f32(B, S),), ("batch", "(sequence+3)")),
    (Resize(scales=(1.0, 1.0, 2.0, 0.5)), (IMAGE,), ("batch", "3", "height*2", "112")),
    (Resize(scales=(1.0, 1.0, 1.5, 1.0)), (IMAGE,), ("batch", "3", "(height*3//2)", "224")),
    (Gather(1), (f32(30, 8), i64(B, S)), ("30", "batch", "sequence")),
    (Gather(mode=GatherMode.ND), (f32(B, S, 8), i64(5, 2)), ("5", "8")),
    (OneHot(-1, 10), (i64(B, S), f32(2)), ("batch", "sequence", "10")),
    (NonZero(), (f32(B, S),), ("2", "?count")),
    (Attention(), (f32(B, 12, S, 64),) * 3, ("batch", "12", "sequence", "64")),
    (
        Recurrent(RNNKind.GRU, 8, "bidirectional"),
        (f32(S, B, 4), f32(2, 24, 4), f32(2, 24, 8)),
        ("sequence", "2", "batch", "8"),
    ),
]


@pytest.mark.parametrize(
    ("op", "inputs", "expected"), CASES, ids=lambda v: getattr(v, "kind", "")
)
def test_named_dimensions(op, inputs, expected):
    assert names(shape_of(op, *inputs)) == expected


def test_same_name_against_number():
    assert broadcast([(B, 1), (4, S)]) == (4, S)
    assert shape_of(Concatenation(1), f32(B, 2), f32(4, 3)) == (4, 5)


def test_dynamic_shapes_resolve_when_values_are_known():
    x = f32(B, S, 768)
    assert shape_of(Shuffle(), x, i64(4), values={1: (B, S, 12, 64)}) == (B, S, 12, 64)
    assert shape_of(Shuffle(), x, i64(3), values={1: (0, -1, 64)})[1].name == "sequence*12"
    assert shape_of(Expand(), f32(1, S), i64(2), values={1: (B, S)}) == (B, S)
    assert shape_of(Slice(), f32(8), i64(1), i64(1), values={1: (2,), 2: (3,)}) == (3,)
    assert shape_of(TopK(), f32(B, 9), i64(1), values={1: (4,)}) == (B, 4)
    assert shape_of(Resize(), IMAGE, i64(4), values={1: (B, 3, 7, 7)}) == (B, 3, 7, 7)
    assert shape_of(Padding(), f32(B, 4), i64(4), values={1: (0, 1, 0, 1)}) == (B, 6)
    assert shape_of(Fill(), i64(2), values={0: (B, 3)}) == (B, 3)


@pytest.mark.parametrize(
    ("op", "inputs", "rank"),
    [
        (Shuffle(), (f32(B, S), i64(3)), 3),
        (Expand(), (f32(1, 4), i64(3)), 3),
        (Slice(), (f32(B, 4), i64(2), i64(2)), 2),
        (TopK(), (f32(B, 4), i64(1)), 2),
        (Resize(), (IMAGE, i64(4)), 4),
        (Padding(), (f32(B, 4), i64(4)), 2),
        (Fill(), (i64(2),), 2),
        (OneHot(), (i64(B), f32(2), i64(1)), 2),
    ],
    ids=lambda v: getattr(v, "kind", ""),
)
def test_dynamic_shapes_stay_open_when_values_are_unknown(op, inputs, rank):
    shape = shape_of(op, *inputs)
    assert len(shape) == rank
    assert any(str(extent).startswith("?") for extent in shape)


def test_unknown_expansion_keeps_what_is_certain():
    assert names(shape_of(Expand(), f32(1, 4), i64(2))) == ("?d0", "4")


class Tracer:
    """Runs operators on types and values, as a network does while building."""

    def __call__(self, op, *inputs):
        types, values = [t for t, _ in inputs], [v for _, v in inputs]
        outputs = op.infer(types, values)
        return outputs[0], op.infer_values(types, values, outputs)[0]


def constant(*entries, dtype=INT64, scalar=False):
    value = shape_value(entries, () if scalar else None)
    return TensorType(dtype, value.shape), value


def test_split_heads_written_with_shape_arithmetic():
    run = Tracer()
    x = (f32(B, S, 768), None)
    shape = run(Shape(), x)
    batch = run(Gather(0), shape, constant(0, scalar=True))
    length = run(Gather(0), shape, constant(1, scalar=True))
    parts = [run(Unsqueeze((0,)), part) for part in (batch, length)]
    target = run(Concatenation(0), *parts, constant(12), constant(-1))
    assert run(Shuffle(), x, target)[0].shape == (B, S, 12, 64)


def test_expand_written_with_where_on_minus_one():
    run = Tracer()
    x = (f32(1, S), None)
    wanted = run(
        Concatenation(0), run(Slice((0,), (1,)), run(Shape(), (f32(B), None))), constant(-1)
    )
    ones = run(Fill((2,), value=1, dtype=INT64))
    hidden = run(ElementWise(ElementWiseOperation.EQUAL), wanted, constant(-1))
    assert list(hidden[1]) == [0, 1]
    target = run(Select(), hidden, ones, wanted)
    assert run(Expand(), x, target)[0].shape == (B, S)


def test_arithmetic_on_known_values():
    run = Tracer()
    shape = run(Shape(), (f32(B, S, 8), None))
    count = run(Reduce(ReduceOperation.PROD, (0,), keep_dims=False), shape)
    assert count[1].item().name == "batch*sequence*8"
    half = run(ElementWise(ElementWiseOperation.DIV), count, constant(4, scalar=True))
    assert half[1].item().name == "batch*sequence*2"
    minus = run(Unary(UnaryOperation.NEG), constant(3, B))
    assert [str(v) for v in minus[1]] == ["-3", "batch*-1"]
    down = run(ElementWise(ElementWiseOperation.DIV), constant(-7), constant(2))
    assert list(down[1]) == [-3]
    assert list(run(Cast(DataType.INT32), shape)[1]) == [B, S, 8]
    assert run(Cast(DataType.INT8), shape)[1] is None
    assert run(Reformat(), shape)[1] is shape[1]
    ramp = run(Fill((3,), dtype=INT64), (None, None), constant(5, scalar=True), constant(-2))
    assert list(ramp[1]) == [5, 3, 1]


def test_comparison_that_depends_on_a_name_is_unknown():
    run = Tracer()
    equal = run(ElementWise(ElementWiseOperation.EQUAL), constant(B), constant(4))
    assert equal == (TensorType(BOOL, (1,)), None)
    greater = run(ElementWise(ElementWiseOperation.GREATER), constant(B), constant(0))
    assert list(greater[1]) == [1]


def test_scatter_and_slices_beyond_the_input_keep_types():
    data = f32(B, S)
    assert shape_of(Scatter(0), data, i64(1, S), f32(1, S)) == (B, S)
    beyond = Slice((-1, 0), (5, 2), mode=SampleMode.CLAMP)
    assert shape_of(beyond, data) == (5, 2)


HUGE = 2**62


@pytest.mark.parametrize(
    ("op", "inputs"),
    [
        (Fill((HUGE, HUGE), dtype=INT64), ()),
        (Expand((HUGE, HUGE)), (i64(1),)),
        (Padding((HUGE,), (HUGE,)), (f32(4),)),
        (Slice((0,), (HUGE,), mode=SampleMode.WRAP), (f32(4),)),
        (OneHot(0, HUGE), (i64(4), f32(2))),
        (Shuffle(reshape_dims=(HUGE, -1)), (f32(HUGE, HUGE),)),
        (Concatenation(0), (f32(HUGE), f32(HUGE))),
        (Resize((HUGE, HUGE)), (f32(2, 2),)),
        (
            Convolution(pre_padding=(HUGE,), post_padding=(HUGE,)),
            (f32(1, 1, 4), f32(1, 1, HUGE)),
        ),
        (Pooling(window_size_nd=(HUGE,)), (f32(1, 1, HUGE),)),
        (Shape(-HUGE, HUGE), (f32(3, 4),)),
        (Expand((0, HUGE)), (i64(1),)),
        (Fill((0, HUGE), dtype=INT64), ()),
        (Slice((0,), (HUGE,), mode=SampleMode.CLAMP), (i64(1),)),
    ],
    ids=lambda v: getattr(v, "kind", ""),
)
def test_absurd_sizes_cost_nothing_to_infer(op, inputs):
    values = [
        shape_value((1,)) if t.dtype is INT64 and t.shape == (1,) else None for t in inputs
    ]
    outputs = op.infer(inputs, values)
    found = op.infer_values(inputs, values, outputs)
    assert all(value is None or value.size <= 4096 for value in found)
    assert op.flops(inputs, outputs) >= 0
    assert op.traffic_bytes(inputs, outputs) >= 0


def test_numpy_integers_in_shape_values_become_plain():
    value = np.array([np.int64(2), np.int64(6)], dtype=object)
    shape = Shuffle().infer((f32(3, 4), i64(2)), (None, value))[0].shape
    assert shape == (2, 6)
    assert all(type(extent) is int for extent in shape)
