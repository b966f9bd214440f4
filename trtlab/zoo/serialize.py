"""GraphWriter -> ModelProto: draws the weights and writes standard ONNX."""

import math

import onnx
from onnx import helper, numpy_helper

from trtlab.zoo.graph import GraphWriter, Node, Value
from trtlab.zoo.weights import FloatArray, generator

OPSET = 17
IR_VERSION = 8
# Exporters keep small constants as nodes and large buffers as initializers.
LARGEST_CONSTANT_NODE = 16

_ELEMENT_TYPES = {
    "float32": onnx.TensorProto.FLOAT,
    "int64": onnx.TensorProto.INT64,
}


def model_from_graph(graph: GraphWriter, *, name: str, seed: int) -> onnx.ModelProto:
    """Write a ModelProto.

    Args:
        graph: A finished graph.
        name: The graph's name.
        seed: All parameters come from one PCG64 stream of this seed, in the order in
            which the architecture names them.

    Returns:
        Opset 17, IR version 8, weights as raw float32 initializers.
    """
    model = helper.make_model(
        helper.make_graph(
            [],
            name,
            [_value_info(value) for value in graph.inputs],
            [_value_info(value) for value in graph.outputs],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="trtlab.zoo",
    )
    _add_constants(model.graph, graph)
    model.graph.node.extend(_node(node) for node in graph.nodes)
    rng = generator(seed)
    for parameter in graph.parameters.values():
        # Filled in place: helper.make_graph would copy the weights twice more.
        fill_tensor(
            model.graph.initializer.add(),
            parameter.name,
            parameter.fill.draw(rng, parameter.shape),
        )
    return model


def fill_tensor(tensor: onnx.TensorProto, name: str, values: FloatArray) -> None:
    """Make ``tensor`` hold a float32 array, as little-endian raw data."""
    tensor.ClearField("float_data")
    tensor.name = name
    tensor.data_type = onnx.TensorProto.FLOAT
    tensor.dims[:] = values.shape
    tensor.raw_data = values.astype("<f4", copy=False).tobytes()


def _add_constants(target: onnx.GraphProto, graph: GraphWriter) -> None:
    for constant in graph.constants:
        tensor = numpy_helper.from_array(constant.array, constant.name)
        if math.prod(constant.array.shape) > LARGEST_CONSTANT_NODE:
            target.initializer.append(tensor)
        else:
            node = helper.make_node(
                "Constant", [], [constant.name], constant.name, value=tensor
            )
            target.node.append(node)


def _node(node: Node) -> onnx.NodeProto:
    written = helper.make_node(node.op, node.inputs, node.outputs, node.name)
    for name, value in node.attributes.items():
        spelled = _ELEMENT_TYPES[str(value)] if name == "to" else value  # Cast's data type
        written.attribute.append(helper.make_attribute(name, spelled))
    return written


def _value_info(value: Value) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(
        value.name, _ELEMENT_TYPES[value.dtype], list(value.shape)
    )
