"""Cases of layers that move elements, or choose among them."""

import numpy as np
from kernel_conformance import Case, Spec

from trtlab.core.enums import (
    CumulativeOperation,
    GatherMode,
    InterpolationMode,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    SampleMode,
    ScatterMode,
    TopKOperation,
)
from trtlab.core.types import DataType, TensorFormat
from trtlab.layers.creation import Shape
from trtlab.layers.fused import Reformat
from trtlab.layers.gather import Gather, NonZero, OneHot, Scatter
from trtlab.layers.reduction import Cumulative, TopK
from trtlab.layers.resize import Resize
from trtlab.layers.shuffle import (
    Concatenation,
    Expand,
    ReverseSequence,
    Shuffle,
    Squeeze,
    Unsqueeze,
)
from trtlab.layers.slicing import Padding, Slice

F, HALF, I64 = DataType.FLOAT, DataType.HALF, DataType.INT64
EXACT = {"rtol": 0.0, "atol": 0.0}


def _concatenations():
    for axis in range(3):
        parts = [[3, 5, 7], [3, 5, 7], [3, 5, 7]]
        for number, part in enumerate(parts):
            part[axis] += 2 * number
        specs = tuple(Spec(tuple(part)) for part in parts)
        yield Case(f"axis-{axis}", Concatenation(axis), specs, **EXACT)
    pixel = [Spec((2, c, 5, 7), hwc=True) for c in (3, 16, 8)]
    yield Case("channels-hwc", Concatenation(1), tuple(pixel), (Spec((), hwc=True),), **EXACT)
    yield Case(
        "rows-hwc", Concatenation(2), (pixel[0], pixel[0]), (Spec((), hwc=True),), **EXACT
    )
    yield Case("to-linear", Concatenation(1), tuple(pixel), **EXACT)
    held = Spec((2, 4, 5, 7), hwc=True, hole=3)
    yield Case("holes", Concatenation(1), (held, pixel[0]), (held,), **EXACT)
    for kind in (HALF, I64, DataType.BOOL):
        specs = (Spec((3, 5), kind), Spec((3, 4), kind))
        yield Case(f"{kind.value}", Concatenation(1), specs, **EXACT)
    yield Case("one-part", Concatenation(0), (Spec((3, 5)),), **EXACT)
    yield Case("empty-part", Concatenation(0), (Spec((0, 5)), Spec((3, 5))), **EXACT)


def _shuffles():
    orders = {
        "matrix": ((70, 45), (1, 0)),
        "batched": ((3, 33, 49), (0, 2, 1)),
        "heads": ((2, 21, 3, 20), (0, 2, 1, 3)),
        "keys": ((2, 21, 3, 20), (0, 2, 3, 1)),
        "nhwc": ((2, 5, 6, 35), (0, 3, 1, 2)),
        "nchw": ((2, 35, 5, 6), (0, 2, 3, 1)),
        "reverse": ((3, 4, 5, 6), (3, 2, 1, 0)),
        "five": ((2, 3, 4, 5, 6), (4, 0, 3, 1, 2)),
        "large": ((3, 130, 517), (2, 1, 0)),
    }
    for name, (shape, order) in orders.items():
        for kind in (F, HALF, I64, DataType.BOOL):
            case_name = f"{name}-{kind.value}"
            yield Case(
                case_name, Shuffle(order), (Spec(shape, kind, low=-9, high=9),), **EXACT
            )
    yield Case("reshape", Shuffle(reshape_dims=(0, -1)), (Spec((4, 5, 7)),), **EXACT)
    both = Shuffle((0, 2, 1), (4, 2, 3, 5), second_transpose=(2, 0, 1, 3))
    yield Case("both", both, (Spec((4, 5, 6)),), **EXACT)
    split = Shuffle(reshape_dims=(2, 9, 4, 8), second_transpose=(0, 2, 1, 3))
    yield Case("split-heads", split, (Spec((2, 9, 32)),), **EXACT)
    join = Shuffle((0, 2, 1, 3), (2, 9, 32))
    yield Case("join-heads", join, (Spec((2, 4, 9, 8)),), **EXACT)
    yield Case("holes", split, (Spec((2, 9, 32), hole=64),), **EXACT)
    hwc = Spec((2, 5, 4, 3), hwc=True)
    yield Case("from-hwc", Shuffle(reshape_dims=(2, -1)), (hwc,), **EXACT)
    dynamic = (Spec((4, 6)), Spec((2,), I64))
    yield Case("dynamic", Shuffle(), dynamic, values={1: np.array([8, -1])}, **EXACT)
    yield Case("empty", Shuffle((1, 0, 2)), (Spec((0, 4, 5)),), **EXACT)
    yield Case("squeeze", Squeeze((1,)), (Spec((3, 1, 5)),), **EXACT)
    yield Case("squeeze-half", Squeeze(), (Spec((3, 1, 5, 1), HALF),), **EXACT)
    yield Case("unsqueeze", Unsqueeze((0, 2)), (Spec((3, 5)),), **EXACT)


def _reformats():
    hwc, linear = Spec((2, 37, 5, 7), hwc=True), Spec((2, 37, 5, 7))
    to_hwc = Reformat(TensorFormat.HWC)
    yield Case("to-hwc", to_hwc, (linear,), (hwc,), **EXACT)
    yield Case("to-linear", Reformat(), (hwc,), **EXACT)
    large = Spec((1, 64, 30, 33))
    yield Case("large", to_hwc, (large,), (hwc,), **EXACT)
    yield Case("image", to_hwc, (Spec((2, 3, 21, 37)),), (hwc,), **EXACT)
    held = Spec((2, 37, 5, 7), hwc=True, hole=11)
    yield Case("to-holes", to_hwc, (linear,), (held,), **EXACT)
    yield Case("from-holes", Reformat(), (held,), **EXACT)
    yield Case("half", to_hwc, (Spec((2, 37, 5, 7), HALF),), (hwc,), **EXACT)
    both = Reformat(TensorFormat.HWC, HALF)
    yield Case("and-cast", both, (linear,), (hwc,))
    yield Case("same", Reformat(), (linear,), **EXACT)


def _slices():
    x = Spec((5, 9, 31))
    cut = Slice((1, 2, 3), (3, 5, 17), (1, 1, 1))
    yield Case("box", cut, (x,), **EXACT)
    yield Case("steps", Slice((4, 0, 30), (2, 3, 7), (-2, 3, -4)), (x,), **EXACT)
    yield Case("stop", Slice((0, -7), axes=(1, 2), stop=(None, -1)), (x,), **EXACT)
    for mode in (SampleMode.FILL, SampleMode.CLAMP, SampleMode.WRAP, SampleMode.REFLECT):
        op = Slice((-1, -2, -3), (7, 13, 37), (1, 1, 1), mode=mode)
        yield Case(mode.value, op, (x,), **EXACT)
        pad = Padding((1, 2, 3), (0, 1, 2), mode, value=1.5)
        yield Case(f"{mode.value}", pad, (x,), **EXACT)
    filled = (x, None, None, None, Spec(()))
    yield Case(
        "fill-value", Slice((-1, 0, 0), (7, 9, 31), mode=SampleMode.FILL), filled, **EXACT
    )
    hwc = Spec((2, 12, 5, 7), hwc=True)
    yield Case("hwc", Slice((0, 4, 1, 2), (2, 8, 3, 4)), (hwc,), (hwc,), **EXACT)
    yield Case("hwc", Padding((0, 0, 1, 2), (0, 0, 3, 1)), (hwc,), (hwc,), **EXACT)
    yield Case("crop", Padding((0, -1, 0), (0, 2, -3)), (x,), **EXACT)
    yield Case("half", Padding((0, 1), (2, 0), value=-1.0), (Spec((4, 5), HALF),), **EXACT)
    pads = (x, Spec((6,), I64), Spec(()))
    yield Case("dynamic", Padding(), pads, values={1: np.array([1, 0, 0, 0, 2, 0])}, **EXACT)
    starts = (x, Spec((3,), I64), Spec((3,), I64))
    values = {1: np.array([1, 2, 3]), 2: np.array([2, 3, 4])}
    yield Case("dynamic", Slice(), starts, values=values, **EXACT)
    yield Case("nothing", Slice((0, 0, 0), (0, 9, 31)), (x,), **EXACT)
    yield Case("rows", Expand((4, 3, 7)), (Spec((3, 1)),), **EXACT)
    yield Case("scalar", Expand((40, 33)), (Spec(()),), **EXACT)
    yield Case("half", Expand((4, 3, 7)), (Spec((3, 1), HALF),), **EXACT)
    dynamic = (Spec((3, 1)), Spec((3,), I64))
    yield Case("dynamic", Expand(), dynamic, values={1: np.array([2, 3, 5])}, **EXACT)


def _gathers():
    table, rows = Spec((50, 37)), Spec((3, 5), I64, low=-50, high=50)
    yield Case("rows", Gather(0), (table, rows), **EXACT)
    yield Case("empty", Gather(0), (table, Spec((0,), I64)), **EXACT)
    yield Case(
        "int32", Gather(0), (table, Spec((7,), DataType.INT32, low=0, high=50)), **EXACT
    )
    yield Case("constant", Gather(0), (Spec((50, 37), constant=True), rows), **EXACT)
    yield Case("scalar", Gather(1), (Spec((3, 50, 7)), Spec((), I64, low=0, high=50)), **EXACT)
    yield Case("middle", Gather(1), (Spec((3, 50, 7)), rows), **EXACT)
    yield Case("last", Gather(2), (Spec((3, 4, 50)), rows), **EXACT)
    yield Case("half", Gather(0), (Spec((50, 37), HALF), rows), **EXACT)
    yield Case(
        "holes", Gather(0), (Spec((50, 37), hole=3), rows), (Spec((), hole=2),), **EXACT
    )
    yield Case(
        "element",
        Gather(1, GatherMode.ELEMENT),
        (table, Spec((50, 9), I64, low=0, high=37)),
        **EXACT,
    )
    pairs = Spec((6, 2), I64, low=0, high=37)
    yield Case("nd", Gather(0, GatherMode.ND), (table, pairs), **EXACT)
    batched = Gather(1, num_elementwise_dims=1)
    yield Case(
        "batched", batched, (Spec((3, 50, 7)), Spec((3, 4), I64, low=0, high=50)), **EXACT
    )
    places = {1: np.random.default_rng(0).permuted(np.tile(np.arange(9), (5, 1)), axis=1)}
    scatter = (Spec((5, 9)), Spec((5, 9), I64), Spec((5, 9)))
    yield Case("element", Scatter(1, ScatterMode.ELEMENT), scatter, values=places, **EXACT)
    yield Case(
        "levels", OneHot(-1, 7), (Spec((3, 5), I64, low=0, high=7), Spec((2,))), **EXACT
    )
    flags = np.array([[1, 0, 2], [0, 0, 3]], np.float32)
    yield Case(
        "matrix", NonZero(), (Spec((2, 3)),), (Spec((2, 3)),), values={0: flags}, **EXACT
    )
    yield Case("shape", Shape(), (Spec((3, 5, 7)),))
    yield Case(
        "lengths",
        ReverseSequence(1, 0),
        (Spec((6, 3, 5)), Spec((3,), I64, low=1, high=6)),
        **EXACT,
    )


def _choices():
    distinct = {
        0: np.random.default_rng(3).permutation(3 * 57).reshape(3, 57).astype(np.float32)
    }
    for k in (1, 5):
        for op in TopKOperation:
            name = f"{op.value}-{k}"
            yield Case(name, TopK(op, k), (Spec((3, 57)),), values=distinct, **EXACT)
    yield Case("first-axis", TopK(k=2, axes=(0,)), (Spec((3, 57)),), values=distinct, **EXACT)
    yield Case(
        "int64", TopK(k=3, indices_type=I64), (Spec((3, 57)),), values=distinct, **EXACT
    )
    for reverse in (False, True):
        op = Cumulative(CumulativeOperation.SUM, 1, exclusive=reverse, reverse=reverse)
        yield Case(f"reverse-{reverse}", op, (Spec((3, 9, 5)),))


def _resizes():
    modes = ResizeCoordinateTransformation
    for hwc in (False, True):
        x = Spec((2, 19, 5, 7), hwc=hwc)
        tail = "-hwc" if hwc else ""
        out = (Spec((), hwc=hwc),)
        for how in InterpolationMode:
            for mode in modes:
                op = Resize((2, 19, 10, 21), (), how, mode)
                yield Case(
                    f"{how.value}-{mode.value}{tail}", op, (x,), out, rtol=1e-5, atol=1e-5
                )
        for rounding in ResizeRoundMode:
            op = Resize((), (1, 1, 0.6, 1.7), nearest_rounding=rounding)
            yield Case(f"{rounding.value}{tail}", op, (x,), out, **EXACT)
        small = Resize((), (1, 1, 0.5, 0.5), InterpolationMode.LINEAR, modes.HALF_PIXEL)
        yield Case(f"down{tail}", small, (x,), out, rtol=1e-5, atol=1e-5)
    twice = Resize((), (1, 1, 2, 2))
    yield Case("half", twice, (Spec((1, 3, 4, 5), HALF),), **EXACT)
    held = Spec((1, 20, 4, 5), hwc=True, hole=12)
    yield Case("holes", twice, (held,), (held,), **EXACT)
    yield Case("channels", Resize((1, 6, 4, 5)), (Spec((1, 3, 4, 5)),), **EXACT)
    line = Resize((), (1, 1, 2.5), InterpolationMode.LINEAR)
    yield Case("line", line, (Spec((2, 3, 9)),), rtol=1e-5, atol=1e-5)


MOVEMENT_CASES = [
    *_concatenations(),
    *_shuffles(),
    *_reformats(),
    *_slices(),
    *_gathers(),
    *_choices(),
    *_resizes(),
]
