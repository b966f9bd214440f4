"""What a converter sees: one ONNX node with its inputs as tensors, and ways to make layers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto

from trtlab.core.errors import TrtlabError, UnsupportedError
from trtlab.core.types import DataType
from trtlab.layers.base import Array, Op, axis_in
from trtlab.layers.scale import Cast
from trtlab.network.graph import Layer, Network, Origin, Tensor
from trtlab.parser.errors import ErrorCode, ModelError, Problem, UnsupportedModelError
from trtlab.parser.graph_order import NamedNode
from trtlab.parser.known import KnownValues
from trtlab.parser.restrictions import limits_of
from trtlab.parser.tensors import array_of

# What a converter returns: one entry for each output of the node, None for one it cannot give.
Converted = Tensor | Sequence[Tensor | None]
_KINDS = {value: name for name, value in AttributeProto.AttributeType.items()}


@dataclass(slots=True)
class Conversion:
    """What all nodes of one model share.

    Attributes:
        network: Grows node by node.
        opset: The model's version of ONNX's operator set.
        label: The model's file, for messages.
        folder: Where external data may lie.
        known: Values that follow from constants.
        convert_graph: Converts a graph inside of a node, and returns its outputs.
        filled_bytes: Bytes of constants that the file only describes, so far.
    """

    network: Network
    opset: int
    label: str
    folder: Path | None
    convert_graph: Callable[[NamedNode, onnx.GraphProto], Sequence[Tensor]]
    known: KnownValues = field(default_factory=KnownValues)
    filled_bytes: int = 0


class Node:
    """One node on its way to becoming layers.

    Attributes:
        proto: The node.
        name: Its unique name; also that of its main layer.
        inputs: Its inputs; None for those left out.
        needed: Whether anybody reads each output.
        made: Layers made so far.
        constants: Constants made so far.
    """

    def __init__(
        self,
        named: NamedNode,
        inputs: Sequence[Tensor | None],
        needed: Sequence[bool],
        conversion: Conversion,
    ) -> None:
        self.proto = named.proto
        self.name = named.name
        self._named = named
        self.inputs = tuple(inputs)
        self.needed = tuple(needed)
        self.made: list[Layer] = []
        self.constants: list[Tensor] = []
        self.conversion = conversion
        self._index = named.index
        self._attributes = {a.name: a for a in named.proto.attribute}
        self._read: set[str] = set()
        self._origins = (Origin(named.name, named.proto.op_type, scope_of(named)),)

    @property
    def opset(self) -> int:
        """The model's version of ONNX's operator set."""
        return self.conversion.opset

    # ---- inputs ------------------------------------------------------------------------

    def input(self, index: int) -> Tensor:
        """An input that must be there.

        Raises:
            ModelError: It is left out.
        """
        tensor = self.optional(index)
        if tensor is None:
            raise self.invalid(f"it needs an input {index}, which is left out")
        return tensor

    def optional(self, index: int) -> Tensor | None:
        """An input, None when it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def wants(self, index: int) -> bool:
        """Whether anybody reads an output."""
        return index < len(self.needed) and self.needed[index]

    def known(self, tensor: Tensor) -> Array | None:
        """A tensor's elements, when they follow from constants."""
        return self.conversion.known.of(tensor)

    def constant(self, index: int, role: str) -> Array | None:
        """The elements of an optional input that must be known while parsing.

        Raises:
            UnsupportedModelError: They depend on the network's inputs.
        """
        tensor = self.optional(index)
        if tensor is None:
            return None
        array = self.known(tensor)
        if array is None:
            raise self.unsupported(
                f"its {role} ({tensor.name}) must be constant",
                ErrorCode.UNSUPPORTED_NODE_INPUT,
            )
        return array

    def integers(self, index: int, role: str) -> tuple[int, ...] | None:
        """As `constant`, as integers."""
        array = self.constant(index, role)
        return None if array is None else tuple(int(n) for n in array.reshape(-1))

    # ---- attributes --------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether an attribute is given."""
        self._read.add(name)
        return name in self._attributes

    def unread(self) -> tuple[str, ...]:
        """Attributes that the converter did not look at."""
        return tuple(name for name in self._attributes if name not in self._read)

    def _attribute(self, name: str, kind: int) -> onnx.AttributeProto | None:
        self._read.add(name)
        attribute = self._attributes.get(name)
        if attribute is not None and attribute.type != kind:
            raise self.invalid(
                f"attribute {name} is {_KINDS.get(attribute.type, 'of an unknown type')}, "
                f"not {_KINDS[kind]}"
            )
        return attribute

    def attr_int(self, name: str, default: int) -> int:
        """An integer attribute."""
        attribute = self._attribute(name, AttributeProto.INT)
        return default if attribute is None else attribute.i

    def attr_float(self, name: str, default: float) -> float:
        """A floating-point attribute."""
        attribute = self._attribute(name, AttributeProto.FLOAT)
        return default if attribute is None else attribute.f

    def attr_str(self, name: str, default: str) -> str:
        """A text attribute."""
        attribute = self._attribute(name, AttributeProto.STRING)
        return default if attribute is None else attribute.s.decode(errors="replace")

    def attr_ints(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, None when left out."""
        attribute = self._attribute(name, AttributeProto.INTS)
        return None if attribute is None else tuple(attribute.ints)

    def attr_floats(self, name: str) -> tuple[float, ...] | None:
        """A list of floating-point numbers, None when left out."""
        attribute = self._attribute(name, AttributeProto.FLOATS)
        return None if attribute is None else tuple(attribute.floats)

    def attr_strs(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, None when left out."""
        attribute = self._attribute(name, AttributeProto.STRINGS)
        if attribute is None:
            return None
        return tuple(text.decode(errors="replace") for text in attribute.strings)

    def attr_array(self, name: str) -> Array | None:
        """A tensor attribute, None when left out."""
        attribute = self._attribute(name, AttributeProto.TENSOR)
        if attribute is None:
            return None
        return array_of(attribute.t, self.conversion.folder, f"attribute {name}")

    def attr_graph(self, name: str) -> onnx.GraphProto | None:
        """A graph attribute, None when left out."""
        attribute = self._attribute(name, AttributeProto.GRAPH)
        return None if attribute is None else attribute.g

    def axis(self, default: int, rank: int) -> int:
        """The attribute ``axis``, counted from the front."""
        return axis_in(self.attr_int("axis", default), rank)

    def only(self, name: str, allowed: str, given: str) -> None:
        """Refuse an attribute's value that is not the allowed one.

        Raises:
            UnsupportedModelError: It is another.
        """
        if given != allowed:
            raise self.unsupported(
                f"{name} {given!r} is not supported, only {allowed!r}",
                ErrorCode.UNSUPPORTED_NODE_ATTR,
            )

    # ---- making ------------------------------------------------------------------------

    def emit(self, op: Op, *inputs: Tensor | None, part: str = "") -> Tensor:
        """Make a layer with one output.

        Args:
            op: The operator.
            inputs: Its inputs.
            part: What the layer does within the node; empty for the node's main layer.
        """
        return self.emit_all(op, *inputs, part=part)[0]

    def emit_all(self, op: Op, *inputs: Tensor | None, part: str = "") -> tuple[Tensor, ...]:
        """As `emit`, for several outputs."""
        given = list(inputs)
        while given and given[-1] is None:
            given.pop()
        name = f"{self.name}.{part}" if part else self.name
        layer = self.conversion.network.add_layer(op, given, name=name, origins=self._origins)
        self.made.append(layer)
        return layer.outputs

    def convert_graph(self, graph: onnx.GraphProto) -> Sequence[Tensor]:
        """Convert a graph inside of the node; its layers carry its own nodes as origins."""
        return self.conversion.convert_graph(self._named, graph)

    def new_constant(self, data: Array, part: str) -> Tensor:
        """A constant that the node brings along."""
        name = f"{self.name}.{part}"
        tensor = self.conversion.network.add_constant(name, np.asarray(data))
        self.constants.append(tensor)
        return tensor

    def new_integers(self, values: Sequence[int], part: str) -> Tensor:
        """A shape tensor of constants."""
        return self.new_constant(np.array(values, dtype=np.int64), part)

    def new_scalar(self, value: float, dtype: DataType, part: str, rank: int = 0) -> Tensor:
        """A single element; ``rank`` ones as its shape."""
        array = np.array(value).astype(dtype.numpy).reshape((1,) * rank)
        return self.new_constant(array, part)

    def cast(self, tensor: Tensor, dtype: DataType, part: str) -> Tensor:
        """The tensor in another type; itself when it has it."""
        if tensor.dtype is dtype:
            return tensor
        return self.emit(Cast(dtype), tensor, part=part)

    # ---- errors ------------------------------------------------------------------------

    def problem(self, code: ErrorCode, text: str) -> Problem:
        """What is wrong with this node."""
        op_type = self.proto.op_type
        return Problem(code, text, self._index, self.name, op_type, self.opset)

    def invalid(self, text: str, hint: str = "") -> ModelError:
        """The error that the node contradicts the ONNX specification."""
        problem = self.problem(ErrorCode.INVALID_NODE, text)
        return ModelError([problem], source=self.conversion.label, hint=hint)

    def unsupported(
        self, text: str, code: ErrorCode = ErrorCode.UNSUPPORTED_NODE, hint: str = ""
    ) -> UnsupportedModelError:
        """The error that the node is right, but trtlab cannot convert it.

        Without a hint it tells the operator's limits.
        """
        problem = self.problem(code, text)
        hint = hint or limits_of(self.proto.op_type)
        return UnsupportedModelError([problem], source=self.conversion.label, hint=hint)

    def blame(self, error: TrtlabError) -> TrtlabError:
        """An error from deeper down, told as this node's."""
        if isinstance(error, ModelError | UnsupportedModelError):
            return error
        where = f" ({'; '.join(error.where)})" if error.where else ""
        if isinstance(error, UnsupportedError):
            return self.unsupported(
                f"{error.what}{where}", ErrorCode.UNSUPPORTED_NODE_DATATYPE, error.hint
            )
        return self.invalid(f"{error.what}{where}", error.hint)


def scope_of(named: NamedNode) -> str:
    """The module path that an exporter wrote into the node's metadata or name."""
    metadata = {entry.key: entry.value for entry in named.proto.metadata_props}
    scopes = metadata.get("pkg.torch.onnx.name_scopes", "")
    if scopes:
        parts = [part.strip().strip("'\"") for part in scopes.strip("[]").split(",")]
        return parts[-2] if len(parts) > 1 else ""
    return named.proto.name.strip("/").rpartition("/")[0]
