"""Inputs and outputs of other types than their layers, as in ``network.get_input(0).dtype``."""

import numpy as np
import pytest
from onnx_models import model, node

import trtlab as trt
from trtlab.core.types import DataType
from trtlab.layers.scale import Cast
from trtlab.network.binding_types import with_binding_types
from trtlab.network.verify import verify
from trtlab.parser.parse import parse

F16, F32 = trt.float16, trt.float32
W = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
X = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)


@pytest.fixture
def builder():
    return trt.Builder(trt.Logger(trt.Logger.ERROR))


def two_layers(builder):
    """A convolution with a float32 kernel and a ReLU, read from ONNX; both are outputs."""
    made = model(
        [node("Conv", "x w", "c"), node("Relu", "c", "y")],
        {"x": [2, 3, 8, 8]},
        ("y", "c"),
        {"w": W},
    )
    network = builder.create_network()
    assert trt.OnnxParser(network, builder.logger).parse(made.SerializeToString())
    return network


def built(builder, network, *flags):
    config = builder.create_builder_config()
    config.builder_optimization_level = 1
    for flag in flags:
        config.set_flag(flag)
    return builder.build_engine_with_config(network, config)


@pytest.mark.parametrize("flags", [(), (trt.BuilderFlag.FP16,)])
def test_bindings_have_the_types_that_were_set(builder, flags):
    reference = built(builder, two_layers(builder)).create_execution_context().infer({"x": X})
    network = two_layers(builder)
    network.get_input(0).dtype = network.get_output(0).dtype = F16
    engine = built(builder, network, *flags)
    assert [engine.get_tensor_dtype(name) for name in ("x", "y", "c")] == [F16, F16, F32]
    found = engine.create_execution_context().infer({"x": X.astype(np.float16)})
    for name, kind in (("y", np.float16), ("c", np.float32)):
        assert found[name].dtype == kind
        np.testing.assert_allclose(found[name], reference[name], atol=0.02)


def test_layers_compute_as_before(builder):
    network = two_layers(builder)
    x, y = network.get_input(0), network.get_output(0)
    x.dtype = y.dtype = F16
    assert (x.dtype, y.dtype) == (F16, F16)
    y.name = "result"
    half = X.astype(np.float16)
    found = built(builder, network).create_execution_context().infer({"x": half})
    plain = built(builder, two_layers(builder)).create_execution_context()
    exact = plain.infer({"x": half.astype(np.float32)})
    np.testing.assert_array_equal(found["result"], exact["y"].astype(np.float16))
    np.testing.assert_array_equal(found["c"], exact["c"])


def test_a_half_precision_engine_with_such_bindings_has_no_casts_of_them(builder):
    network = two_layers(builder)
    network.unmark_output(network.get_output(1))
    network.get_input(0).dtype = network.get_output(0).dtype = F16
    engine = built(builder, network, trt.BuilderFlag.FP16)
    assert not [la for la in engine.engine.network.layers if isinstance(la.op, Cast)]


def test_token_numbers_may_be_of_32_bits(builder):
    made = model(
        [node("Gather", "table ids", "y"), node("Add", "ids one", "next")],
        {"ids": ([2], np.int64)},
        ("y", "next"),
        {"table": W[:, 0, 0], "one": np.int64(1)},
    )
    network = builder.create_network()
    assert trt.OnnxParser(network, builder.logger).parse(made.SerializeToString())
    network.get_input(0).dtype = network.get_output(1).dtype = trt.int32
    context = built(builder, network).create_execution_context()
    found = context.infer({"ids": np.array([3, 1], np.int32)})
    np.testing.assert_array_equal(found["y"], W[[3, 1], 0, 0])
    np.testing.assert_array_equal(found["next"], np.array([4, 2], np.int32))
    assert found["next"].dtype == np.int32


def test_a_type_is_taken_back(builder):
    network = two_layers(builder)
    y = network.get_output(0)
    y.dtype = F16
    y.dtype = F32
    assert network.to_build() is network.graph
    y.dtype = F16
    network.unmark_output(y)
    assert y.dtype is F32


def test_strongly_typed_outputs_have_the_type_of_their_layer(builder):
    strong = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    x = strong.add_input("x", F32, (4,))
    y = strong.add_activation(x, trt.ActivationType.RELU).get_output(0)
    strong.mark_output(y)
    with pytest.raises(trt.UsageError, match="strongly typed"):
        y.dtype = F16


def test_the_network_itself_is_not_changed():
    made = model([node("Relu", "x", "h"), node("Neg", "h", "y")], {"x": [2]}, ("y", "h"))
    network = parse(made).network
    before = str(network)
    copy = with_binding_types(
        network, {network.inputs[0]: DataType.BF16, network.outputs[1]: DataType.HALF}
    )
    assert str(network) == before
    verify(copy)
    assert [t.dtype for t in copy.inputs] == [DataType.BF16]
    assert [(t.name, t.dtype) for t in copy.outputs] == [
        ("y", DataType.FLOAT),
        ("h", DataType.HALF),
    ]
