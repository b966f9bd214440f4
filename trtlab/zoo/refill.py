"""Give any ONNX model fresh seeded weights, so that its outputs mean something.

The light models that onnx packages hold one value everywhere: every output element of
theirs is equal, and almost any wrong engine reproduces it.
"""

from collections.abc import Iterator, MutableSequence
from typing import Any

import numpy as np
import onnx

from trtlab.zoo.roles import GraphIndex, Role
from trtlab.zoo.serialize import IR_VERSION, fill_tensor
from trtlab.zoo.weights import FloatArray, generator

# Below this version every initializer is also a graph input, which a caller may replace.
FIRST_IR_VERSION_WITH_CONSTANTS = 4


def refill_weights(model: onnx.ModelProto, *, seed: int = 0) -> onnx.ModelProto:
    """Draw every float32 weight afresh, whatever made it.

    Initializers, Constant nodes and ConstantOfShape nodes count as weights when a reader
    tells what they are for: filters become He-scaled and centred, norm scales lie around
    one, variances are positive, biases small. All of them, because statistics that fitted
    the old filters do not fit new ones. Scalars, integers and constants without a known
    use stay, and so do all computing nodes.

    Args:
        model: Stays as it is. Weights in external files need not be loaded.
        seed: The same seed gives the same weights.

    Returns:
        A copy whose weights are initializers (and not inputs: IR version 4 at least).
    """
    fresh = onnx.ModelProto()
    fresh.CopyFrom(model)
    graph = fresh.graph
    if fresh.ir_version < FIRST_IR_VERSION_WITH_CONSTANTS:
        fresh.ir_version = IR_VERSION
        names = {tensor.name for tensor in graph.initializer}
        _keep(graph.input, [value.name not in names for value in graph.input])
    index = GraphIndex(fresh)
    rng = generator(seed)
    for tensor in graph.initializer:
        role = index.role(tensor.name)
        if role is not None and tensor.data_type == onnx.TensorProto.FLOAT:
            fill_tensor(tensor, tensor.name, _draw(rng, index, tensor.name, role))
    replaced: set[str] = set()
    for node in list(_float_constants(graph)):
        name = node.output[0]
        role = index.role(name)
        if role is not None:
            fill_tensor(graph.initializer.add(), name, _draw(rng, index, name, role))
            replaced.add(name)
    _keep(graph.node, [not replaced.intersection(node.output) for node in graph.node])
    _drop_unread_initializers(graph)
    return fresh


def _draw(rng: np.random.Generator, index: GraphIndex, name: str, role: Role) -> FloatArray:
    """Draw in the reader's shape, then undo the shape changes up to the constant."""
    values = role.fill.draw(rng, role.shape)
    for node in reversed(role.path):
        if node.op_type == "Transpose":
            perm = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
            values = values.transpose(None if perm is None else np.argsort(perm))
        else:
            values = values.reshape(index.shapes[node.input[0]])
    return values.reshape(index.shapes[name])


def _float_constants(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Nodes that make a float32 constant from nothing or from a shape."""
    for node in graph.node:
        if node.op_type in ("Constant", "ConstantOfShape"):
            for attribute in node.attribute:
                if attribute.t.data_type == onnx.TensorProto.FLOAT:
                    yield node


def _drop_unread_initializers(graph: onnx.GraphProto) -> None:
    """Drop what nothing reads, such as the shapes of replaced ConstantOfShape nodes."""
    read = {name for node in graph.node for name in node.input}
    read.update(value.name for value in graph.output)
    for node in graph.node:  # a body reads names of the graph around it
        for attribute in node.attribute:
            read.update(name for inner in attribute.g.node for name in inner.input)
    _keep(graph.initializer, [tensor.name in read for tensor in graph.initializer])


def _keep(items: MutableSequence[Any], kept: list[bool]) -> None:
    """Delete in place what is not kept; protobuf fields cannot be assigned."""
    for position in reversed(range(len(kept))):
        if not kept[position]:
            del items[position]
