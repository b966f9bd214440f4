"""Constants, ranges, shapes and masks are what ONNX Runtime makes of them."""

import numpy as np
import pytest
from onnx import numpy_helper
from onnx_models import node
from operator_cases import (
    DYNAMIC,
    IMAGE,
    ROW,
    case,
    check_case,
    check_refusal,
    i64,
    normal,
    refusal,
)

from trtlab.core.errors import ParseError

CASES = [
    *[
        case(f"constant-{next(iter(given))}", node("Constant", [], **given), {}, opset=13)
        for given in (
            {"value": numpy_helper.from_array(ROW)},
            {"value_float": 1.5},
            {"value_floats": [1.5, 2.5]},
            {"value_int": 3},
            {"value_ints": [3, 4]},
        )
    ],
    case("constant-of-shape", node("ConstantOfShape", "s"), {}, {"s": i64(2, 3)}),
    case(
        "constant-of-shape-given",
        node("ConstantOfShape", "s", value=numpy_helper.from_array(i64(7))),
        {"s": i64(2, 3)},
    ),
    case("shape", node("Shape", "x", start=1, end=-1), IMAGE, shapes=DYNAMIC),
    case("size", node("Size", "x"), IMAGE, shapes=DYNAMIC),
    case(
        "range",
        node("Range", "a b c"),
        {},
        {"a": np.int64(9), "b": np.int64(1), "c": np.int64(-3)},
    ),
    *[
        case(
            f"range-given-{t.__name__}-{d}",
            node("Range", "a b c"),
            {"a": t(a), "b": t(b), "c": t(d)},
        )
        for t in (np.int64, np.float32)
        for a, b, d in ((1, 10, 2), (9, 0, -3), (5, 1, 1))
    ],
    case("eye", node("EyeLike", "x", k=1, dtype=7), {"x": ROW}),
    *[
        case(
            f"trilu-{upper}-{k}{'-unknown' if shapes else ''}",
            node("Trilu", "x k", upper=upper),
            {"x": normal(2, 4, 5)},
            {"k": np.int64(k)},
            shapes=shapes,
        )
        for upper in (0, 1)
        for k in (-1, 0, 2)
        for shapes in (None, {"x": ["n", "h", "w"]})
    ],
]

REFUSALS = [
    refusal(
        "range-delta",
        node("Range", "a a b"),
        {},
        "with delta 0",
        {"a": np.int64(0), "b": np.int64(0)},
        error=ParseError,
    ),
    refusal(
        "constant-text",
        node("Constant", [], value_string="x"),
        {},
        "a constant from value_string",
    ),
    refusal("no-constant", node("Constant", []), {}, "a constant from no value"),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
