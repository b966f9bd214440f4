"""Reference evaluation of networks."""

import numpy as np
import pytest

from trtlab.core.enums import ElementWiseOperation
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation, Unary
from trtlab.layers.creation import Constant, Fill
from trtlab.layers.elementwise import ElementWise
from trtlab.network.evaluate import evaluate
from trtlab.network.graph import Network

X = np.array([[-1, 0, 2]], np.float32)


@pytest.fixture
def network():
    """relu(x + 1) and its exponential."""
    made = Network()
    x = made.add_input("x", DataType.FLOAT, (-1, 3))
    one = made.add_constant("one", np.ones((), np.float32))
    total = made.add_layer(ElementWise(), [x, one], name="sum").output
    y = made.add_layer(Activation(), [total], name="relu", output_names=["y"]).output
    z = made.add_layer(Unary(), [y], name="exp", output_names=["z"]).output
    made.mark_output(y)
    made.mark_output(z)
    return made


def test_outputs_by_name(network):
    results = evaluate(network, {"x": X})
    assert np.array_equal(results["y"], [[0, 1, 3]])
    assert np.allclose(results["z"], np.exp([[0, 1, 3]]))
    assert results["y"].dtype == np.float32


def test_doubles_compute_in_double_precision(network):
    exact = evaluate(network, {"x": X.astype(np.float64) + 1e-12})["z"]
    assert exact.dtype == np.float64
    assert exact[0, 2] != np.exp(3.0)


def test_dead_tensors_are_dropped():
    made = Network()
    tensor = made.add_input("x", DataType.FLOAT, (100,))
    for _ in range(20):
        tensor = made.add_layer(Unary(), [tensor]).output
    made.mark_output(tensor)
    alive = []

    def observe(_, results):
        import weakref

        alive.append(weakref.ref(results[0]))

    with np.errstate(over="ignore"):
        evaluate(made, {"x": np.full(100, -9, np.float32)}, observe=observe)
    assert sum(reference() is not None for reference in alive) <= 1


def test_observers_see_every_layer(network):
    seen = {}
    evaluate(
        network, {"x": X}, observe=lambda layer, results: seen.update({layer.name: results})
    )
    assert list(seen) == ["sum", "relu", "exp"]
    assert np.array_equal(seen["sum"][0], [[0, 1, 3]])


def test_layers_without_inputs_hold_or_make_their_elements():
    made = Network()
    constant = made.add_layer(Constant(DataType.FLOAT, (2,)), [], output_names=["c"]).output
    constant.data = np.array([1, 2], np.float32)
    steps = made.add_layer(Fill(shape=(2,), value=5.0), []).output
    made.mark_output(
        made.add_layer(
            ElementWise(ElementWiseOperation.SUM), [constant, steps], output_names=["y"]
        ).output
    )
    assert evaluate(made, {})["y"].tolist() == [6, 7]


@pytest.mark.parametrize(
    ("feed", "text"),
    [
        ({}, "input 'x' is missing"),
        ({"x": X, "y": X}, "has no input 'y'"),
        ({"x": X.astype(np.int64)}, "input 'x' is int64, not fp32"),
        ({"x": X[0]}, "does not fit input 'x'"),
        ({"x": np.ones((2, 4), np.float32)}, "does not fit input 'x'"),
    ],
)
def test_wrong_inputs(network, feed, text):
    with pytest.raises(UsageError, match=text) as caught:
        evaluate(network, feed)
    assert caught.value.hint
