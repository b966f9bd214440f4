"""What a network's tensors are at given input shapes, and how misfits are told."""

import numpy as np
import pytest
from onnx_models import model, node

from trtlab.core.errors import InvalidNetworkError
from trtlab.network.types_at import infer_at
from trtlab.parser.parse import parse


def network(op, *, constants=None):
    declared = {"a": ["n", 8, 64], "b": ["m", 64, 8]}
    if constants:
        declared.pop("b")
    return parse(model(node(op, "a b", name="mm"), declared, constants=constants)).network


def test_shapes_follow_from_the_inputs():
    made = network("MatMul")
    types = infer_at(made, {"a": (2, 8, 64), "b": (2, 64, 8)}).types
    assert types[made.outputs[0]].shape == (2, 8, 8)


def test_a_misfit_names_layer_inputs_and_extents():
    with pytest.raises(InvalidNetworkError) as caught:
        infer_at(network("MatMul"), {"a": (2, 8, 64), "b": (3, 64, 8)})
    error = caught.value
    assert error.what == (
        "the batch dimensions of (2, 8, 64) and (3, 64, 8) do not broadcast: 2 meets 3"
    )
    assert error.where == (
        "layer mm (MATRIX_MULTIPLY)",
        "inputs a (2, 8, 64), b (3, 64, 8)",
    )
    assert "inputs" in error.hint


def test_constants_are_no_inputs_that_people_named():
    made = network("Add", constants={"b": np.ones((3, 1, 1), np.float32)})
    with pytest.raises(InvalidNetworkError) as caught:
        infer_at(made, {"a": (2, 8, 64)})
    assert caught.value.where[1] == "inputs a (2, 8, 64)"
