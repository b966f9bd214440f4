"""Reshapes to computed sizes: by numbers where they can be, else by shape arithmetic."""

import numpy as np
import pytest
from onnx_models import model, node

from trtlab.core.types import Dim
from trtlab.network.evaluate import evaluate
from trtlab.parser.parse import parse
from trtlab.parser.shapes import static_dims

N, H, W = Dim("n"), Dim("h"), Dim("w")


@pytest.mark.parametrize(
    ("wanted", "source", "expected"),
    [
        ((2, 3), (6,), (2, 3)),
        ((N, 6), (N, 2, 3), (0, 6)),
        ((6, N), (N, 2, 3), (6, -1)),
        ((N, H, 6), (N, H, 2, 3), (0, 0, 6)),
        ((N, 6, H), (N, H, 2, 3), (0, 6, -1)),
        ((6, H, N), (N, H, 2, 3), (6, 0, -1)),
        ((H, N, 6), (N, H, 2, 3), None),
        ((-1, N), (N, 6), None),
        ((-1, 6), (N, 6), (-1, 6)),
        ((0, N), (N, 0), None),
    ],
)
def test_static_dims(wanted, source, expected):
    assert static_dims(wanted, source) == expected


def flattened(shape, axis):
    return parse(model(node("Flatten", "x", axis=axis), {"x": shape})).network


def test_one_unknown_factor_needs_no_shape_arithmetic():
    network = flattened(["n", 2, 3], 1)
    assert [layer.op.reshape_dims for layer in network] == [(0, 6)]
    network = flattened(["n", "h", 3], 2)
    assert [layer.op.reshape_dims for layer in network] == [(-1, 3)]


def test_two_unknown_factors_do():
    network = flattened(["n", "h", "w"], 2)
    assert network.layers[-1].op.reshape_dims is None
    assert str(network.outputs[0].shape[0]) == "h*n"
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert np.array_equal(evaluate(network, {"x": x})["y"], x.reshape(6, 4))


def test_every_layer_of_the_arithmetic_has_the_nodes_origin():
    network = flattened(["n", "h", "w"], 2)
    assert {origin.node for layer in network for origin in layer.origins} == {"Flatten_0"}
    assert network.layers[-1].name == "Flatten_0"
