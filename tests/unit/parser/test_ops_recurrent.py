"""Recurrent layers compute what ONNX Runtime computes, in every form they come in."""

import numpy as np
import pytest
from onnx_models import node
from operator_cases import case, check_case, check_refusal, normal, refusal

SEQ = normal(5, 2, 3)  # time, batch, features


def recurrent(op, gates, direction, **options):
    directions = 2 if direction == "bidirectional" else 1
    weights = {
        "w": normal(directions, gates * 4, 3, seed=1),
        "r": normal(directions, gates * 4, 4, seed=2),
        "b": normal(directions, 2 * gates * 4, seed=3),
    }
    outputs = ("y", "h", "c") if op == "LSTM" else ("y", "h")
    made = node(
        op, "x w r b", " ".join(outputs), hidden_size=4, direction=direction, **options
    )
    return case(f"{op}-{direction}", made, {"x": SEQ}, weights, outputs=outputs)


CASES = [
    recurrent(op, gates, direction, **options)
    for op, gates, options in (
        ("LSTM", 4, {}),
        ("GRU", 3, {}),
        ("GRU", 3, {"linear_before_reset": 1}),
        ("RNN", 1, {}),
    )
    for direction in ("forward", "reverse", "bidirectional")
] + [
    case(
        "lstm-everything",
        node("LSTM", "x w r b n h0 c0 p", "y h c", hidden_size=4),
        {
            "x": SEQ,
            "n": np.array([5, 2], np.int32),
            "h0": normal(1, 2, 4),
            "c0": normal(1, 2, 4),
        },
        {"w": normal(1, 16, 3), "r": normal(1, 16, 4), "b": normal(1, 32), "p": normal(1, 12)},
        outputs=("y", "h", "c"),
    ),
    case(
        "rnn-relu",
        node("RNN", "x w r", "y h", hidden_size=4, activations=["Relu"]),
        {"x": SEQ},
        {"w": normal(1, 4, 3), "r": normal(1, 4, 4)},
        outputs=("y", "h"),
    ),
]

REFUSALS = [
    refusal(
        "lstm-activations",
        node("LSTM", "x w r", hidden_size=4, activations=["Relu", "Tanh", "Tanh"]),
        {"x": [5, 2, 3], "w": [1, 16, 3], "r": [1, 16, 4]},
        "activations relu, tanh, tanh; supported are sigmoid, tanh, tanh",
    ),
    refusal(
        "lstm-clip",
        node("LSTM", "x w r", hidden_size=4, clip=1.0),
        {"x": [5, 2, 3], "w": [1, 16, 3], "r": [1, 16, 4]},
        "attribute clip",
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)
