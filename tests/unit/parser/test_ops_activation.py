"""Activations, unary operators and casts compute what ONNX Runtime computes."""

import numpy as np
import pytest
from onnx_models import node
from operator_cases import (
    ROW,
    VECTOR_SHAPE,
    X,
    case,
    check_case,
    check_refusal,
    f32,
    normal,
    refusal,
)

CASES = [
    case(op, node(op, "x", **options), {"x": 3 * normal(4, 5)}, opset=opset)
    for op, options, opset in (
        ("Relu", {}, 6),
        ("Relu", {}, 21),
        ("Sigmoid", {}, 21),
        ("Tanh", {}, 21),
        ("LeakyRelu", {}, 21),
        ("LeakyRelu", {"alpha": 0.3}, 21),
        ("Elu", {"alpha": 0.5}, 21),
        ("Selu", {}, 21),
        ("Celu", {"alpha": 0.7}, 21),
        ("Softplus", {}, 21),
        ("Softsign", {}, 21),
        ("HardSigmoid", {}, 21),
        ("HardSigmoid", {"alpha": 0.1, "beta": 0.6}, 21),
        ("HardSwish", {}, 21),
        ("Mish", {}, 21),
        ("Gelu", {}, 21),
        ("Gelu", {"approximate": "tanh"}, 21),
        ("ThresholdedRelu", {"alpha": 0.4}, 21),
        ("Shrink", {"lambd": 0.6, "bias": 0.2}, 21),
        ("Erf", {}, 21),
        ("Neg", {}, 21),
        ("Round", {}, 21),
        ("Sign", {}, 21),
        ("Reciprocal", {}, 21),
        ("IsNaN", {}, 21),
    )
] + [
    case("relu-int", node("Relu", "x"), {"x": np.array([-2, 0, 3], np.int32)}),
    case("prelu", node("PRelu", "x s"), {"x": X}, {"s": normal(4, 1, 1)}),
    case("clip-6", node("Clip", "x", min=-0.5, max=0.5), {"x": ROW}, opset=6),
    case("clip-low-6", node("Clip", "x", min=-0.5), {"x": ROW}, opset=6),
    case("clip", node("Clip", "x a b"), {"x": ROW}, {"a": f32(-0.5)[0], "b": f32(0.5)[0]}),
    case("clip-high", node("Clip", ["x", "", "b"]), {"x": ROW}, {"b": f32(0.5)[0]}),
    case("clip-none", node("Clip", "x"), {"x": ROW}),
    case(
        "clip-tensors",
        node("Clip", "x a b"),
        {"x": ROW, "a": np.float32(-0.2), "b": np.float32(0.3)},
    ),
    case(
        "clip-int",
        node("Clip", "x a b"),
        {"x": np.arange(6, dtype=np.int64)},
        {"a": np.int64(1), "b": np.int64(4)},
    ),
    *[
        case(
            f"isinf-{positive}-{negative}",
            node("IsInf", "x", detect_positive=positive, detect_negative=negative),
            {"x": f32(1, np.inf, -np.inf, np.nan)},
        )
        for positive, negative in ((1, 1), (1, 0), (0, 1))
    ],
    case("cast", node("Cast", "x", to=7), {"x": 3 * ROW}),
    case("cast-bool", node("Cast", "x", to=9), {"x": f32(0, 0.3, -1)}),
    case("cast-like", node("CastLike", "x l"), {"x": ROW, "l": np.zeros(1, np.float16)}),
    case("not", node("Not", "a"), {"a": np.array([True, True, False])}),
]

REFUSALS = [
    refusal("cast-text", node("Cast", "x", to=8), VECTOR_SHAPE, "element type STRING"),
    refusal("fp8-wraps", node("Cast", "x", to=17, saturate=0), VECTOR_SHAPE, "saturate"),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
