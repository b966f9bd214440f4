"""What may share memory, seen from outside: every output is written, and nothing beyond it."""

import numpy as np
import pytest

import trtlab as trt

GUARD = 16  # elements behind each output that nobody may write


def run(network, inputs, *, level=3):
    """Outputs by name, of a network of the API; their memory is poisoned and guarded."""
    builder, definition = network
    config = builder.create_builder_config()
    config.builder_optimization_level = level
    plan = builder.build_serialized_network(definition, config)
    engine = trt.Runtime(trt.Logger(trt.Logger.ERROR)).deserialize_cuda_engine(plan)
    context = engine.create_execution_context()
    outputs = {}
    for name, array in inputs.items():
        context.set_tensor_address(name, array.ctypes.data)
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        if engine.get_tensor_mode(name) is trt.TensorIOMode.OUTPUT:
            size = int(np.prod(context.get_tensor_shape(name)))
            outputs[name] = np.full(size + GUARD, np.nan, np.float32)
            context.set_tensor_address(name, outputs[name].ctypes.data)
    assert context.execute_async_v3(0)
    assert all(np.isnan(array[-GUARD:]).all() for array in outputs.values())
    return {
        name: array[:-GUARD].reshape(tuple(context.get_tensor_shape(name)))
        for name, array in outputs.items()
    }


@pytest.fixture
def network():
    builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
    return builder, builder.create_network()


def output(definition, layer, name):
    layer.get_output(0).name = name
    definition.mark_output(layer.get_output(0))
    return layer.get_output(0)


def shuffled(definition, tensor, *, first=None, shape=None):
    layer = definition.add_shuffle(tensor)
    if first is not None:
        layer.first_transpose = first
    if shape is not None:
        layer.reshape_dims = shape
    return layer


X = np.array([[-1, 2, 3, -4], [5, -6, 7, 8]], np.float32)
POSITIVE = np.maximum(X, 0)


@pytest.mark.parametrize("level", [0, 3])
def test_two_outputs_may_be_views_of_one_tensor(network, level):
    _, definition = network
    x = definition.add_input("x", trt.float32, (2, 4))
    relu = definition.add_activation(x, trt.ActivationType.RELU).get_output(0)
    output(definition, shuffled(definition, relu, shape=(8,)), "p")
    output(definition, shuffled(definition, relu, shape=(2, 2, 2)), "q")
    output(definition, shuffled(definition, relu, first=(1, 0)), "turned")
    found = run(network, {"x": X}, level=level)
    np.testing.assert_array_equal(found["p"], POSITIVE.ravel())
    np.testing.assert_array_equal(found["q"], POSITIVE.reshape(2, 2, 2))
    np.testing.assert_array_equal(found["turned"], POSITIVE.T)


def test_an_output_may_be_a_view_of_an_output_that_is_a_view(network):
    _, definition = network
    x = definition.add_input("x", trt.float32, (2, 4))
    relu = definition.add_activation(x, trt.ActivationType.RELU).get_output(0)
    p = output(definition, shuffled(definition, relu, shape=(8,)), "p")
    output(definition, shuffled(definition, p, shape=(4, 2)), "q")
    output(definition, definition.add_identity(p), "same")
    found = run(network, {"x": X})
    np.testing.assert_array_equal(found["p"], POSITIVE.ravel())
    np.testing.assert_array_equal(found["q"], POSITIVE.reshape(4, 2))
    np.testing.assert_array_equal(found["same"], POSITIVE.ravel())


def test_an_output_of_a_part_of_a_larger_tensor_stays_within_its_memory(network):
    _, definition = network
    x = definition.add_input("x", trt.float32, (2, 4))
    relu = definition.add_activation(x, trt.ActivationType.RELU).get_output(0)
    part = definition.add_slice(relu, (0, 0), (1, 4), (1, 1)).get_output(0)
    output(definition, shuffled(definition, part, shape=(4,)), "part")
    both = definition.add_concatenation([relu, relu])
    both.axis = 0
    output(definition, definition.add_reduce(both.get_output(0), trt.ReduceOperation.SUM, 1,
                                             keep_dims=False), "sum")  # fmt: skip
    found = run(network, {"x": X})
    np.testing.assert_array_equal(found["part"], POSITIVE[0])
    np.testing.assert_array_equal(found["sum"], 2 * POSITIVE.sum(0))
