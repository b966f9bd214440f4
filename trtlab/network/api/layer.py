"""TensorRT's ILayer: name, inputs, outputs and wished types; the options are in subclasses."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from trtlab.core.build_enums import LayerType
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.core.sealed import Sealed
from trtlab.core.types import DataType
from trtlab.layers.base import Array, Op
from trtlab.network.api.arguments import data_type, text, whole
from trtlab.network.api.unfinished import operator_of
from trtlab.network.graph import Layer, Tensor

if TYPE_CHECKING:
    from trtlab.network.api.state import Definition
    from trtlab.network.api.tensor import ITensor

COMPUTE_TYPES = (DataType.FLOAT, DataType.HALF, DataType.BF16)


class ILayer(Sealed):
    """One operator of a network.

    Made by `INetworkDefinition` only; the same object every time it is asked for. Options are
    attributes with TensorRT's names; an unknown name is refused.

    Attributes:
        roles: What each input is for; empty when any number of inputs of one kind is taken.
        held: Inputs that TensorRT calls weights: they do not count as inputs while constant.
    """

    _own = ("definition", "layer")
    _inner = (
        *_own,
        *("operator", "roles", "held", "set_operand", "set_options", "set_weights"),
        *("constant_input", "check_options", "taps"),
    )
    roles: ClassVar[tuple[str, ...]] = ("input",)
    held: ClassVar[frozenset[int]] = frozenset()

    def __init__(self, definition: "Definition", layer: Layer) -> None:
        self.definition = definition
        self.layer = layer

    @property
    def operator(self) -> Op:
        """The operator behind the layer: a frozen value."""
        return operator_of(self.layer.op)

    @property
    def type(self) -> LayerType:
        """What the layer computes."""
        return LayerType[self.operator.kind]

    @property
    def name(self) -> str:
        """Unique among the network's layers: a name that is taken gets a number."""
        return self.layer.name

    @name.setter
    def name(self, name: str) -> None:
        wanted = text(name, "the layer's name")
        if wanted != self.layer.name:
            self.definition.graph.rename_layer(self.layer, wanted)
            self.definition.change(
                self.layer, self.operator
            )  # dimensions may be named after it

    @property
    def metadata(self) -> str:
        """What the user wrote, else the nodes of the imported model."""
        nodes = (f"[ONNX Layer: {origin.node}]" for origin in self.layer.origins)
        return self.layer.metadata or "\x1e".join(nodes)

    @metadata.setter
    def metadata(self, metadata: str) -> None:
        if not isinstance(metadata, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"metadata is {metadata!r}, not a text")
        self.layer.metadata = metadata

    # ---- inputs and outputs ------------------------------------------------------------

    @property
    def num_inputs(self) -> int:
        """Inputs, up to the last that is given; weights do not count."""
        given = [i for i in range(len(self.layer.inputs)) if self._read(i) is not None]
        return max(given, default=-1) + 1

    @property
    def num_outputs(self) -> int:
        """Outputs."""
        return len(self.layer.outputs)

    def _read(self, index: int) -> Tensor | None:
        if not 0 <= index < len(self.layer.inputs):
            return None
        tensor = self.layer.inputs[index]
        hidden = index in self.held and tensor is not None and tensor.producer is None
        return None if hidden and tensor is not None and tensor.is_constant else tensor

    def get_input(self, index: int) -> "ITensor | None":
        """An input; None when it is left out, or held as weights."""
        tensor = self._read(whole(index, "the input's index"))
        return None if tensor is None else self.definition.tensor_view(tensor)

    def set_input(self, index: int, tensor: "ITensor") -> None:
        """Let the layer read another tensor; optional inputs are given this way.

        Raises:
            UsageError: There is no such input.
            InvalidNetworkError: The layer, or one that reads its output, refuses.
        """
        number = whole(index, "the input's index")
        count = len(self.roles) or len(self.layer.inputs)
        if not 0 <= number < count:
            names = ", ".join(f"{i} {role}" for i, role in enumerate(self.roles))
            raise UsageError(
                f"layer {self.name} ({self.operator.kind}) has no input {number}",
                hint=f"its inputs: {names or f'0 to {count - 1}'}",
            )
        role = self.roles[number] if self.roles else f"input {number}"
        self.set_operand(number, self.definition.read(tensor, role))

    def set_operand(self, index: int, tensor: Tensor | None) -> None:
        """As `set_input`, for a plain tensor."""
        inputs = [*self.layer.inputs]
        inputs += [None] * (index + 1 - len(inputs))
        inputs[index] = tensor
        self.definition.change(self.layer, self.operator, inputs)

    def get_output(self, index: int) -> "ITensor":
        """An output.

        Raises:
            UsageError: There is none of that index.
        """
        number = whole(index, "the output's index")
        if not 0 <= number < len(self.layer.outputs):
            count = len(self.layer.outputs)
            raise UsageError(
                f"layer {self.name} ({self.operator.kind}) has no output {number}",
                hint=f"it has {count} output{'s'[: count != 1]}, counted from 0",
            )
        return self.definition.tensor_view(self.layer.outputs[number])

    def constant_input(self, index: int) -> Array | None:
        """The elements of an input that is constant."""
        inputs = self.layer.inputs
        tensor = inputs[index] if index < len(inputs) else None
        return None if tensor is None else tensor.data

    # ---- wished types ------------------------------------------------------------------

    @property
    def precision(self) -> DataType:
        """The type to compute in, as wished; else that of the first output."""
        wished = self.layer.precision
        return self.layer.outputs[0].dtype if wished is None else wished

    @precision.setter
    def precision(self, dtype: DataType) -> None:
        wanted = data_type(dtype, f"the precision of layer {self.name}")
        self._refuse_if_strong("precision")
        integer = not self.layer.outputs[0].dtype.is_float
        if wanted in COMPUTE_TYPES:
            self.layer.precision = wanted
        elif not (integer and wanted is self.layer.outputs[0].dtype):
            raise UnsupportedError(
                f"layer {self.name} cannot be told to compute in {wanted.value}",
                hint="use one of " + ", ".join(t.name for t in COMPUTE_TYPES),
            )

    @property
    def precision_is_set(self) -> bool:
        """Whether a precision was wished for."""
        return self.layer.precision is not None

    def reset_precision(self) -> None:
        """Withdraw the wish."""
        self.layer.precision = None

    def set_output_type(self, index: int, dtype: DataType) -> None:
        """Wish for an output's type; the builder flags say how binding wishes are.

        Raises:
            UsageError: There is no such output, or the network is strongly typed.
            UnsupportedError: The output cannot have that type.
        """
        tensor = self.get_output(index).tensor
        wanted = data_type(dtype, f"the type of {tensor.name}")
        self._refuse_if_strong("output types")
        if wanted is not tensor.dtype and not (
            wanted in COMPUTE_TYPES and tensor.dtype in COMPUTE_TYPES
        ):
            raise UnsupportedError(
                f"{tensor.name} is {tensor.dtype.value} and cannot be wished {wanted.value}",
                hint="convert it with add_cast",
            )
        types = [*self.layer.output_types]
        types += [None] * (len(self.layer.outputs) - len(types))
        types[index] = wanted
        self.layer.output_types = tuple(types)

    def get_output_type(self, index: int) -> DataType:
        """The wished type of an output, else its type."""
        tensor = self.get_output(index).tensor
        return self._wished(index) or tensor.dtype

    def output_type_is_set(self, index: int) -> bool:
        """Whether a type was wished for an output."""
        self.get_output(index)
        return self._wished(index) is not None

    def reset_output_type(self, index: int) -> None:
        """Withdraw the wish."""
        self.get_output(index)
        types = [None if i == index else t for i, t in enumerate(self.layer.output_types)]
        self.layer.output_types = tuple(types) if any(types) else ()

    def _wished(self, index: int) -> DataType | None:
        types = self.layer.output_types
        return types[index] if index < len(types) else None

    def _refuse_if_strong(self, what: str) -> None:
        if self.definition.graph.strongly_typed:
            raise UsageError(
                f"{what} of layer {self.name} cannot be set: the network is strongly typed",
                hint="insert add_cast where the type shall change",
            )

    @property
    def num_ranks(self) -> int:
        """Devices that share the layer: one."""
        return 1

    @num_ranks.setter
    def num_ranks(self, ranks: int) -> None:
        if whole(ranks, "num_ranks", least=1) != 1:
            raise UnsupportedError("engines here run on one device")

    # ---- options -----------------------------------------------------------------------

    def set_options(self, **fields: object) -> None:
        """Give the operator other options.

        Raises:
            InvalidNetworkError: They contradict themselves, or a reader refuses the result.
        """
        op = replace(self.operator, **cast(dict[str, Any], fields))
        self.check_options(op)
        self.definition.change(self.layer, op)

    def check_options(self, op: Op) -> None:
        """Refuse options that no later one can make right; subclasses know which."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}: {self.operator.kind})"
