"""Slices, splits and pads compute what ONNX Runtime computes, in every form they come in."""

import numpy as np
import onnxruntime
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
from trtlab.core.errors import InvalidNetworkError, ParseError
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
    case("split", node("Split", "x", "a b", axis=2), IMAGE, outputs=("a", "b"), opset=11),
    case(
        "split-sizes",
        node("Split", "x s", "a b c", axis=-1),
        IMAGE,
        {"s": i64(1, 3, 2)},
        outputs=("a", "b", "c"),
        shapes={"x": ["n", 4, 6, 6]},
    ),
    case(
        "split-uneven",
        node("Split", "x", "a b", axis=1, num_outputs=2),
        {"x": ROW},
        outputs=("a", "b"),
    ),
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
        "split-odd",
        node("Split", "x", "y z"),
        VECTOR_SHAPE,
        "3 elements do not divide into 2 equal parts",
        opset=13,
        error=ParseError,
    ),
    refusal(
        "split-overfull",
        node("Split", "x", "a b c d y", num_outputs=5),
        {"x": [7]},
        "7 elements do not divide into 4 parts of 2 and a last one",
        error=ParseError,
    ),
    refusal(
        "split-sum",
        node("Split", "x s", "y z"),
        VECTOR_SHAPE,
        r"parts \[1, 1\] do not add up to 3",
        {"s": i64(1, 1)},
        error=ParseError,
    ),
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


def equal_parts(count, opset):
    """A context for ``[2 * part for part in split(x + x, count)]``, of 3 to 12 rows."""
    names = [f"y{i}" for i in range(count)]
    options = {"num_outputs": count} if opset >= 18 else {}
    made = model(
        [
            node("Add", "x x", "z"),
            node("Split", "z", " ".join(f"p{i}" for i in range(count)), axis=-2, **options),
            *[node("Add", [f"p{i}", f"p{i}"], name) for i, name in enumerate(names)],
        ],
        {"x": ["n", 3]},
        names,
        opset=opset,
    )
    profile = {"x": ((count, 3), (6, 3), (12, 3))}
    context = engine_on(model=made, profiles=(profile,)).create_execution_context()
    return onnxruntime.InferenceSession(made.SerializeToString()), context


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("opset", [11, 13, 18])
def test_equal_parts_of_an_unknown_extent_are_those_of_onnx_runtime(count, opset):
    session, context = equal_parts(count, opset)
    whole = (3, 5, 6, 9, 11, 12) if opset >= 18 else (6, 12)
    for extent in whole:
        x = normal(extent, 3)
        found = context.infer({"x": x})
        for i, wanted in enumerate(session.run(None, {"x": x})):
            np.testing.assert_array_equal(found[f"y{i}"], wanted)


@pytest.mark.parametrize("opset", [11, 13])
def test_an_extent_that_does_not_divide_is_refused_before_opset_18(opset):
    _, context = equal_parts(2, opset)
    for extent in (3, 11):
        with pytest.raises(InvalidNetworkError, match=r"leaves axis 0 of \(") as caught:
            context.infer({"x": normal(extent, 3)})
        assert "Split" in caught.value.where[0]
        assert "give shapes" in caught.value.hint


def test_equal_parts_of_twice_an_extent_are_that_extent():
    made = model(
        [node("Concat", "x x", "z", axis=0), node("Split", "z", "y w", axis=0)],
        {"x": ["n", 3]},
        ("y", "w"),
        opset=13,
    )
    network = check(made, {"x": normal(5, 3)})
    assert [t.shape[0] for t in network.outputs] == [Dim("n")] * 2
