"""TensorRT's INetworkDefinition over `graph.Network`."""

from collections.abc import Iterator
from typing import Self

from trtlab.core.build_enums import NetworkDefinitionCreationFlag
from trtlab.core.dims import Dims
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.core.types import DataType
from trtlab.network.api.add_window import WindowLayers
from trtlab.network.api.arguments import data_type, extents, member, text, whole
from trtlab.network.api.axes import AxisLayers
from trtlab.network.api.catalog import view_of
from trtlab.network.api.creation import CreationLayers
from trtlab.network.api.indexing import IndexLayers
from trtlab.network.api.layer import ILayer
from trtlab.network.api.missing import MISSING_METHODS
from trtlab.network.api.movement import MovementLayers
from trtlab.network.api.pointwise import PointwiseLayers
from trtlab.network.api.record import record_of
from trtlab.network.api.tensor import ITensor
from trtlab.network.api.unfinished import operator_of
from trtlab.network.graph import Network, Tensor
from trtlab.report.records import ModelRecord

_Flag = NetworkDefinitionCreationFlag


class INetworkDefinition(
    PointwiseLayers, AxisLayers, CreationLayers, IndexLayers, MovementLayers, WindowLayers
):
    """A network that user code builds layer by layer, or that `OnnxParser` fills.

    Layers come in an order in which they can run; iterating yields them.

    Args:
        flags: Bit mask of `NetworkDefinitionCreationFlag`.
        builder: Who made it, for `builder`.

    Raises:
        UsageError: A flag does not exist.
    """

    _missing = MISSING_METHODS

    def __init__(self, flags: int = 0, builder: object = None) -> None:
        mask = whole(flags, "the network's flags", least=0)
        if mask >> len(_Flag):
            raise UsageError(
                f"network flags {mask:#b} have unknown bits",
                hint=" | ".join(f"1 << {f:d} ({f.name})" for f in _Flag),
            )
        strong = bool(mask >> _Flag.STRONGLY_TYPED & 1)
        super().__init__(Network("Unnamed Network 0", strongly_typed=strong))
        self._flags = mask
        self._builder = builder
        self._record: ModelRecord | None = None

    # ---- about the network -------------------------------------------------------------

    @property
    def name(self) -> str:
        """Of the network, and of engines built from it."""
        return self.graph.name

    @name.setter
    def name(self, name: str) -> None:
        self.graph.name = text(name, "the network's name")

    @property
    def flags(self) -> int:
        """Bit mask as given."""
        return self._flags

    def get_flag(self, flag: NetworkDefinitionCreationFlag) -> bool:
        """Whether a flag was given."""
        return bool(self._flags >> member(_Flag)(flag, "the flag") & 1)

    @property
    def builder(self) -> object:
        """Who made it."""
        return self._builder

    @property
    def has_implicit_batch_dimension(self) -> bool:
        """False: batches are explicit, with or without the flag."""
        return False

    @property
    def error_recorder(self) -> None:
        """None: errors are raised, and told to the logger."""
        return

    @error_recorder.setter
    def error_recorder(self, recorder: object) -> None:
        if recorder is not None:
            raise UnsupportedError(
                "error recorders are not available", hint="catch TrtlabError, or read the log"
            )

    # ---- inputs and outputs ------------------------------------------------------------

    def add_input(self, name: str, dtype: DataType, shape: object) -> ITensor:
        """An input; −1 stands for an extent that an optimization profile bounds.

        Raises:
            UsageError: The name is taken, or an argument makes no sense.
        """
        wanted = Dims(extents(shape, f"the shape of input {name!r}", least=-1))
        kind = data_type(dtype, f"the type of input {name!r}")
        return self.tensor_view(
            self.graph.add_input(text(name, "the input's name"), kind, tuple(wanted))
        )

    def mark_output(self, tensor: ITensor) -> None:
        """Make a tensor an output.

        Raises:
            UsageError: It is an input.
            InvalidNetworkError: The layer that computes it is not complete yet.
        """
        plain = self.read(tensor, "output")
        if plain.producer is None:
            what = "an input" if plain in self.graph.inputs else "a constant"
            raise UsageError(
                f"{plain.name} is {what} and cannot be an output",
                hint="mark the output of add_identity(tensor)",
            )
        self.graph.mark_output(plain)

    def unmark_output(self, tensor: ITensor) -> None:
        """Make a tensor no output any more.

        Raises:
            UsageError: It is none.
        """
        plain = self.read(tensor, "output")
        if plain not in self.graph.outputs:
            raise UsageError(f"{plain.name} is no output")
        self.graph.outputs.remove(plain)
        self.binding_types.pop(plain, None)

    def mark_output_for_shapes(self, tensor: ITensor) -> bool:
        """Make a shape tensor an output; its integers come like any other output."""
        self.mark_output(tensor)
        return True

    def unmark_output_for_shapes(self, tensor: ITensor) -> bool:
        """Make a shape tensor no output any more."""
        self.unmark_output(tensor)
        return True

    def remove_tensor(self, tensor: ITensor) -> None:
        """Remove an input that nobody reads.

        Raises:
            UsageError: It is no input, or is read.
        """
        plain = self.read(tensor, "tensor")
        if plain not in self.graph.inputs:
            raise UsageError(
                f"{plain.name} is no input; it goes with the layer that computes it"
            )
        if plain.consumers:
            raise UsageError(
                f"input {plain.name} is read by layer {plain.consumers[0].name}",
                hint="give that layer another input first, with set_input",
            )
        self.graph.inputs.remove(plain)

    @property
    def num_inputs(self) -> int:
        """Inputs."""
        return len(self.graph.inputs)

    @property
    def num_outputs(self) -> int:
        """Outputs."""
        return len(self.graph.outputs)

    @property
    def num_layers(self) -> int:
        """Layers."""
        return len(self.graph)

    def get_input(self, index: int) -> ITensor:
        """An input, in the order of adding."""
        return self._nth(self.graph.inputs, index, "input")

    def get_output(self, index: int) -> ITensor:
        """An output, in the order of marking."""
        return self._nth(self.graph.outputs, index, "output")

    def _nth(self, tensors: list[Tensor], index: int, what: str) -> ITensor:
        place = whole(index, f"the {what}'s index")
        if not 0 <= place < len(tensors):
            raise UsageError(
                f"the network has {len(tensors)} {what}s, not one of index {place}"
            )
        return self.tensor_view(tensors[place])

    def get_layer(self, index: int) -> ILayer:
        """A layer, in order of execution."""
        place, layers = whole(index, "the layer's index"), self.graph.layers
        if not 0 <= place < len(layers):
            raise UsageError(f"the network has {len(layers)} layers, not one of index {place}")
        return self.layer_view(layers[place], view_of(operator_of(layers[place].op)))

    def __len__(self) -> int:
        return self.num_layers

    def __getitem__(self, index: int) -> ILayer:
        count = self.num_layers
        if not -count <= index < count:
            raise IndexError(f"the network has {count} layers, not one of index {index}")
        return self.get_layer(index % count)

    def __iter__(self) -> Iterator[ILayer]:
        layers = self.graph.layers
        return (self.layer_view(la, view_of(operator_of(la.op))) for la in layers)

    # ---- weights -----------------------------------------------------------------------

    def set_weights_name(self, weights: object, name: str) -> bool:
        """Accepted: nothing refers to weights by name yet."""
        self.weights(weights, "weights")
        return bool(text(name, "the name of the weights"))

    def are_weights_marked_refittable(self, name: str) -> bool:
        """False: engines cannot be refitted."""
        del name
        return False

    def is_debug_tensor(self, tensor: ITensor) -> bool:
        """False: there are no debug tensors."""
        self.read(tensor, "tensor")
        return False

    # ---- for parser and builder --------------------------------------------------------

    def adopt(self, graph: Network, record: ModelRecord) -> None:
        """Take over a parsed network.

        Raises:
            UsageError: There are layers or inputs already.
        """
        if len(self.graph) or self.graph.inputs:
            raise UsageError(
                f"network {self.name!r} is not empty", hint="parse into a new network"
            )
        graph.strongly_typed = self.graph.strongly_typed
        self.graph = graph
        self.binding_types.clear()
        self._record = record

    @property
    def model_record(self) -> ModelRecord:
        """Where the network comes from, for reports."""
        return self._record if self._record is not None else record_of(self.graph)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __repr__(self) -> str:
        return (
            f"INetworkDefinition({self.name!r}, {self.num_layers} layers, "
            f"{self.num_inputs} inputs, {self.num_outputs} outputs)"
        )
