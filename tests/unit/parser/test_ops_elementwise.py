"""Arithmetic, comparisons and choices, element by element, agree with ONNX Runtime."""

import numpy as np
import pytest
from onnx_models import node
from operator_cases import (
    POSITIVE,
    ROW,
    VECTOR_SHAPE,
    case,
    check_case,
    check_refusal,
    f32,
    normal,
    refusal,
)

INTEGERS = {
    "a": np.array([7, -7, 7, -7, 6], np.int32),
    "b": np.array([3, 3, -3, -3, 2], np.int32),
}
BOOLS = {"a": np.array([True, True, False]), "b": np.array([[True], [False]])}
CASES = [
    *[
        case(op, node(op, "a b"), {"a": normal(2, 3, 4), "b": POSITIVE})
        for op in ("Add", "Sub", "Mul", "Div", "Greater", "Less", "Equal", "Max", "Min")
    ],
    *[
        case(op, node(op, "a b"), INTEGERS)
        for op in ("Add", "Div", "Mod", "GreaterOrEqual", "LessOrEqual", "Max")
    ],
    case("fmod-int", node("Mod", "a b", fmod=1), INTEGERS),
    case("fmod", node("Mod", "a b", fmod=1), {"a": 5 * normal(9), "b": 2 * normal(9, seed=3)}),
    *[case(op, node(op, "a b"), BOOLS) for op in ("And", "Or", "Xor", "Equal")],
    case("pow", node("Pow", "a b"), {"a": POSITIVE, "b": normal(4)}),
    case("pow-mixed", node("Pow", "a b"), {"a": POSITIVE, "b": np.array([2], np.int64)}),
    case(
        "pow-int-base",
        node("Pow", "a b"),
        {"a": np.array([1, 2, 3], np.int64), "b": np.array([2.0], np.float32)},
    ),
    case(
        "nan-compared",
        node("GreaterOrEqual", "a b"),
        {"a": f32(np.nan, 1), "b": f32(1, np.nan)},
    ),
    *[
        case(f"{op}-3", node(op, "a b c"), {"a": ROW, "b": ROW[0], "c": ROW + 1})
        for op in ("Sum", "Mean", "Max", "Min")
    ],
    case("mean-1", node("Mean", "a"), {"a": ROW}),
    case("where", node("Where", "c a b"), {"c": ROW > 0, "a": ROW, "b": f32(7)}),
]

REFUSALS = [
    refusal(
        "where-float", node("Where", "x x x"), VECTOR_SHAPE, "its condition is fp32, not bool"
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
