"""Operators that gather and scatter by indices compute what ONNX Runtime computes."""

import numpy as np
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
    case("non-zero", node("NonZero", "x"), {"x": np.array([[0, 2], [3, 0]], np.float32)}),
    case(
        "compress",
        node("Compress", "x c", axis=0),
        {"x": ROW, "c": np.array([True, False, True])},
    ),
    case(
        "compress-flat",
        node("Compress", "x c"),
        {"x": ROW, "c": np.array([False, True, True])},
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
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
