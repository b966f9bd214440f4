"""Poolings compute what ONNX Runtime computes, in every form they come in."""

import pytest
from onnx_models import node
from operator_cases import IMAGE_SHAPE, X, case, check_case, check_refusal, refusal

from trtlab.core.errors import ParseError

CASES = [
    case(
        f"{op}-{'-'.join(map(str, options))}",
        node(op, "x", kernel_shape=[3, 2], **options),
        {"x": X},
        opset=19,
    )
    for op in ("MaxPool", "AveragePool")
    for options in (
        {},
        {"strides": [2, 2], "pads": [1, 0, 1, 1]},
        {"strides": [2, 2], "ceil_mode": 1},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"dilations": [2, 2]},
    )
] + [
    case(
        "count-padding",
        node("AveragePool", "x", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1),
        {"x": X},
    ),
    case("global-average", node("GlobalAveragePool", "x"), {"x": X}),
    case("global-max", node("GlobalMaxPool", "x"), {"x": X}),
    case("global-lp", node("GlobalLpPool", "x", p=3), {"x": X}),
    case("lp", node("LpPool", "x", kernel_shape=[2, 2], p=2), {"x": X}),
]

REFUSALS = [
    refusal(
        "kernel-shape",
        node("MaxPool", "x"),
        IMAGE_SHAPE,
        "kernel_shape is missing",
        error=ParseError,
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
