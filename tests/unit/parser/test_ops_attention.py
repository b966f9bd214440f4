"""Attention computes what ONNX Runtime computes, in every form it comes in."""

import pytest
from onnx_models import node
from operator_cases import case, check_case, check_refusal, normal, refusal

from trtlab.core.errors import ParseError

HEADS = {
    "q": normal(2, 4, 5, 8),
    "k": normal(2, 4, 6, 8, seed=1),
    "v": normal(2, 4, 6, 8, seed=2),
}
PACKED = {n: a.transpose(0, 2, 1, 3).reshape(2, a.shape[2], 32) for n, a in HEADS.items()}
CASES = [
    case("attention", node("Attention", "q k v"), HEADS, opset=23),
    case("attention-scale", node("Attention", "q k v", scale=0.2), HEADS, opset=23),
    case(
        "attention-mask",
        node("Attention", "q k v m"),
        {**HEADS, "m": normal(5, 6)},
        opset=23,
    ),
    case(
        "attention-causal",
        node("Attention", "q q q", is_causal=1),
        {"q": HEADS["q"]},
        opset=23,
    ),
    case(
        "attention-packed",
        node("Attention", "q k v", q_num_heads=4, kv_num_heads=4),
        PACKED,
        opset=23,
        shapes={"q": ["n", "s", 32], "k": ["n", "t", 32], "v": ["n", "t", 32]},
    ),
    case(
        "attention-past",
        node("Attention", ["q", "k", "v", "", "pk", "pv"], "y nk nv"),
        {**HEADS, "pk": normal(2, 4, 3, 8), "pv": normal(2, 4, 3, 8)},
        outputs=("y", "nk", "nv"),
        opset=23,
    ),
]

REFUSALS = [
    refusal(
        "softcap",
        node("Attention", "q q q", softcap=1.0),
        {"q": [1, 2, 3, 4]},
        "softcap",
        opset=23,
    ),
    refusal(
        "attention-rank",
        node("Attention", "q q q"),
        {"q": [3, 4]},
        r"have 2 dimensions, not 3 or 4",
        opset=23,
        error=ParseError,
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
