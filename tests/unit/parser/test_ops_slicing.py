"""Slices and pads compute what ONNX Runtime computes, in every form they come in."""

import numpy as np
import pytest
from onnx_models import check, model, node
from operator_cases import (
    DYNAMIC,
    IMAGE,
    ROW,
    VECTOR_SHAPE,
    X,
    case,
    check_case,
    check_refusal,
    i64,
    normal,
    refusal,
)

from tests.support.runtime_engines import engine_on
from trtlab.core.errors import ParseError
from trtlab.core.types import Dim


def sliced(starts, ends, axes=None, steps=None):
    given = {"s": i64(*starts), "e": i64(*ends)}
    names = ["x", "s", "e"]
    for name, entries in (("a", axes), ("t", steps)):
        if entries is not None:
            given[name] = i64(*entries)
            names.append(name)
        elif name == "a" and steps is not None:
            names.append("")
    return names, given


SLICE_BOUNDS = [
    ((1,), (3,), (2,), None),
    ((0, -3), (100, -1), (1, 3), None),
    ((-1,), (-(1 << 60),), (0,), (-1,)),
    ((1, 0, 0, 5), (2, 4, 6, 0), None, (1, 2, 3, -2)),
    ((4,), (1 << 62,), (-1,), (2,)),
    ((5,), (2,), (2,), None),
]
CASES = [
    *[
        case(
            f"slice-{number}{'-unknown' if shapes else ''}",
            node("Slice", sliced(*bounds)[0]),
            IMAGE,
            sliced(*bounds)[1],
            shapes=shapes,
        )
        for number, bounds in enumerate(SLICE_BOUNDS)
        for shapes in (None, DYNAMIC)
    ],
    case(
        "slice-9", node("Slice", "x", starts=[1, 0], ends=[9, -1], axes=[1, 2]), IMAGE, opset=9
    ),
    *[
        case(
            f"slice-given-{number}",
            node("Slice", "x s e a t"),
            {"x": X, "s": i64(*starts), "e": i64(*ends)},
            {"a": i64(2, 3), "t": i64(1, 2)},
            shapes=shapes,
        )
        for number, (starts, ends) in enumerate([((1, 0), (3, 6)), ((-4, 9), (99, 2))])
        for shapes in (None, DYNAMIC)
    ],
    *[
        case(
            f"slice-to-the-end-{number}",
            node("Slice", "x s e a"),
            {"x": X, "s": i64(*starts)},
            {"e": i64(*ends), "a": i64(2, 3)},
            shapes=DYNAMIC,
        )
        for number, (starts, ends) in enumerate(
            [((1, 2), (1 << 62, 4)), ((-2, 3), (2**31 - 1, 10**9))]
        )
    ],
    *[
        case(
            f"pad-{mode}",
            node("Pad", "x p", mode=mode),
            {"x": ROW},
            {"p": i64(1, 2, 1, 0)},
            opset=19,
        )
        for mode in ("constant", "reflect", "edge", "wrap")
    ],
    case(
        "pad-value",
        node("Pad", "x p v"),
        {"x": ROW},
        {"p": i64(1, -2, 0, 3), "v": np.float32(5)},
    ),
    case(
        "pad-axes",
        node("Pad", ["x", "p", "", "a"]),
        IMAGE,
        {"p": i64(1, 2), "a": i64(-1)},
        shapes=DYNAMIC,
    ),
    case("pad-2", node("Pad", "x", pads=[1, 0, 0, 2], value=3.0), {"x": ROW}, opset=10),
    case("pad-given", node("Pad", "x p"), {"x": ROW, "p": i64(1, 0, 0, 2)}),
]

REFUSALS = [
    refusal(
        "slice-step",
        node("Slice", "x s s _ t"),
        VECTOR_SHAPE,
        "a step is 0",
        {"s": i64(1), "t": i64(0)},
        error=ParseError,
    ),
    refusal(
        "slice-backwards-given",
        node("Slice", "x s s _ t"),
        {**VECTOR_SHAPE, "s": ([1], np.int64)},
        "a negative step",
        {"t": i64(-1)},
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)


def test_a_mask_cut_from_a_larger_buffer_takes_the_models_dimension():
    made = model(
        [
            node("Shape", "x", "s", start=1, end=2),
            node("Slice", "m zero s axis", "part"),
            node("Add", "x part", "y"),
        ],
        {"x": ["batch", "length"]},
        constants={"m": normal(1, 64), "zero": i64(0), "axis": i64(1)},
    )
    network = check(made, {"x": normal(2, 9)})
    assert network.find_tensor("part").shape == (1, Dim("length"))
    assert network.outputs[0].shape == (Dim("batch"), Dim("length"))


@pytest.mark.parametrize("start", [i64(2), None])
def test_a_slice_to_the_end_has_no_large_numbers_in_its_dimension(start):
    nodes = [node("Slice", "x s e a", "y")]
    constants = {"e": i64(2**63 - 1), "a": i64(1)}
    if start is None:  # from a length that only the shape tells
        nodes.insert(0, node("Shape", "z", "s", start=0, end=1))
    else:
        constants["s"] = start
    made = model(nodes, {"x": ["n", "m"], "z": ["k"]}, constants=constants)
    network = check(made, {"x": normal(2, 9), "z": normal(2)})
    extent = str(network.outputs[0].shape[1])
    assert "m" in extent
    assert not any(digit in extent for digit in "13456789")


@pytest.mark.parametrize(
    ("bound", "number", "names"),
    [("Div", 2, "x zero h axis"), ("Div", 2, "x h e axis"), ("Sub", 5, "x h e axis")],
    ids=["first half", "second half", "last five"],
)
def test_bounds_that_follow_from_the_shape_are_known_when_an_engine_is_built(
    bound, number, names
):
    made = model(
        [
            node("Shape", "x", "e", start=0, end=1),
            node(bound, "e number", "h"),
            node("Slice", names, "y"),
        ],
        {"x": ["n", 3]},
        constants={"number": i64(number), "zero": i64(0), "axis": i64(0)},
    )
    profile = {"x": ((1, 3), (8, 3), (20, 3))}
    context = engine_on(model=made, profiles=(profile,)).create_execution_context()
    for extent in (1, 3, 4, 8, 13):  # of less than five rows, x[extent - 5 :] is the last ones
        x = normal(extent, 3)
        cut = extent // 2 if bound == "Div" else extent - 5
        wanted = x[:cut] if names == "x zero h axis" else x[cut:]
        np.testing.assert_array_equal(context.infer({"x": x})["y"], wanted)
