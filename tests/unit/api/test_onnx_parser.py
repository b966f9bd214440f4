"""OnnxParser: fills networks, and lists errors in place of raising."""

import numpy as np
import onnx
import pytest
from definitions import meaning, network, random
from onnx import TensorProto, helper

import trtlab as trt


def model(*nodes, initializers=(), inputs=(("x", ("batch", 4)),), outputs=("y",)):
    """A serialized model with float inputs and outputs."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        list(initializers),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


RELU = model(helper.make_node("Relu", ["x"], ["y"], name="relu"))
UNKNOWN = model(
    helper.make_node("Relu", ["x"], ["a"], name="first"),
    helper.make_node("Frobnicate", ["a"], ["b"], name="odd"),
    helper.make_node("Relu", ["b"], ["y"], name="last"),
)


@pytest.fixture
def definition():
    return network()


@pytest.fixture
def parser(definition):
    return trt.OnnxParser(definition, trt.Logger(trt.Logger.INTERNAL_ERROR))


def test_a_model_fills_the_network(definition, parser):
    assert parser.parse(RELU.SerializeToString()) is True
    assert parser.num_errors == 0
    assert definition.get_input(0).shape == (-1, 4)
    assert definition.get_input(0).get_dimension_name(0) == "batch"
    assert definition.get_output(0).name == "y"
    assert definition.get_layer(0).name == "relu"
    (y,) = meaning(definition, x=random(3, 4))
    np.testing.assert_array_equal(y, np.maximum(random(3, 4), 0))
    assert definition.model_record.opset == 17


def test_a_parsed_network_can_be_edited(definition, parser):
    assert parser.parse(RELU.SerializeToString())
    old = definition.get_output(0)
    definition.unmark_output(old)
    neg = definition.add_unary(old, trt.UnaryOperation.NEG)
    definition.mark_output(neg.get_output(0))
    (y,) = meaning(definition, x=random(3, 4))
    np.testing.assert_array_equal(y, -np.maximum(random(3, 4), 0))


def test_unsupported_nodes_are_listed(definition, parser):
    assert parser.parse(UNKNOWN.SerializeToString()) is False
    assert parser.num_errors == 1
    error = parser.get_error(0)
    assert error.code() is trt.ErrorCode.UNSUPPORTED_NODE
    assert error.code() == 8
    assert (error.node(), error.node_name(), error.node_operator()) == (1, "odd", "Frobnicate")
    assert "Frobnicate" in error.desc()
    assert "UNSUPPORTED_NODE" in str(error)
    assert definition.num_layers == definition.num_inputs == 0
    parser.clear_errors()
    assert parser.num_errors == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"not a model",
        b"PK\x03\x04zip",
        RELU.SerializeToString()[:-9],
        b"\xff" * 999,
    ],
)
def test_damaged_models_never_raise(parser, data):
    assert parser.parse(data) is False
    assert parser.num_errors >= 1
    assert parser.get_error(0).code() in {
        trt.ErrorCode.MODEL_DESERIALIZE_FAILED,
        trt.ErrorCode.INVALID_GRAPH,
        trt.ErrorCode.INVALID_NODE,
        trt.ErrorCode.UNSUPPORTED_GRAPH,
    }


def test_errors_go_to_the_logger(definition):
    heard = []

    class Notes(trt.ILogger):
        def log(self, severity, msg):
            heard.append((severity, msg))

    assert not trt.OnnxParser(definition, Notes()).parse(b"")
    assert heard[0][0] == trt.Logger.ERROR


def test_files(tmp_path, definition, parser):
    path = tmp_path / "relu.onnx"
    assert parser.parse_from_file(str(path)) is False
    assert f"the model file {path} cannot be read: No such file" in str(parser.get_error(0))
    assert parser.get_error(0).file() == str(path)
    path.write_bytes(RELU.SerializeToString())
    assert parser.parse_from_file(path) is True
    assert definition.name == "relu"


def test_external_weights_are_found_beside_the_path(tmp_path, definition, parser):
    weight = onnx.numpy_helper.from_array(random(4), "w")
    proto = model(helper.make_node("Add", ["x", "w"], ["y"]), initializers=[weight])
    path = tmp_path / "model.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert not parser.parse(path.read_bytes())
    assert parser.parse(path.read_bytes(), path=str(path))
    (y,) = meaning(definition, x=random(3, 4))
    np.testing.assert_array_equal(y, random(3, 4) + random(4))


def test_a_network_that_is_not_empty_is_refused(definition, parser):
    definition.add_input("x", trt.float32, (1,))
    assert parser.parse(RELU.SerializeToString()) is False
    assert "not empty" in parser.get_error(0).desc()


def test_support_can_be_asked_for(definition, parser):
    assert parser.supports_operator("Conv")
    assert not parser.supports_operator("Frobnicate")
    assert parser.supports_model_v2(RELU.SerializeToString())
    assert definition.num_layers == 0
    assert not parser.supports_model_v2(UNKNOWN.SerializeToString())
    assert parser.num_subgraphs == 3
    parts = [(parser.get_subgraph_nodes(i), parser.is_subgraph_supported(i)) for i in range(3)]
    assert parts == [([0], True), ([1], False), ([2], True)]
    assert parser.supports_model(UNKNOWN.SerializeToString()) == (False, parts)


def test_layers_by_node_name(definition, parser):
    assert parser.parse(RELU.SerializeToString())
    assert parser.get_layer_output_tensor("relu", 0) is definition.get_output(0)
    assert parser.get_layer_output_tensor("relu", 1) is None
    assert parser.get_layer_output_tensor("nobody", 0) is None


def test_flags(parser):
    native = trt.OnnxParserFlag.NATIVE_INSTANCENORM
    assert parser.get_flag(native)
    parser.clear_flag(native)
    assert parser.flags == 0
    parser.flags = 1 << native
    with pytest.raises(trt.UnsupportedError):
        parser.set_flag(trt.OnnxParserFlag.ENABLE_PLUGIN_OVERRIDE)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda p: p.parse("model.onnx"), "parse_from_file"),
        (lambda p: p.parse(None), "not bytes"),
        (lambda p: p.get_error(0), "0 errors"),
        (lambda p: p.get_subgraph_nodes(0), "supports_model_v2"),
        (lambda p: trt.OnnxParser(None, trt.Logger()), "no network"),
        (lambda p: p.prase, "parse"),
    ],
)
def test_strange_arguments_are_refused(parser, bad, told):
    with pytest.raises(trt.UsageError, match=told):
        bad(parser)
