"""Operators that reshape, move or repeat data compute what ONNX Runtime computes."""

import numpy as np
import pytest
from onnx_models import model, node
from operator_cases import (
    DYNAMIC,
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
from trtlab.core.errors import InvalidNetworkError, ParseError

CASES = [
    case("identity", node("Identity", "x"), IMAGE),
    case("dropout", node("Dropout", "x", "y m"), {"x": ROW}, outputs=("y", "m"), opset=12),
    case(
        "dropout-13",
        node("Dropout", "x r t"),
        {"x": ROW},
        {"r": np.float32(0.5), "t": np.bool_(False)},
    ),
    case("transpose", node("Transpose", "x", perm=[0, 2, 3, 1]), IMAGE),
    case("transpose-default", node("Transpose", "x"), IMAGE),
    case("reshape", node("Reshape", "x s"), IMAGE, {"s": i64(0, -1, 9)}, shapes=DYNAMIC),
    case(
        "reshape-zero",
        node("Reshape", "x s", allowzero=1),
        {"x": normal(0, 3)},
        {"s": i64(3, 0)},
    ),
    case("reshape-given", node("Reshape", "x s"), {"x": ROW, "s": i64(5, -1)}),
    *[
        case(f"flatten-{axis}", node("Flatten", "x", axis=axis), IMAGE, shapes=shapes)
        for axis in (0, 1, 2, 4, -1)
        for shapes in (None, DYNAMIC)
    ],
    case("squeeze-11", node("Squeeze", "x", axes=[1]), {"x": normal(2, 1, 3)}, opset=11),
    case("squeeze", node("Squeeze", "x a"), {"x": normal(2, 1, 3)}, {"a": i64(-2)}),
    case("squeeze-all", node("Squeeze", "x"), {"x": normal(1, 2, 1, 3)}),
    case("unsqueeze-11", node("Unsqueeze", "x", axes=[0, 3]), {"x": ROW}, opset=11),
    case("unsqueeze", node("Unsqueeze", "x a"), {"x": ROW}, {"a": i64(-1, 0)}),
    case("concat", node("Concat", "a b", axis=-1), {"a": ROW, "b": ROW[:, :2]}),
    case("expand", node("Expand", "x s"), {"x": ROW}, {"s": i64(2, 1, 5)}),
    case("expand-given", node("Expand", "x s"), {"x": ROW[:1], "s": i64(2, 4, 1)}),
    case("tile", node("Tile", "x r"), {"x": ROW}, {"r": i64(2, 3)}),
    case(
        "tile-unknown",
        node("Tile", "x r"),
        {"x": ROW},
        {"r": i64(2, 3)},
        shapes={"x": ["n", "m"]},
    ),
    case(
        "tile-ones",
        node("Tile", "x r"),
        {"x": ROW[:1]},
        {"r": i64(4, 1)},
        shapes={"x": [1, "m"]},
    ),
    case("tile-given", node("Tile", "x r"), {"x": ROW, "r": i64(1, 2)}),
    *[
        case(
            f"{op}-{mode}-{'unknown' if shapes else 'known'}",
            node(op, "x", blocksize=2, mode=mode),
            IMAGE,
            shapes=shapes,
        )
        for op, mode in (
            ("DepthToSpace", "DCR"),
            ("DepthToSpace", "CRD"),
            ("SpaceToDepth", None),
        )
        for shapes in (None, {"x": ["n", 4, "h", "w"]})
    ],
    *[
        case(
            f"SpaceToDepth-{h}-{w}",
            node("SpaceToDepth", "x", blocksize=3),
            IMAGE,
            shapes={"x": ["n", 4, h, w]},
        )
        for h, w in (("h", 6), (6, "w"))
    ],
    case(
        "reverse-sequence",
        node("ReverseSequence", "x n", batch_axis=1, time_axis=0),
        {"x": ROW, "n": i64(3, 1, 2, 1, 3)},
    ),
]

REFUSALS = [
    refusal("squeeze-unknown", node("Squeeze", "x"), {"x": ["n", 1]}, "whether n is 1"),
    refusal(
        "reshape",
        node("Reshape", "x s"),
        VECTOR_SHAPE,
        "does not reshape",
        {"s": i64(2, 2)},
        error=ParseError,
    ),
    refusal(
        "flatten",
        node("Flatten", "x", axis=3),
        VECTOR_SHAPE,
        "axis 3 is outside",
        error=ParseError,
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)


def test_an_image_of_unknown_size_must_divide_into_blocks_once_it_is_known():
    made = model([node("SpaceToDepth", "x", "y", blocksize=2)], {"x": [1, 3, "h", "w"]})
    profile = {"x": ((1, 3, 2, 2), (1, 3, 6, 4), (1, 3, 8, 10))}
    context = engine_on(model=made, profiles=(profile,)).create_execution_context()
    x = normal(1, 3, 4, 6)
    corners = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    np.testing.assert_array_equal(context.infer({"x": x})["y"], np.concatenate(corners, 1))
    for shape in ((1, 3, 5, 6), (1, 3, 4, 7)):
        with pytest.raises(InvalidNetworkError, match="does not reshape") as caught:
            context.infer({"x": normal(*shape)})
        assert "SpaceToDepth" in caught.value.where[0]
