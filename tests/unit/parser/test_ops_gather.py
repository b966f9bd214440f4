"""Operators that gather and scatter by indices compute what ONNX Runtime computes."""

import numpy as np
import onnx.parser
import pytest
from onnx_models import node
from operator_cases import (
    ROW,
    VECTOR_SHAPE,
    case,
    check_case,
    check_refusal,
    f32,
    i64,
    normal,
    refusal,
)

from trtlab.core.errors import UnsupportedError
from trtlab.parser.errors import ErrorCode
from trtlab.parser.parse import parse

TABLE = normal(6, 4)
CASES = [
    case("gather", node("Gather", "x i"), {"x": TABLE, "i": i64(0, -1, 5)}),
    case("gather-scalar", node("Gather", "x i", axis=1), {"x": TABLE}, {"i": np.int64(2)}),
    case(
        "gather-elements",
        node("GatherElements", "x i", axis=1),
        {"x": TABLE, "i": np.array([[0, 3], [-1, 2]], np.int64)},
    ),
    case(
        "gather-nd",
        node("GatherND", "x i", batch_dims=1),
        {"x": normal(2, 3, 4), "i": np.array([[[0]], [[2]]], np.int64)},
    ),
    case(
        "scatter-elements",
        node("ScatterElements", "x i u", axis=1),
        {"x": TABLE, "i": np.array([[1, 3], [0, 2]], np.int64), "u": normal(2, 2)},
    ),
    case(
        "scatter-9",
        node("Scatter", "x i u"),
        {"x": TABLE, "i": np.array([[1, 3]], np.int64), "u": normal(1, 2)},
        opset=9,
    ),
    case(
        "scatter-nd",
        node("ScatterND", "x i u"),
        {"x": TABLE, "i": np.array([[1], [4]], np.int64), "u": normal(2, 4)},
    ),
    case(
        "one-hot",
        node("OneHot", "i d v", axis=1),
        {"i": np.array([[0, 2], [-1, 9]], np.int64)},
        {"d": i64(3), "v": f32(-1, 4)},
    ),
    case(
        "one-hot-given",
        node("OneHot", "i d v"),
        {"i": i64(0, 2), "d": np.int64(4)},
        {"v": f32(0, 1)},
    ),
    case(
        "non-zero",
        node("NonZero", "x"),
        {},
        {"x": np.array([[0, 2], [3, 0]], np.float32)},
    ),
    case(
        "compress",
        node("Compress", "x c", axis=0),
        {"x": ROW},
        {"c": np.array([True, False, True])},
    ),
    case(
        "compress-flat",
        node("Compress", "x c"),
        {"x": ROW},
        {"c": np.array([False, True, True])},
    ),
    case("hardmax", node("Hardmax", "x", axis=0), {"x": ROW}),
]

REFUSALS = [
    refusal(
        "scatter-add",
        node("ScatterND", "x i u", reduction="add"),
        {**VECTOR_SHAPE, "i": ([1, 1], np.int64), "u": [1]},
        "reduction 'add'",
    ),
    refusal("counted", node("NonZero", "x"), {"x": [2, 3]}, "NonZero finds as many entries"),
    refusal(
        "compressed",
        node("Compress", "x c", axis=0),
        {"x": [2, 3], "c": ([2], np.bool_)},
        "Compress finds as many entries",
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)


def _model(body):
    return onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]>
        counted (float[n, 3] x) => (int64[k, m] y) {{ {body} }}"""
    )


@pytest.mark.parametrize(
    "body",
    [
        "size = Shape (x) ones = ConstantOfShape (size) y = NonZero (ones)",
        "unread = NonZero (x) size = Shape (x) ones = ConstantOfShape (size) y = NonZero (ones)",
    ],
    ids=["of-shapes", "unread"],
)
def test_counts_that_follow_from_shapes_alone_are_left_to_the_build(body):
    assert len(parse(_model(body)).network.outputs) == 1


def test_counts_are_found_behind_other_layers():
    with pytest.raises(UnsupportedError) as raised:
        parse(_model("big = Relu (x) y = NonZero (big)"))
    (problem,) = raised.value.problems
    assert (problem.node, problem.op_type) == (1, "NonZero")
    assert problem.code is ErrorCode.UNSUPPORTED_NODE_DYNAMIC
