"""Resizes compute what ONNX Runtime computes, in every form they come in."""

import pytest
from onnx_models import check, model, node
from operator_cases import (
    IMAGE,
    IMAGE_SHAPE,
    case,
    check_case,
    check_refusal,
    f32,
    i64,
    normal,
    refusal,
)

from trtlab.core.errors import ParseError

CASES = [
    case(
        f"resize-{mode}-{coordinates}-{rounding}",
        node(
            "Resize",
            ["x", "", "s"],
            mode=mode,
            coordinate_transformation_mode=coordinates,
            nearest_mode=rounding,
        ),
        IMAGE,
        {"s": f32(1, 1, 2, 1.5)},
        opset=19,
        shapes=shapes,
    )
    for mode, rounding in (
        ("nearest", "floor"),
        ("nearest", "round_prefer_floor"),
        ("linear", None),
        ("cubic", None),
    )
    for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    for shapes in (None, {"x": ["n", 4, "h", "w"]})
] + [
    case(
        "resize-sizes",
        node("Resize", ["x", "", "", "s"], mode="linear"),
        IMAGE,
        {"s": i64(2, 4, 9, 3)},
    ),
    case(
        "resize-axes",
        node("Resize", ["x", "", "", "s"], mode="linear", axes=[3, 2]),
        IMAGE,
        {"s": i64(9, 3)},
        shapes={"x": ["n", 4, "h", "w"]},
        opset=19,
    ),
    case(
        "resize-10",
        node("Resize", "x s", mode="nearest"),
        IMAGE,
        {"s": f32(1, 1, 2, 2)},
        opset=10,
    ),
    case(
        "upsample-9",
        node("Upsample", "x s", mode="linear"),
        IMAGE,
        {"s": f32(1, 1, 2, 2)},
        opset=9,
    ),
    case("upsample-7", node("Upsample", "x", scales=[1.0, 1.0, 2.0, 3.0]), IMAGE, opset=7),
]

REFUSALS = [
    refusal(
        "resize-crop",
        node("Resize", "x _ s", coordinate_transformation_mode="tf_crop_and_resize"),
        IMAGE_SHAPE,
        "coordinate_transformation_mode 'tf_crop_and_resize'; supported are align_corners",
        {"s": f32(1, 1, 2, 2)},
    ),
    refusal(
        "resize-antialias",
        node("Resize", "x _ s", antialias=1, mode="linear"),
        IMAGE_SHAPE,
        "antialias",
        {"s": f32(1, 1, 2, 2)},
    ),
    refusal(
        "resize-nothing",
        node("Resize", "x"),
        IMAGE_SHAPE,
        "needs scales or sizes",
        error=ParseError,
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)


def test_scales_computed_from_constants_are_found():
    made = model(
        [
            node("Concat", "a b", "s", axis=0),
            node("Mul", "s half", "t"),
            node("Resize", "x _ t"),
        ],
        {"x": [1, 1, 4, 4]},
        constants={"a": f32(2, 2), "b": f32(4, 4), "half": f32(0.5)},
    )
    check(made, {"x": normal(1, 1, 4, 4)})
