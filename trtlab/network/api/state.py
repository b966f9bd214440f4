"""A network with its views: every edit that user code makes passes through here."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from trtlab.core.errors import InvalidNetworkError, UsageError
from trtlab.core.sealed import Sealed
from trtlab.core.types import DataType, TensorType
from trtlab.core.weights import Weights, array_of
from trtlab.layers.base import Array, Op
from trtlab.network.api.arguments import shown
from trtlab.network.api.layer import ILayer
from trtlab.network.api.tensor import ITensor
from trtlab.network.api.unfinished import Unfinished, is_patient, operator_of
from trtlab.network.binding_types import with_binding_types
from trtlab.network.graph import Layer, Network, Tensor

ViewT = TypeVar("ViewT", bound=ILayer)


class Definition(Sealed):
    """A network and one view for each of its layers and tensors.

    Args:
        graph: Edited by this object alone from now on.

    Attributes:
        binding_types: Of inputs and outputs that shall have another type than their layers.
    """

    _own = ("graph", "binding_types")
    _inner = (
        *(
            "graph",
            "tensor_view",
            "layer_view",
            "read",
            "read_all",
            "weights",
            "constant",
            "scalar",
        ),
        *("add", "change", "retype", "rename", "check", "adopt", "model_record"),
        *("binding_types", "to_build"),
    )

    def __init__(self, graph: Network) -> None:
        self.graph = graph
        self.binding_types: dict[Tensor, DataType] = {}
        self._tensors: dict[Tensor, ITensor] = {}
        self._layers: dict[Layer, ILayer] = {}

    # ---- views -------------------------------------------------------------------------

    def tensor_view(self, tensor: Tensor) -> ITensor:
        """The view of a tensor, the same every time."""
        found = self._tensors.get(tensor)
        if found is None:
            found = self._tensors[tensor] = ITensor(self, tensor)
        return found

    def layer_view(self, layer: Layer, kind: type[ILayer] = ILayer) -> ILayer:
        """The view of a layer, the same every time; ``kind`` counts the first time only."""
        found = self._layers.get(layer)
        if found is None:
            found = self._layers[layer] = kind(self, layer)
        return found

    # ---- reading arguments -------------------------------------------------------------

    def read(self, argument: object, role: str) -> Tensor:
        """The tensor that an argument stands for.

        Raises:
            UsageError: It is no tensor, or of another network.
            InvalidNetworkError: The layer that computes it is not complete yet.
        """
        if not isinstance(argument, ITensor):
            hint = "pass layer.get_output(0)" if isinstance(argument, ILayer) else (
                "pass an ITensor: an input, a layer's output, or that of add_constant"
            )  # fmt: skip
            raise UsageError(f"the {role} is {shown(argument)}, not a tensor", hint=hint)
        if argument.definition is not self:
            raise UsageError(
                f"the {role}, {argument.name}, belongs to another network",
                hint="add the layer to the network that the tensor is from",
            )
        producer = argument.tensor.producer
        if producer is not None and isinstance(producer.op, Unfinished):
            raise producer.op.refusal()
        return argument.tensor

    def weights(
        self, value: object, role: str, *, like: Tensor | None = None, least: int = 1
    ) -> Array | None:
        """The elements of a weights argument; None when it is left out or empty.

        Args:
            value: None, Weights or an array.
            role: For messages.
            like: Float weights take its type, unless the network is strongly typed.
            least: Elements that there must be otherwise.

        Raises:
            UsageError: It holds no numbers, or too few.
        """
        if value is None or (isinstance(value, Weights) and not value.size):
            return None
        array = array_of(value, role)
        if array.size < least:
            raise UsageError(f"{role} has {array.size} elements, at least {least} are needed")
        if like is None or self.graph.strongly_typed:
            return array
        both = DataType.from_numpy(array.dtype).is_float and like.dtype.is_float
        return array.astype(like.dtype.numpy, copy=False) if both else array

    def constant(self, data: Array | None, name: str) -> Tensor | None:
        """A constant that belongs to a layer; None for no elements."""
        return None if data is None else self.graph.add_constant(name, data)

    def scalar(self, value: float, dtype: DataType, name: str) -> Tensor:
        """A constant with one element and no dimensions."""
        return self.graph.add_constant(name, np.array(value).astype(dtype.numpy))

    # ---- edits -------------------------------------------------------------------------

    def add(self, view: type[ViewT], op: Op, inputs: Sequence[Tensor | None]) -> ViewT:
        """Append a layer.

        Raises:
            InvalidNetworkError: The operator refuses its inputs, whatever options come later.
        """
        name = op.kind.lower()
        given = list(inputs)
        while given and given[-1] is None:
            given.pop()
        try:
            layer = self.graph.add_layer(op, given, name=name)
        except InvalidNetworkError as error:
            if not is_patient(op):
                raise
            layer = self.graph.add_layer(Unfinished(op, error), given, name=name)
        made = view(self, layer)
        self._layers[layer] = made
        return made

    def change(
        self, layer: Layer, op: Op, inputs: Sequence[Tensor | None] | None = None
    ) -> None:
        """Give a layer another operator or other inputs; all or nothing.

        Raises:
            InvalidNetworkError: The layer, or one that reads its output, refuses.
        """
        before, read, known = layer.op, layer.inputs, _known(layer.outputs)
        try:
            self._settle(layer, op, layer.inputs if inputs is None else tuple(inputs))
            if _known(layer.outputs) != known:
                self._propagate(layer.outputs)
            if inputs is not None:
                self.graph.sort()
        except InvalidNetworkError:
            self.graph.replace_op(layer, before, read)
            self._propagate(layer.outputs)
            raise

    def retype(self, tensor: Tensor, kind: TensorType) -> None:
        """Give a network input another type; all or nothing.

        Raises:
            InvalidNetworkError: A layer that depends on it refuses.
        """
        before = tensor.type
        tensor.type = kind
        try:
            self._propagate([tensor])
        except InvalidNetworkError:
            tensor.type = before
            self._propagate([tensor])
            raise

    def rename(self, tensor: Tensor, name: str) -> None:
        """Give a tensor another name.

        Raises:
            UsageError: Another tensor has it.
        """
        if name == tensor.name:
            return
        if self.graph.find_tensor(name) is not None:
            raise UsageError(
                f"a tensor named {name!r} exists already", hint="names of tensors are unique"
            )
        self.graph.rename_tensor(tensor, name)

    def check(self) -> None:
        """Every layer is complete.

        Raises:
            InvalidNetworkError: One is not.
        """
        for layer in self.graph.layers:
            if isinstance(layer.op, Unfinished):
                raise layer.op.refusal()

    def to_build(self) -> Network:
        """The graph, with casts where inputs and outputs have other types than their layers."""
        return with_binding_types(self.graph, self.binding_types)

    def _settle(self, layer: Layer, op: Op, inputs: tuple[Tensor | None, ...]) -> None:
        """Replace operator and inputs; unfinished if refused and nobody reads the layer."""
        try:
            self.graph.infer(Layer(layer.name, op, inputs))
        except InvalidNetworkError as error:
            needed = any(t.consumers or t in self.graph.outputs for t in layer.outputs)
            if needed or not is_patient(op):
                raise
            op = Unfinished(op, error)
        self.graph.replace_op(layer, op, inputs)

    def _propagate(self, changed: Iterable[Tensor]) -> None:
        """Infer the types of all layers anew that depend on some tensors."""
        waiting = {reader for tensor in changed for reader in tensor.consumers}
        if not waiting:
            return
        for layer in self.graph.layers:
            if layer in waiting:
                known = _known(layer.outputs)
                self._settle(layer, operator_of(layer.op), layer.inputs)
                if _known(layer.outputs) != known:
                    waiting.update(reader for t in layer.outputs for reader in t.consumers)


def _known(tensors: Iterable[Tensor]) -> list[tuple[TensorType, list[object]]]:
    """Types and known integers, for comparison."""
    return [(t.type, [] if t.value is None else t.value.reshape(-1).tolist()) for t in tensors]
