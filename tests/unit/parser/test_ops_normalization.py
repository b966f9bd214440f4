"""Normalizations compute what ONNX Runtime computes, in every form they come in."""

import numpy as np
import pytest
from onnx_models import model, node
from operator_cases import IMAGE_SHAPE, X, case, check_case, check_refusal, normal, refusal

from trtlab.parser.parse import parse

CHANNELS = {n: np.abs(normal(4, seed=i)) + 0.1 for i, n in enumerate("sbmv")}
CASES = [
    case("batch", node("BatchNormalization", "x s b m v"), {"x": X}, CHANNELS, opset=15),
    case(
        "batch-9",
        node("BatchNormalization", "x s b m v", momentum=0.5),
        {"x": X},
        CHANNELS,
        opset=9,
    ),
    case("instance", node("InstanceNormalization", "x s b", epsilon=1e-2), {"x": X}, CHANNELS),
    case("layer", node("LayerNormalization", "x w"), {"x": X}, {"w": normal(6)}),
    case(
        "layer-bias",
        node("LayerNormalization", "x w c", axis=-2, epsilon=1e-3),
        {"x": X},
        {"w": normal(6, 6), "c": normal(6, 6, seed=4)},
        opset=17,
    ),
    *[
        case(
            f"group-{groups}",
            node("GroupNormalization", "x s b", num_groups=groups),
            {"x": X},
            {"s": normal(4), "b": normal(4, seed=3)},
        )
        for groups in (1, 2)
    ],
    case("lrn", node("LRN", "x", size=3, alpha=0.1, beta=0.5, bias=2.0), {"x": X}),
    case("mean-variance", node("MeanVarianceNormalization", "x"), {"x": X}),
]

REFUSALS = [
    refusal(
        "training",
        node("BatchNormalization", "x s s s s", training_mode=1),
        {**IMAGE_SHAPE, "s": [4]},
        "in training mode",
    ),
    refusal(
        "statistics-given",
        node("BatchNormalization", "x s s s s"),
        {**IMAGE_SHAPE, "s": [4]},
        r"its scale \(s\) must be constant",
    ),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)


@pytest.mark.parametrize(("made", "text", "error"), REFUSALS)
def test_what_cannot_be_converted_is_said(made, text, error):
    check_refusal(made, text, error)


def test_batch_normalization_becomes_one_scale_of_channels():
    made = model(node("BatchNormalization", "x s b m v"), {"x": [2, 4, 6, 6]}, ["y"], CHANNELS)
    (layer,) = parse(made).network.layers
    assert layer.op.kind == "SCALE"
    expected = CHANNELS["s"] / np.sqrt(CHANNELS["v"].astype(np.float64) + 1e-5)
    assert np.allclose(layer.inputs[2].data, expected, rtol=1e-6)
