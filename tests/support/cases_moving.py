"""Cases of operators that move, pick or make elements."""

import numpy as np
from layer_cases import Case, normal
from onnx_node import run_node

from trtlab.core.enums import FillOperation, GatherMode, SampleMode, ScatterMode
from trtlab.core.types import DataType
from trtlab.layers.creation import Fill, Shape
from trtlab.layers.gather import Gather, NonZero, OneHot, Scatter
from trtlab.layers.shuffle import (
    Concatenation,
    Expand,
    ReverseSequence,
    Shuffle,
    Squeeze,
    Unsqueeze,
)
from trtlab.layers.slicing import Padding, Slice

_X = normal(2, 3, 4)


def _ints(*values):
    return np.array(values, np.int64)


SHUFFLES = [
    Case("reshape", Shuffle(reshape_dims=(0, -1)), (_X,), lambda: [_X.reshape(2, 12)]),
    Case(
        "transpose",
        Shuffle(first_transpose=(2, 0, 1)),
        (_X,),
        lambda: run_node("Transpose", (_X,), perm=[2, 0, 1]),
    ),
    Case(
        "all_steps",
        Shuffle((1, 0, 2), (0, 2, -1), second_transpose=(2, 0, 1)),
        (_X,),
        lambda: [_X.transpose(1, 0, 2).reshape(3, 2, 4).transpose(2, 0, 1)],
    ),
    Case(
        "dynamic",
        Shuffle(),
        (_X, _ints(0, -1)),
        lambda: run_node("Reshape", (_X, _ints(0, -1))),
        shape_inputs=(1,),
    ),
    Case(
        "zero_is_zero",
        Shuffle(reshape_dims=(0, 3), zero_is_placeholder=False),
        (np.zeros((2, 0), np.float32),),
        lambda: [np.zeros((0, 3), np.float32)],
    ),
    Case("one", Squeeze((1,)), (_X[:, :1],), lambda: [_X[:, 0]]),
    Case("every", Squeeze(), (_X[:1, :1],), lambda: [_X[0, 0]]),
    Case(
        "two",
        Unsqueeze((0, -1)),
        (_X,),
        lambda: run_node("Unsqueeze", (_X, _ints(0, -1))),
    ),
    Case(
        "three",
        Concatenation(-1),
        (_X, _X[..., :1], _X[..., :2]),
        lambda: run_node("Concat", (_X, _X[..., :1], _X[..., :2]), axis=-1),
    ),
    Case(
        "both_ways",
        Expand((2, 1, 6)),
        (_X[0, :, :1],),
        lambda: run_node("Expand", (_X[0, :, :1], _ints(2, 1, 6))),
    ),
    Case(
        "dynamic",
        Expand(),
        (_X[:1], _ints(5, 1, 1)),
        lambda: run_node("Expand", (_X[:1], _ints(5, 1, 1))),
        shape_inputs=(1,),
    ),
    *(
        Case(
            f"batch_{batch}",
            ReverseSequence(batch, 1 - batch),
            (normal(4, 4, 2), _ints(1, 3, 4, 2)),
            lambda batch=batch: run_node(
                "ReverseSequence",
                (normal(4, 4, 2), _ints(1, 3, 4, 2)),
                batch_axis=batch,
                time_axis=1 - batch,
            ),
        )
        for batch in (0, 1)
    ),
]

_LINE = normal(3, 5)
_MODES = {
    SampleMode.WRAP: "wrap",
    SampleMode.CLAMP: "edge",
    SampleMode.REFLECT: "reflect",
    SampleMode.FILL: "constant",
}
SLICES = [
    Case("box", Slice((0, 1, 1), (2, 2, 2), (1, 1, 2)), (_X,), lambda: [_X[:, 1:3, 1:4:2]]),
    Case("backwards", Slice((3,), (4,), (-1,), axes=(2,)), (_X,), lambda: [_X[..., ::-1]]),
    Case(
        "python_bounds",
        Slice((-2, 99), (), (1, -1), axes=(1, -1), stop=(None, -4)),
        (_X,),
        lambda: run_node(
            "Slice", (_X, _ints(-2, 99), _ints(99, -4), _ints(1, 2), _ints(1, -1))
        ),
    ),
    Case(
        "dynamic",
        Slice(),
        (_X, _ints(1, 0, 1), _ints(1, 2, 3), _ints(1, 2, 1)),
        lambda: [_X[1:2, 0:3:2, 1:4]],
        shape_inputs=(1, 2, 3),
    ),
    *(
        Case(
            mode.value,
            Slice((0, -3), (3, 11), mode=mode),
            (_LINE,),
            lambda name=name: [np.pad(_LINE, ((0, 0), (3, 3)), mode=name)],
        )
        for mode, name in _MODES.items()
    ),
    Case(
        "fill_value",
        Slice((0, 3), (3, 4), mode=SampleMode.FILL),
        (_LINE, None, None, None, np.array(7, np.float32)),
        lambda: [np.pad(_LINE[:, 3:], ((0, 0), (0, 2)), constant_values=7)],
    ),
    *(
        Case(
            mode.value,
            Padding((1, 2), (0, 3), mode),
            (_LINE,),
            lambda name=name: run_node("Pad", (_LINE, _ints(1, 2, 0, 3)), mode=name),
        )
        for mode, name in _MODES.items()
    ),
    Case(
        "cropping",
        Padding((-1, 2), (0, -3), value=0.5),
        (_LINE,),
        lambda: run_node("Pad", (_LINE, _ints(-1, 2, 0, -3), np.array(0.5, np.float32))),
    ),
    Case(
        "dynamic",
        Padding(),
        (_LINE, _ints(0, 1, 2, 0), np.array(-1, np.float32)),
        lambda: run_node("Pad", (_LINE, _ints(0, 1, 2, 0), np.array(-1, np.float32))),
        shape_inputs=(1,),
    ),
]

_PLACES = np.array([[1, -1], [0, 2]], np.int64)


def _batched_gather():
    data, places = normal(2, 3, 4, 5), np.array([[0, 2], [3, 3]], np.int32)
    result = np.stack([np.take(data[b], places[b], axis=1) for b in range(2)])
    return Case(
        "elementwise_dims", Gather(2, num_elementwise_dims=1), (data, places), lambda: [result]
    )


_DEEP = normal(2, 3, 4, 5)
_TUPLES = np.array([[[0, 1], [2, -1]], [[1, 0], [0, 0]]], np.int64)
GATHERS = [
    *(
        Case(
            f"axis_{axis}",
            Gather(axis),
            (_X, _PLACES[:, :1] % 2),
            lambda axis=axis: run_node("Gather", (_X, _PLACES[:, :1] % 2), axis=axis),
        )
        for axis in (0, 1, -1)
    ),
    Case(
        "wrapping", Gather(1), (_X, _PLACES), lambda: run_node("Gather", (_X, _PLACES), axis=1)
    ),
    Case("scalar", Gather(1), (_X, np.array(-1, np.int64)), lambda: [_X[:, -1]]),
    _batched_gather(),
    Case(
        "elements",
        Gather(1, GatherMode.ELEMENT),
        (_X, _PLACES[:, :, None]),
        lambda: run_node("GatherElements", (_X, _PLACES[:, :, None]), axis=1),
    ),
    Case(
        "nd",
        Gather(mode=GatherMode.ND),
        (_X[:, :, 0].copy(), np.array([[0, -1], [1, 2]], np.int64)),
        lambda: run_node("GatherND", (_X[:, :, 0], np.array([[0, -1], [1, 2]], np.int64))),
    ),
    Case(
        "nd_batched",
        Gather(mode=GatherMode.ND, num_elementwise_dims=1),
        (_DEEP, _TUPLES),
        lambda: run_node("GatherND", (_DEEP, _TUPLES), batch_dims=1),
    ),
    Case(
        "elements",
        Scatter(1),
        (_X, _PLACES[:, :, None], normal(2, 2, 1, seed=3)),
        lambda: run_node(
            "ScatterElements", (_X, _PLACES[:, :, None], normal(2, 2, 1, seed=3)), axis=1
        ),
    ),
    Case(
        "nd",
        Scatter(mode=ScatterMode.ND),
        (_X, np.array([[1], [-2]], np.int64), normal(2, 3, 4, seed=4)),
        lambda: run_node(
            "ScatterND", (_X, np.array([[1], [-2]], np.int64), normal(2, 3, 4, seed=4))
        ),
    ),
    *(
        Case(
            f"axis_{axis}",
            OneHot(axis, 4),
            (_PLACES, np.array([0.5, 2], np.float32)),
            lambda axis=axis: run_node(
                "OneHot", (_PLACES, np.array(4), np.array([0.5, 2], np.float32)), axis=axis
            ),
        )
        for axis in (0, 1, -1)
    ),
    Case(
        "dynamic",
        OneHot(),
        (_PLACES, np.array([0, 1], np.int64), np.array(3)),
        lambda: run_node("OneHot", (_PLACES, np.array(3), np.array([0, 1]))),
        shape_inputs=(2,),
    ),
    Case("some", NonZero(), (np.round(_X),), lambda: run_node("NonZero", (np.round(_X),))),
    Case("bool", NonZero(), (_X > 0,), lambda: run_node("NonZero", (_X > 0,))),
]


def _drawn(draw):
    return [getattr(np.random.default_rng(5), draw)(-1.0, 2.0, (3, 4)).astype(np.float32)]


CREATIONS = [
    Case("whole", Shape(), (_X,), lambda: run_node("Shape", (_X,))),
    Case("part", Shape(-2, 99), (_X,), lambda: run_node("Shape", (_X,), start=-2, end=99)),
    Case("value", Fill((2, 3), value=1.5), (), lambda: [np.full((2, 3), 1.5, np.float32)]),
    Case(
        "dynamic",
        Fill(value=7, dtype=DataType.INT64),
        (_ints(3, 2),),
        lambda: [np.full((3, 2), 7, np.int64)],
        shape_inputs=(0,),
    ),
    Case(
        "range",
        Fill((4,), dtype=DataType.INT32),
        (None, np.array(3, np.int32), np.array([-2], np.int32)),
        lambda: run_node("Range", tuple(np.array(v, np.int32) for v in (3, -5, -2))),
    ),
    Case(
        "ramps",
        Fill((2, 3)),
        (None, np.array(1, np.float32), np.array([10, 0.5], np.float32)),
        lambda: [np.array([[1, 1.5, 2], [11, 11.5, 12]], np.float32)],
    ),
    *(
        Case(
            op.value,
            Fill((3, 4), op, seed=5),
            (None, np.array(-1, np.float32), np.array(2, np.float32)),
            lambda draw=draw: _drawn(draw),
        )
        for op, draw in (
            (FillOperation.RANDOM_UNIFORM, "uniform"),
            (FillOperation.RANDOM_NORMAL, "normal"),
        )
    ),
]

MOVING = [*SHUFFLES, *SLICES, *GATHERS, *CREATIONS]
