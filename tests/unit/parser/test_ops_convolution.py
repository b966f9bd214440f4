"""Convolutions and deconvolutions compute what ONNX Runtime computes."""

import pytest
from onnx_models import node
from operator_cases import IMAGE_SHAPE, X, case, check_case, check_refusal, normal, refusal

from trtlab.core.errors import ParseError


def kernel(*shape):
    return {"w": normal(*shape, seed=1), "b": normal(shape[0], seed=2)}


CASES = [
    case("conv", node("Conv", "x w b"), {"x": X}, kernel(3, 4, 3, 3)),
    case(
        "conv-options",
        node("Conv", "x w", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2]),
        {"x": X},
        kernel(3, 4, 3, 3),
    ),
    case("conv-groups", node("Conv", "x w b", group=2), {"x": X}, kernel(4, 2, 3, 3)),
    case("conv-1d", node("Conv", "x w"), {"x": X[0]}, {"w": normal(3, 6, 2)}),
    *[
        case(
            f"conv-{mode}",
            node("Conv", "x w", strides=[2, 2], auto_pad=mode),
            {"x": X},
            kernel(3, 4, 3, 2),
        )
        for mode in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ],
    case(
        "conv-unknown-size",
        node("Conv", "x w b", strides=[2, 2], pads=[1, 1, 1, 1]),
        {"x": X},
        kernel(3, 4, 3, 3),
        shapes={"x": ["n", 4, "h", "w"]},
    ),
    case("deconv", node("ConvTranspose", "x w", strides=[2, 2]), {"x": X}, kernel(4, 3, 3, 3)),
    case(
        "deconv-options",
        node(
            "ConvTranspose",
            "x w",
            strides=[3, 2],
            pads=[1, 0, 0, 1],
            output_padding=[1, 1],
            dilations=[1, 2],
            group=2,
        ),
        {"x": X},
        kernel(4, 3, 3, 3),
    ),
    *[
        case(
            f"deconv-shape-{mode}",
            node("ConvTranspose", "x w", strides=[2, 2], output_shape=[12, 11], auto_pad=mode),
            {"x": X},
            kernel(4, 3, 3, 3),
        )
        for mode in ("NOTSET", "SAME_UPPER")
    ],
    case(
        "deconv-larger-shape",
        node("ConvTranspose", "x w", strides=[3, 3], output_shape=[19, 20]),
        {"x": X},
        kernel(4, 2, 3, 3),
    ),
]

REFUSALS = [
    refusal(
        "negative-pads",
        node("Conv", "x w", pads=[-1, 0, 0, 0]),
        {**IMAGE_SHAPE, "w": [2, 4, 3, 3]},
        "negative padding",
    ),
    refusal(
        "pads-length",
        node("Conv", "x w", pads=[1, 1]),
        {**IMAGE_SHAPE, "w": [2, 4, 3, 3]},
        r"pads \[1, 1\] need 4 entries",
        error=ParseError,
    ),
    refusal(
        "auto-pad",
        node("Conv", "x w", auto_pad="SAME"),
        {**IMAGE_SHAPE, "w": [2, 4, 3, 3]},
        "auto_pad 'SAME' does not exist",
        error=ParseError,
    ),
    refusal(
        "channels",
        node("Conv", "x w"),
        {**IMAGE_SHAPE, "w": [2, 3, 3, 3]},
        "input channels",
        error=ParseError,
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
