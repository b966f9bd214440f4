"""Each check of a network finds what it is named after."""

import numpy as np
import pytest

from trtlab.core.enums import ElementWiseOperation
from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import DataType, TensorType
from trtlab.layers.activation import Activation
from trtlab.layers.elementwise import ElementWise
from trtlab.network.graph import Network, Tensor
from trtlab.network.verify import CHECKS, verify


@pytest.fixture
def network():
    """relu(x + c), with the layers 'sum' and 'relu'."""
    made = Network("small")
    x = made.add_input("x", DataType.FLOAT, (-1, 3))
    c = made.add_constant("c", np.ones(3, np.float32))
    total = made.add_layer(ElementWise(ElementWiseOperation.SUM), [x, c], name="sum").output
    y = made.add_layer(Activation(), [total], name="relu", output_names=["y"]).output
    made.mark_output(y)
    return made


def failures(network):
    with pytest.raises(InvalidNetworkError) as caught:
        verify(network)
    assert f"violates {len(caught.value.where)} conditions" in caught.value.what
    return "\n".join(caught.value.where)


def test_a_sound_network_passes(network):
    verify(network)
    assert len(CHECKS) == 9


def test_a_layer_listed_twice(network):
    network.adopt([network.layers[0]])
    assert "layers_are_listed_once: layer sum stands 2 times" in failures(network)


def test_shared_names(network):
    network.layers[0].name = "relu"
    network.layers[0].outputs[0].name = "y"
    text = failures(network)
    assert "names_are_unique: 2 layers are named 'relu'" in text
    assert "names_are_unique: 2 tensors are named 'y'" in text


def test_a_reader_before_its_producer(network):
    first, second = network.layers
    swapped = Network("swapped", network.inputs, network.outputs)
    swapped.adopt([second, first])
    assert "producers_come_first: layer relu reads sum.out, which no earlier" in failures(
        swapped
    )


def test_a_tensor_out_of_nowhere(network):
    stray = Tensor("stray", TensorType(DataType.FLOAT, (3,)))
    network.replace_input(network.layers[0], 1, stray)
    assert "producers_come_first: layer sum reads stray, which nothing makes" in failures(
        network
    )


def test_a_wrong_producer(network):
    network.layers[0].outputs[0].producer = network.layers[1]
    assert (
        "outputs_know_their_producer: sum.out is made by layer sum but says relu"
        in failures(network)
    )


def test_forgotten_and_invented_readers(network):
    network.inputs[0].consumers = ()
    network.outputs[0].consumers = (network.layers[0],)
    text = failures(network)
    assert "consumers_are_the_readers: x is read by ['sum'] but says []" in text
    assert "consumers_are_the_readers: y is read by [] but says ['sum']" in text


def test_an_input_that_is_computed(network):
    network.inputs.append(network.outputs[0])
    assert "inputs_are_given: input y is computed by layer relu" in failures(network)


def test_an_input_that_is_constant(network):
    network.inputs.append(network.layers[0].inputs[1])
    assert "inputs_are_given: input c is a constant" in failures(network)


def test_no_outputs(network):
    network.outputs.clear()
    assert "outputs_are_computed: no tensor is marked as output" in failures(network)


def test_outputs_that_nothing_computes_or_marked_twice(network):
    network.outputs.extend([network.inputs[0], network.outputs[0]])
    text = failures(network)
    assert "outputs_are_computed: output x is not computed by any layer" in text
    assert "outputs_are_computed: output y is marked 2 times" in text


@pytest.mark.parametrize("data", [np.ones(4, np.float32), np.ones(3, np.float16)])
def test_a_constant_of_another_type(network, data):
    network.layers[0].inputs[1].data = data
    assert "constants_fit_their_type: c is fp32[3] but holds" in failures(network)


def test_a_constant_that_can_be_written_to(network):
    network.layers[0].inputs[1].data = np.ones(3, np.float32)
    assert "constants_fit_their_type: c can be written to" in failures(network)


def test_types_that_do_not_follow(network):
    network.outputs[0].type = TensorType(DataType.HALF, (3,))
    text = failures(network)
    assert "layer relu: y is fp16[3], should be fp32[x.0,3]" in text


def test_a_layer_that_its_operator_refuses(network):
    network.inputs[0].type = TensorType(DataType.FLOAT, (2, 5))
    assert "types_follow_from_inputs: layer sum: shapes" in failures(network)


def test_all_failures_are_told_together(network):
    network.outputs.clear()
    network.layers[0].name = "relu"
    assert len(failures(network).splitlines()) == 2
