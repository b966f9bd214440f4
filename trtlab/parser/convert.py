"""Node after node becomes layers; every layer carries its node as origin."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import onnx

from trtlab.core.errors import TrtlabError, UnsupportedError
from trtlab.core.types import Dim
from trtlab.layers.scale import Identity
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.parser.catalog import CONVERTERS
from trtlab.parser.counts import counting_layers
from trtlab.parser.errors import ErrorCode, ModelError, Problem, UnsupportedModelError
from trtlab.parser.graph_order import NamedNode, Surroundings, ordered_nodes
from trtlab.parser.node import Conversion, Converted, Node
from trtlab.parser.refusals import next_steps, refusal
from trtlab.parser.source import LoadedModel
from trtlab.parser.subgraphs import names_read
from trtlab.parser.tensors import array_of, check_volume, data_type


def network_of(graph: onnx.GraphProto, model: LoadedModel, name: str) -> Network:
    """Convert a graph.

    Args:
        graph: Functions are expanded already.
        model: Where it comes from.
        name: The network's.

    Raises:
        ModelError: The graph contradicts itself or the ONNX specification.
        UnsupportedModelError: It uses what trtlab does not have; lists every such node.
    """
    nodes = ordered_nodes(graph, model.opset, model.label)
    _check_operators(nodes, model)
    _check_values(graph, model)
    converter = _Converter(graph, model, name, nodes)
    for node in nodes:
        converter.convert(node)
    converter.mark_outputs()
    converter.check_counts()
    return converter.network


def _check_operators(nodes: Iterable[NamedNode], model: LoadedModel) -> None:
    refused = [(node, refusal(node.proto, model.opset)) for node in nodes]
    found = [(node, why) for node, why in refused if why is not None]
    if found:
        problems = [
            Problem(
                ErrorCode.UNSUPPORTED_NODE,
                why.text,
                node.index,
                node.name,
                node.proto.op_type,
                model.opset,
            )
            for node, why in found
        ]
        hint = next_steps([why for _, why in found])
        raise UnsupportedModelError(problems, source=model.label, hint=hint)


def _check_values(graph: onnx.GraphProto, model: LoadedModel) -> None:
    """Refuse sparse tensors, and tensors too large to be real, before allocating."""
    if graph.sparse_initializer:
        names = ", ".join(t.values.name for t in graph.sparse_initializer)
        problem = Problem(ErrorCode.UNSUPPORTED_GRAPH, f"sparse initializers: {names}")
        raise UnsupportedModelError([problem], source=model.label, hint="store them densely")
    try:
        for tensor in graph.initializer:
            check_volume(tuple(tensor.dims), f"initializer {tensor.name!r}")
    except TrtlabError as error:
        raise _graph_error(error, model.label) from error


def _graph_error(error: TrtlabError, label: str) -> TrtlabError:
    """An error that no node is to blame for, with the file it is in."""
    if isinstance(error, ModelError | UnsupportedModelError):
        return error
    text = " at ".join((error.what, *error.where))
    if isinstance(error, UnsupportedError):
        problem = Problem(ErrorCode.UNSUPPORTED_GRAPH, text)
        return UnsupportedModelError([problem], source=label, hint=error.hint)
    problem = Problem(ErrorCode.INVALID_GRAPH, text)
    return ModelError([problem], source=label, hint=error.hint)


# What Python and NumPy raise on sizes and values that no valid node has.
_CONTRADICTIONS = (ArithmeticError, LookupError, ValueError, MemoryError)


class _Converter:
    """The network being made, and the tensors that names in the model stand for."""

    def __init__(
        self, graph: onnx.GraphProto, model: LoadedModel, name: str, nodes: Sequence[NamedNode]
    ) -> None:
        self._graph = graph
        self._model = model
        self._label = model.label
        self._conversion = Conversion(
            Network(name), model.opset, model.label, model.folder, self._convert_inner
        )
        self._node_names = {node.name for node in nodes}
        self._weights = {t.name: t for t in graph.initializer}
        self._tensors: dict[str, Tensor] = {}
        self._made_by: dict[Layer, Node] = {}
        self._read = {v.name for v in graph.output}
        self._read |= {n for node in nodes for n in names_read(node.proto)}
        for value in graph.input:
            if value.name not in self._weights:  # before IR version 4, weights were inputs too
                self._tensors[value.name] = self._add_input(value)

    @property
    def network(self) -> Network:
        return self._conversion.network

    def convert(self, named: NamedNode) -> None:
        """Convert one node, and name its results as the model does."""
        proto = named.proto
        inputs = [self._tensor(name) if name else None for name in proto.input]
        needed = [name in self._read and bool(name) for name in proto.output]
        node = Node(named, inputs, needed, self._conversion)
        entry = CONVERTERS[proto.op_type]
        try:
            result = entry.convert(node)
            unknown = [name for name in node.unread() if name not in entry.ignored]
            if unknown:
                text = f"its attribute {', '.join(unknown)} is not supported"
                raise node.unsupported(text, ErrorCode.UNSUPPORTED_NODE_ATTR)
            self._bind(node, result)
            self._made_by |= dict.fromkeys(node.made, node)
        except TrtlabError as error:
            blamed = node.blame(error)
            if blamed is error:
                raise
            raise blamed from error
        except _CONTRADICTIONS as error:
            raise node.invalid(f"its inputs and attributes contradict: {error}") from error

    def _convert_inner(self, owner: NamedNode, graph: onnx.GraphProto) -> Sequence[Tensor]:
        """Convert a graph inside of a node, which reads the tensors around it by name."""
        around = Surroundings(
            frozenset(self._tensors.keys() | self._weights.keys()),
            frozenset(self._node_names),
            f"{owner.name}.",
        )
        inner = ordered_nodes(graph, self._model.opset, self._label, around)
        nodes = [replace(node, index=owner.index) for node in inner]
        _check_operators(nodes, self._model)
        self._node_names |= {node.name for node in nodes}
        self._read |= {v.name for v in graph.output}
        self._read |= {n for node in nodes for n in names_read(node.proto)}
        outside = self._tensors, self._weights
        own = {t.name: t for t in graph.initializer}
        self._tensors = {n: t for n, t in self._tensors.items() if n not in own}
        self._weights = self._weights | own
        for node in nodes:
            self.convert(node)
        results = [self._tensor(value.name) for value in graph.output]
        self._tensors, self._weights = outside  # names of the inner graph end with it
        return results

    def _bind(self, node: Node, result: Converted) -> None:
        results = (result,) if isinstance(result, Tensor) else tuple(result)
        fresh = {id(t) for layer in node.made for t in layer.outputs}
        fresh |= {id(t) for t in node.constants}
        for index, name in enumerate(node.proto.output):
            tensor = results[index] if index < len(results) else None
            if tensor is None:
                if node.wants(index):
                    raise node.unsupported(f"its output {index} ({name}) is not supported")
                continue
            if not name:
                continue
            if id(tensor) not in fresh:
                tensor = node.emit(Identity(), tensor, part="" if not node.made else "copy")
            fresh.discard(id(tensor))
            self.network.rename_tensor(tensor, name)
            self._tensors[name] = tensor
        for layer in node.made:
            for tensor in layer.outputs:
                numbers = tuple(e for e in tensor.shape if isinstance(e, int))
                check_volume(numbers, f"tensor {tensor.name!r}")

    def _tensor(self, name: str) -> Tensor:
        """The tensor that a name stands for; weights are read when first used."""
        if name not in self._tensors:
            what = f"initializer {name!r}"
            try:
                array = array_of(self._weights[name], self._conversion.folder, what)
            except TrtlabError as error:
                raise _graph_error(error, self._label) from error
            self._tensors[name] = self.network.add_constant(name, array)
        return self._tensors[name]

    def _add_input(self, value: onnx.ValueInfoProto) -> Tensor:
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            text = f"input {value.name!r} is a {kind or 'value without a type'}, not a tensor"
            problem = Problem(ErrorCode.UNSUPPORTED_GRAPH, text)
            raise UnsupportedModelError([problem], source=self._label)
        tensor_type = value.type.tensor_type
        if not tensor_type.HasField("shape"):
            text = f"input {value.name!r} has no shape, not even a number of dimensions"
            problem = Problem(ErrorCode.UNSUPPORTED_GRAPH, text)
            hint = "export the model with example inputs, or write the shape into the file"
            raise UnsupportedModelError([problem], source=self._label, hint=hint)
        shape = tuple(_extent(dim) for dim in tensor_type.shape.dim)
        try:
            check_volume(
                tuple(max(e, 1) for e in shape if isinstance(e, int)), f"input {value.name!r}"
            )
            return self.network.add_input(value.name, data_type(tensor_type.elem_type), shape)
        except TrtlabError as error:
            raise _graph_error(error, self._label) from error

    def mark_outputs(self) -> None:
        """Mark the graph's outputs, under their own names."""
        for value in self._graph.output:
            tensor = self._tensor(value.name)
            if tensor in self.network.inputs:
                problem = Problem(
                    ErrorCode.UNSUPPORTED_GRAPH,
                    f"input {value.name!r} is also an output; nothing would be computed",
                )
                raise UnsupportedModelError([problem], source=self._label)
            if tensor.is_constant or tensor in self.network.outputs:
                tensor = self._copied(tensor, value.name)
            if tensor.name != value.name:
                self._take_name(tensor, value.name)
            self.network.mark_output(tensor)

    def check_counts(self) -> None:
        """Refuse nodes that no engine can be built of, as their outputs' sizes are not known.

        Raises:
            UnsupportedModelError: There are some; lists each.
        """
        problems = [
            self._made_by[layer].problem(
                ErrorCode.UNSUPPORTED_NODE_DYNAMIC,
                f"operator {self._made_by[layer].proto.op_type} finds as many entries as the "
                "values of the inputs decide; what it looks at must be constant",
            )
            for layer in counting_layers(self.network)
        ]
        if problems:
            hint = "end the model before it, and count on the engine's outputs"
            raise UnsupportedModelError(problems, source=self._label, hint=hint)

    def _copied(self, tensor: Tensor, name: str) -> Tensor:
        return self.network.add_layer(Identity(), [tensor], name=f"{name}.copy").output

    def _take_name(self, tensor: Tensor, name: str) -> None:
        """Give an output the model's name, which an inner tensor may have taken."""
        holder = self.network.find_tensor(name)
        if holder is not None:
            self.network.rename_tensor(holder, f"{name}.value")
        self.network.rename_tensor(tensor, name)


def _extent(dim: onnx.TensorShapeProto.Dimension) -> int | Dim:
    """A size, a name, or −1 for neither."""
    kind = dim.WhichOneof("value")
    if kind == "dim_param" and any(letter.isalnum() for letter in dim.dim_param):
        return Dim(dim.dim_param)  # and not "?", which some exporters write for any size
    return dim.dim_value if kind == "dim_value" and dim.dim_value >= 0 else -1
