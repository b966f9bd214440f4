"""Reductions, softmax, top values and running sums agree with ONNX Runtime."""

import numpy as np
import pytest
from onnx_models import model, node
from operator_cases import (
    POSITIVE,
    ROW,
    VECTOR_SHAPE,
    X,
    case,
    check_case,
    check_refusal,
    i64,
    refusal,
)

from trtlab.parser.parse import parse

CASES = (
    [
        case(
            f"{op}-attribute",
            node(op, "x", axes=[-1, 0], keepdims=keep),
            {"x": POSITIVE},
            opset=opset,
        )
        for op in (
            "ReduceMean",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
        )
        for keep, opset in ((0, 11), (1, 17))
    ]
    + [
        case(op, node(op, "x a", keepdims=keep), {"x": POSITIVE}, {"a": i64(1)}, opset=18)
        for op in (
            "ReduceMean",
            "ReduceSum",
            "ReduceMax",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceSumSquare",
            "ReduceL2",
        )
        for keep in (0, 1)
    ]
    + [
        case("all-axes", node("ReduceSum", "x", keepdims=0), {"x": ROW}),
        case(
            "no-axes",
            node("ReduceSum", "x a", noop_with_empty_axes=1),
            {"x": ROW},
            {"a": i64()},
        ),
        case("log-sum-exp-large", node("ReduceLogSumExp", "x"), {"x": 200 * ROW}, opset=18),
        case(
            "sum-square-int", node("ReduceSumSquare", "x"), {"x": np.arange(4, dtype=np.int32)}
        ),
        *[
            case(op, node(op, "x", axis=axis), {"x": X}, opset=opset)
            for op in ("Softmax", "LogSoftmax")
            for axis, opset in ((1, 11), (3, 11), (1, 13), (-1, 13), (None, 9), (None, 13))
        ],
        *[
            case(op, node(op, "x", axis=1, keepdims=keep, select_last_index=last), {"x": ties})
            for op in ("ArgMax", "ArgMin")
            for keep in (0, 1)
            for last in (0, 1)
            for ties in (np.array([[1, 3, 3, 1], [2, 2, 2, 2]], np.float32),)
        ],
        case(
            "topk", node("TopK", "x k", "v i"), {"x": ROW}, {"k": i64(2)}, outputs=("v", "i")
        ),
        case(
            "topk-smallest",
            node("TopK", "x k", "v i", axis=0, largest=0),
            {"x": ROW},
            {"k": i64(3)},
            outputs=("v", "i"),
        ),
        case("topk-9", node("TopK", "x", "v i", k=2), {"x": ROW}, outputs=("v", "i"), opset=9),
        case("cumsum", node("CumSum", "x a"), {"x": ROW}, {"a": np.int64(-1)}),
        case(
            "cumsum-options",
            node("CumSum", "x a", exclusive=1, reverse=1),
            {"x": ROW},
            {"a": np.int64(0)},
        ),
        case("lp-norm", node("LpNormalization", "x", p=1, axis=0), {"x": ROW}),
    ]
)

REFUSALS = [
    refusal(
        "axes-given", node("ReduceSum", "x a"), {**VECTOR_SHAPE, "a": ([1], np.int64)}, "axes"
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)


def test_softmax_before_opset_13_spans_all_later_axes():
    old = parse(model(node("Softmax", "x"), {"x": [2, 3, 4]}, opset=12)).network
    new = parse(model(node("Softmax", "x"), {"x": [2, 3, 4]}, opset=13)).network
    assert (old.layers[0].op.axes, new.layers[0].op.axes) == ((1, 2), (2,))
