"""Splits compute what ONNX Runtime computes, whether sizes are numbers or follow from shapes."""

import numpy as np
import onnxruntime
import pytest
from onnx_models import check, model, node
from operator_cases import (
    IMAGE,
    ROW,
    VECTOR_SHAPE,
    case,
    check_case,
    check_refusal,
    i64,
    normal,
    refusal,
)

from tests.support.runtime_engines import engine_on
from trtlab.core.errors import InvalidNetworkError, ParseError, UnsupportedError
from trtlab.core.types import Dim
from trtlab.parser.parse import parse

CASES = [
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
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)


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


def test_sizes_of_parts_may_follow_from_shapes():
    made = model(
        [
            node("Shape", "x", "n", start=1, end=2),
            node("Div", "n two", "h"),
            node("Sub", "n h", "left"),
            node("Sub", "left one", "most"),
            node("Concat", "h one most", "sizes", axis=0),
            node("Split", "x sizes", "a b c", axis=1),
        ],
        {"x": [2, "n"]},
        ("a", "b", "c"),
        {"two": i64(2), "one": i64(1)},
    )
    profile = {"x": ((2, 2), (2, 8), (2, 20))}
    context = engine_on(model=made, profiles=(profile,)).create_execution_context()
    for extent in (2, 5, 8, 13):
        x = normal(2, extent)
        found, half = context.infer({"x": x}), extent // 2
        for name, wanted in zip("abc", np.split(x, [half, half + 1], axis=1), strict=True):
            np.testing.assert_array_equal(found[name], wanted)


@pytest.mark.parametrize(
    ("plus", "text", "error"),
    [
        ("e one", r"parts \(n, \(n\+1\)\) do not add up to n", ParseError),
        ("e values", "must be constant, or follow from the input shapes", UnsupportedError),
    ],
)
def test_sizes_of_parts_that_cannot_be_are_refused(plus, text, error):
    made = model(
        [
            node("Shape", "x", "e"),
            node("Add", plus, "more"),
            node("Concat", "e more", "sizes", axis=0),
            node("Split", "x sizes", "y z"),
        ],
        {"x": ["n"], "values": ([1], np.int64)},
        ("y", "z"),
        {"one": i64(1)},
    )
    with pytest.raises(error, match=text):
        parse(made)


def test_equal_parts_of_twice_an_extent_are_that_extent():
    made = model(
        [node("Concat", "x x", "z", axis=0), node("Split", "z", "y w", axis=0)],
        {"x": ["n", 3]},
        ("y", "w"),
        opset=13,
    )
    network = check(made, {"x": normal(5, 3)})
    assert [t.shape[0] for t in network.outputs] == [Dim("n")] * 2
