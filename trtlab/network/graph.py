"""Tensor, Layer and Network: identities with tuple edges, edited only through Network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from trtlab.core.errors import InternalError, InvalidNetworkError, UsageError
from trtlab.core.types import DataType, Dim, Shape, TensorType
from trtlab.layers.base import Array, Op, ShapeValue
from trtlab.layers.dims import qualify
from trtlab.network.order import stable_order


@dataclass(frozen=True, slots=True)
class Origin:
    """One node of the imported model that a layer stands for.

    Attributes:
        node: The node's name, made unique by the parser when the model left it empty.
        op_type: The node's operator, such as ``Conv``.
        scope: Module path as far as the node's name or metadata tells, else empty.
    """

    node: str
    op_type: str
    scope: str = ""


@dataclass(eq=False, slots=True)
class Tensor:
    """A value between layers, an input, or a constant.

    Attributes:
        name: Unique in its network.
        type: Element type and shape.
        producer: The layer that computes it; None for inputs and constants.
        consumers: Layers that read it, once for each layer.
        data: The elements of a constant, else None; never written to.
        detached: A constant whose elements were moved into an engine's packed weights.
        value: Known integers of a shape tensor (int or Dim objects), else None.
    """

    name: str
    type: TensorType
    producer: "Layer | None" = None
    consumers: tuple["Layer", ...] = ()
    data: Array | None = None
    detached: bool = False
    value: ShapeValue = None

    @property
    def dtype(self) -> DataType:
        """Element type."""
        return self.type.dtype

    @property
    def shape(self) -> Shape:
        """Numbers and named dimensions."""
        return self.type.shape

    @property
    def is_constant(self) -> bool:
        """Whether the elements are known while building."""
        return self.data is not None or self.detached

    def __repr__(self) -> str:
        return f"Tensor({self.name}: {self.type})"


@dataclass(eq=False, slots=True)
class Layer:
    """One operator applied to tensors.

    Attributes:
        name: Unique among layers; fused ones join names as TensorRT does (``conv1 + relu1``).
        op: What is computed; replaced, never changed in place.
        inputs: None where an optional input is left out.
        origins: The model's nodes it stands for, in order.
        rules: Names of the rewrite rules that made it what it is.
        precision: The type the user asked to compute in, else None.
        output_types: The types the user asked for per output, else None.
    """

    name: str
    op: Op
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...] = ()
    origins: tuple[Origin, ...] = ()
    rules: tuple[str, ...] = ()
    precision: DataType | None = None
    output_types: tuple[DataType | None, ...] = ()
    metadata: str = ""

    @property
    def output(self) -> Tensor:
        """The only output."""
        if len(self.outputs) != 1:
            raise InternalError(f"layer {self.name} has {len(self.outputs)} outputs, not one")
        return self.outputs[0]

    def __repr__(self) -> str:
        return f"Layer({self.name}: {self.op.kind})"


@dataclass(eq=False, slots=True)
class Network:
    """Layers in topological order, with named inputs, outputs and constants.

    Iterating yields a snapshot: edits during iteration change the network, not the loop.
    Only these methods touch edges, so that `Tensor.consumers` is always right.
    Insertions and removals are noted and carried out together when the order is next asked
    for, so that thousands of edits cost one walk over the list.
    """

    name: str = "network"
    inputs: list[Tensor] = field(default_factory=list["Tensor"])
    outputs: list[Tensor] = field(default_factory=list["Tensor"])
    strongly_typed: bool = False
    _layers: list[Layer] = field(default_factory=list["Layer"])
    _tensor_names: set[str] = field(default_factory=set[str])
    _layer_names: set[str] = field(default_factory=set[str])
    # The number given last to each name, so that finding a free one needs no search.
    _tensor_numbers: dict[str, int] = field(default_factory=dict[str, int])
    _layer_numbers: dict[str, int] = field(default_factory=dict[str, int])
    _inserted: dict[Layer, list[Layer]] = field(default_factory=dict["Layer", "list[Layer]"])
    _removed: set[Layer] = field(default_factory=set["Layer"])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, producers before consumers."""
        return tuple(self._ordered())

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self._ordered())

    def _ordered(self) -> list[Layer]:
        """The list of layers with all noted edits carried out."""
        if self._inserted or self._removed:
            ordered: list[Layer] = []
            waiting = self._layers[::-1]
            while waiting:
                layer = waiting.pop()
                earlier = self._inserted.pop(layer, None)
                if earlier is not None:
                    waiting.append(layer)
                    waiting.extend(reversed(earlier))
                elif layer not in self._removed:
                    ordered.append(layer)
            self._layers = ordered
            self._removed.clear()
        return self._layers

    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor that inputs, layers or outputs mention, in order of first mention."""
        seen: dict[int, Tensor] = {id(t): t for t in self.inputs}
        for layer in self._ordered():
            for tensor in (*layer.inputs, *layer.outputs):
                if tensor is not None:
                    seen.setdefault(id(tensor), tensor)
        for tensor in self.outputs:
            seen.setdefault(id(tensor), tensor)
        return tuple(seen.values())

    def find_tensor(self, name: str) -> Tensor | None:
        """The tensor of that name."""
        return next((t for t in self.tensors() if t.name == name), None)

    def find_layer(self, name: str) -> Layer | None:
        """The layer of that name."""
        return next((layer for layer in self._ordered() if layer.name == name), None)

    # ---- making ------------------------------------------------------------------------

    def unique_name(self, wanted: str) -> str:
        """``wanted``, or ``wanted_1``, ``wanted_2`` … when a tensor has it; now reserved."""
        return _reserve(self._tensor_names, self._tensor_numbers, wanted)

    def unique_layer_name(self, wanted: str) -> str:
        """As `unique_name`, for layers: a layer and a tensor may share a name."""
        return _reserve(self._layer_names, self._layer_numbers, wanted)

    def add_input(self, name: str, dtype: DataType, shape: Shape) -> Tensor:
        """A new network input; −1 extents become dimensions named after input and axis.

        Raises:
            UsageError: The name is taken, or an extent is not a size.
        """
        if name in self._tensor_names:
            raise UsageError(
                f"a tensor named {name!r} exists already", hint="use another name"
            )
        for extent in shape:
            if isinstance(extent, int) and extent < -1:
                raise UsageError(f"input {name!r} has extent {extent} in {shape}")
        extents = tuple(Dim(f"{name}.{i}") if d == -1 else d for i, d in enumerate(shape))
        self._tensor_names.add(name)
        tensor = Tensor(name, TensorType(dtype, extents))
        self.inputs.append(tensor)
        return tensor

    def add_constant(self, name: str, data: Array) -> Tensor:
        """A new constant; a contiguous array is shared, not copied, and seen as read-only."""
        array = np.ascontiguousarray(data).reshape(np.shape(data))
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        array = array.view()
        array.flags.writeable = False
        kind = TensorType(DataType.from_numpy(array.dtype), array.shape)
        value = array.astype(object) if array.dtype.kind in "iu" and array.size <= 64 else None
        return Tensor(self.unique_name(name), kind, data=array, value=value)

    def add_layer(
        self,
        op: Op,
        inputs: Sequence[Tensor | None],
        *,
        name: str = "",
        output_names: Sequence[str] = (),
        origins: tuple[Origin, ...] = (),
        rules: tuple[str, ...] = (),
        before: Layer | None = None,
    ) -> Layer:
        """Append a layer (or put it before another) and infer its output types.

        Raises:
            InvalidNetworkError: The operator refuses the inputs; says which layer.
        """
        layer_name = self.unique_layer_name(name or op.kind.lower())
        inputs = tuple(inputs)
        layer = Layer(layer_name, op.placed(layer_name), inputs, origins=origins, rules=rules)
        try:
            types = self.infer(layer)
        except InvalidNetworkError:
            self._layer_names.discard(layer_name)
            raise
        names = [*output_names]
        names += [f"{layer.name}.out{i}" for i in range(len(names), len(types))]
        if len(types) == 1 and not output_names:
            names = [f"{layer.name}.out"]
        layer.outputs = tuple(
            Tensor(self.unique_name(n), t, producer=layer)
            for n, t in zip(names, types, strict=False)
        )
        self._infer_values(layer)
        for tensor in layer.inputs:
            _add_consumer(tensor, layer)
        if before is None:
            self._layers.append(layer)
        else:
            self._inserted.setdefault(before, []).append(layer)
        return layer

    def adopt(self, layers: Iterable[Layer]) -> None:
        """Append layers made elsewhere, in topological order, over this network's tensors.

        Their names must be free, and their types right: this is for copying, not for building.
        """
        for layer in layers:
            self._layer_names.add(layer.name)
            for tensor in layer.inputs:
                _add_consumer(tensor, layer)
            for tensor in layer.outputs:
                tensor.producer = layer
            self._layers.append(layer)
        self._tensor_names.update(t.name for t in self.tensors())

    def mark_output(self, tensor: Tensor) -> None:
        """Make a tensor a network output."""
        if tensor not in self.outputs:
            self.outputs.append(tensor)

    # ---- editing -----------------------------------------------------------------------

    def replace_input(self, layer: Layer, index: int, tensor: Tensor | None) -> None:
        """Let a layer read another tensor; its output types are inferred anew."""
        old = layer.inputs[index]
        layer.inputs = (*layer.inputs[:index], tensor, *layer.inputs[index + 1 :])
        if old is not None and old not in layer.inputs:
            old.consumers = tuple(c for c in old.consumers if c is not layer)
        _add_consumer(tensor, layer)
        self.refresh(layer)

    def replace_op(
        self, layer: Layer, op: Op, inputs: Sequence[Tensor | None] | None = None
    ) -> None:
        """Give a layer another operator, and other inputs if given."""
        if inputs is not None:
            for tensor in layer.inputs:
                if tensor is not None:
                    tensor.consumers = tuple(c for c in tensor.consumers if c is not layer)
            layer.inputs = tuple(inputs)
            for tensor in layer.inputs:
                _add_consumer(tensor, layer)
        layer.op = op.placed(layer.name)
        self.refresh(layer)

    def replace_uses(self, old: Tensor, new: Tensor) -> None:
        """Let every reader of ``old`` read ``new``, except the layer that makes ``new``.

        A network output keeps its name: ``new`` takes it over when ``old`` was one (the caller
        makes sure that ``new`` is not an output or input itself).
        """
        readers = tuple(c for c in old.consumers if c is not new.producer)
        old.consumers = tuple(c for c in old.consumers if c is new.producer)
        for layer in readers:
            layer.inputs = tuple(new if t is old else t for t in layer.inputs)
            _add_consumer(new, layer)
            self.refresh(layer)
        if old in self.outputs:
            if new in self.outputs or new in self.inputs or new.is_constant:
                raise InternalError(f"output {old.name} cannot be replaced by {new.name}")
            self.outputs[self.outputs.index(old)] = new
            old.name, new.name = new.name, old.name

    def move_outputs(self, old: Layer, new: Layer) -> None:
        """Let ``new`` produce what ``old`` produced: same tensors, names and readers kept."""
        new.outputs = old.outputs
        for tensor in new.outputs:
            tensor.producer = new
        old.outputs = ()

    def remove(self, layer: Layer) -> None:
        """Take a layer out whose outputs nobody reads.

        Raises:
            InternalError: An output is still read, or is a network output.
        """
        for tensor in layer.outputs:
            if tensor.consumers or tensor in self.outputs:
                raise InternalError(
                    f"layer {layer.name} is still needed: {tensor.name} is read"
                )
        for tensor in layer.inputs:
            if tensor is not None:
                tensor.consumers = tuple(c for c in tensor.consumers if c is not layer)
        self._removed.add(layer)
        self._layer_names.discard(layer.name)
        self._tensor_names.difference_update(t.name for t in layer.outputs)

    def rename_layer(self, layer: Layer, name: str) -> None:
        """Give a layer another (made unique) name."""
        self._layer_names.discard(layer.name)
        layer.name = self.unique_layer_name(name)

    def rename_tensor(self, tensor: Tensor, name: str) -> None:
        """Give a tensor another (made unique) name; its old name becomes free."""
        self._tensor_names.discard(tensor.name)
        tensor.name = self.unique_name(name)

    def refresh(self, layer: Layer) -> None:
        """Infer a layer's output types again after an edit."""
        if not layer.outputs:
            return
        for tensor, kind in zip(layer.outputs, self.infer(layer), strict=False):
            tensor.type = kind
        self._infer_values(layer)

    def refresh_all(self) -> None:
        """Infer every layer's output types again, in order, after edits that change types."""
        for layer in self._ordered():
            self.refresh(layer)

    def sort(self) -> None:
        """Bring the layers into topological order, stable where order does not matter.

        Raises:
            InvalidNetworkError: The layers form a cycle.
        """
        layers = self._ordered()
        position = {id(layer): i for i, layer in enumerate(layers)}
        order, stuck = stable_order([_producers(layer, position) for layer in layers])
        if stuck:
            names = [layers[place].name for place in stuck[:5]]
            raise InvalidNetworkError("layers form a cycle: " + ", ".join(names))
        self._layers = [layers[place] for place in order]

    # ---- inference ---------------------------------------------------------------------

    def infer(self, layer: Layer) -> tuple[TensorType, ...]:
        """Types that the operator gives its outputs.

        Raises:
            InvalidNetworkError: The operator refuses the inputs; says which layer.
        """
        types = [None if t is None else t.type for t in layer.inputs]
        values = [None if t is None else t.value for t in layer.inputs]
        try:
            return qualify(layer.op.infer(types, values), layer.name)
        except InvalidNetworkError as error:
            if error.where:
                raise
            raise InvalidNetworkError(
                error.what, where=(f"layer {layer.name} ({layer.op.kind})",), hint=error.hint
            ) from error

    def _infer_values(self, layer: Layer) -> None:
        types = [None if t is None else t.type for t in layer.inputs]
        values = [None if t is None else t.value for t in layer.inputs]
        results = layer.op.infer_values(types, values, [t.type for t in layer.outputs])
        for tensor, value in zip(layer.outputs, results, strict=False):
            tensor.value = value


def _reserve(taken: set[str], numbers: dict[str, int], wanted: str) -> str:
    name = wanted
    while name in taken:
        numbers[wanted] = numbers.get(wanted, 0) + 1
        name = f"{wanted}_{numbers[wanted]}"
    taken.add(name)
    return name


def _producers(layer: Layer, known: Mapping[int, int]) -> set[int]:
    """Places of the layers that a layer waits for."""
    found = {id(t.producer) for t in layer.inputs if t is not None and t.producer is not None}
    return {known[layer_id] for layer_id in found & known.keys()}


def _add_consumer(tensor: Tensor | None, layer: Layer) -> None:
    if tensor is not None and layer not in tensor.consumers:
        tensor.consumers = (*tensor.consumers, layer)


def merge_origins(layers: Iterable[Layer]) -> tuple[Origin, ...]:
    """Origins of several layers in order, each once."""
    return tuple(dict.fromkeys(origin for layer in layers for origin in layer.origins))
