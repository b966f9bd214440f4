"""TensorRT's ITensor."""

from typing import TYPE_CHECKING

from trtlab.core.dims import Dims
from trtlab.core.enums import TensorLocation
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.core.sealed import Sealed
from trtlab.core.types import DataType, Dim, TensorFormat, TensorType
from trtlab.network.api.arguments import (
    data_type,
    extents,
    member,
    number,
    text,
    truth,
    whole,
)
from trtlab.network.api.unfinished import Unfinished
from trtlab.network.binding_types import convertible
from trtlab.network.graph import Tensor

if TYPE_CHECKING:
    from trtlab.network.api.state import Definition

_LINEAR = 1 << int(TensorFormat.LINEAR)
_ANY_FORMAT = (1 << len(TensorFormat)) - 1
_INTEGERS = (DataType.INT32, DataType.INT64, DataType.BOOL)


class ITensor(Sealed):
    """A value between layers, an input or an output of a network.

    Made by `INetworkDefinition` and layers only; the same object every time it is asked for.
    """

    _own = _inner = ("definition", "tensor")

    def __init__(self, definition: "Definition", tensor: Tensor) -> None:
        self.definition = definition
        self.tensor = tensor
        self._dimension_names: dict[int, str] = {}
        self._range: tuple[float, float] | None = None
        self._formats = _ANY_FORMAT

    def _complete(self) -> Tensor:
        """The tensor, once the layer that computes it has all its options."""
        producer = self.tensor.producer
        if producer is not None and isinstance(producer.op, Unfinished):
            raise producer.op.refusal()
        return self.tensor

    @property
    def name(self) -> str:
        """Unique in the network."""
        return self.tensor.name

    @name.setter
    def name(self, name: str) -> None:
        self.definition.rename(self.tensor, text(name, "the tensor's name"))

    @property
    def shape(self) -> Dims:
        """Extents; −1 for those known when running only. Can be set on inputs.

        Raises:
            InvalidNetworkError: The layer that computes it is not complete yet.
        """
        return Dims(d if isinstance(d, int) else -1 for d in self._complete().shape)

    @shape.setter
    def shape(self, shape: object) -> None:
        self._require_input("shape")
        entries = extents(shape, f"the shape of {self.name}", least=-1)
        named = tuple(
            Dim(self._dimension_names.get(i) or f"{self.name}.{i}") if d == -1 else d
            for i, d in enumerate(Dims(entries))
        )
        self.definition.retype(self.tensor, TensorType(self.tensor.dtype, named))

    @property
    def dtype(self) -> DataType:
        """Element type. Can be set on inputs and outputs, and as a wish on what lies between.

        An input or output then has that type in engines, and layers compute as they did: a cast
        lies in between.
        """
        return self.definition.binding_types.get(self.tensor, self.tensor.dtype)

    @dtype.setter
    def dtype(self, dtype: DataType) -> None:
        wanted = data_type(dtype, f"the type of {self.name}")
        strong = self.definition.graph.strongly_typed
        bound = self.is_network_output or (self.is_network_input and self.tensor.consumers)
        if bound and not strong and convertible(wanted, self.tensor.dtype):
            self.definition.binding_types[self.tensor] = wanted
            return
        if self.is_network_input:
            self.definition.retype(self.tensor, TensorType(wanted, self.tensor.shape))
            self.definition.binding_types.pop(self.tensor, None)
            return
        producer = self.tensor.producer
        if producer is None:
            raise UsageError(f"{self.name} is a constant; its type is that of its elements")
        view = self.definition.layer_view(producer)
        view.set_output_type(producer.outputs.index(self.tensor), wanted)

    @property
    def is_network_input(self) -> bool:
        """Whether the network takes it."""
        return self.tensor in self.definition.graph.inputs

    @property
    def is_network_output(self) -> bool:
        """Whether the network gives it."""
        return self.tensor in self.definition.graph.outputs

    @property
    def is_shape_tensor(self) -> bool:
        """Whether its integers follow from shapes and constants alone."""
        small = self.tensor.dtype in _INTEGERS and len(self.tensor.shape) <= 1
        return small and self.tensor.value is not None

    @property
    def is_execution_tensor(self) -> bool:
        """Whether it is computed while running: shape tensors only if they are outputs."""
        return not self.is_shape_tensor or self.is_network_output

    # ---- memory ------------------------------------------------------------------------

    @property
    def location(self) -> TensorLocation:
        """Inputs and outputs lie on the device."""
        return TensorLocation.DEVICE

    @location.setter
    def location(self, location: TensorLocation) -> None:
        if member(TensorLocation)(location, "location") is TensorLocation.HOST:
            raise UnsupportedError(
                f"{self.name} cannot lie on the host: bindings are the device's"
            )

    @property
    def allowed_formats(self) -> int:
        """Bit mask of the formats that the tensor may have as an input or output."""
        return self._formats

    @allowed_formats.setter
    def allowed_formats(self, formats: int) -> None:
        mask = whole(formats, "allowed_formats", least=1)
        if not mask & _LINEAR or mask > _ANY_FORMAT:
            raise UnsupportedError(
                f"allowed_formats {mask:#b} of {self.name} leave out LINEAR; inputs and "
                "outputs are row-major here",
                hint="use 1 << int(TensorFormat.LINEAR); the builder chooses inner formats",
            )
        self._formats = mask

    @property
    def broadcast_across_batch(self) -> bool:
        """False: batches are explicit."""
        return False

    @broadcast_across_batch.setter
    def broadcast_across_batch(self, broadcast: bool) -> None:
        if truth(broadcast, "broadcast_across_batch"):
            raise UnsupportedError(
                "there is no implicit batch to broadcast across", hint="use an extent of 1"
            )

    # ---- dimension names ---------------------------------------------------------------

    def set_dimension_name(self, index: int, name: str) -> None:
        """Name a dimension of an input; dynamic ones of equal names are equal.

        Raises:
            UsageError: It is no input, or has no such dimension.
            InvalidNetworkError: Dimensions that become equal here must differ elsewhere.
        """
        self._require_input("dimension names")
        axis, label = self._axis(index), text(name, "the dimension's name")
        self._dimension_names[axis] = label
        shape = self.tensor.shape
        if isinstance(shape[axis], Dim):
            renamed = (*shape[:axis], Dim(label), *shape[axis + 1 :])
            self.definition.retype(self.tensor, TensorType(self.tensor.dtype, renamed))

    def get_dimension_name(self, index: int) -> str:
        """The dimension's name; empty when nobody gave one."""
        axis = self._axis(index)
        extent = self.tensor.shape[axis]
        given = isinstance(extent, Dim) and extent.name != f"{self.name}.{axis}"
        return self._dimension_names.get(axis, str(extent) if given else "")

    # ---- implicit quantization: kept, as nothing here is quantized ----------------------

    @property
    def dynamic_range(self) -> tuple[float, float] | None:
        """Smallest and largest value as set; only noted, for there is no INT8 mode."""
        return self._range

    @dynamic_range.setter
    def dynamic_range(self, limits: object) -> None:
        if not isinstance(limits, list | tuple) or len(limits) != 2:  # pyright: ignore[reportUnknownArgumentType]
            raise UsageError("a dynamic range has two entries: smallest and largest")
        self.set_dynamic_range(*limits)  # pyright: ignore[reportUnknownArgumentType]

    def set_dynamic_range(self, min: float, max: float) -> bool:
        """Note smallest and largest value.

        Raises:
            UsageError: They are no numbers, or cross.
        """
        low, high = number(min, "min"), number(max, "max")
        if low > high:
            raise UsageError(
                f"the dynamic range of {self.name} has min {low} above max {high}"
            )
        self._range = (low, high)
        return True

    def reset_dynamic_range(self) -> None:
        """Forget the range."""
        self._range = None

    # ---- inside ------------------------------------------------------------------------

    def _require_input(self, what: str) -> None:
        if not self.is_network_input:
            raise UsageError(
                f"{what} of {self.name} cannot be set: it is no input of the network",
                hint="types of other tensors follow from the layers that compute them",
            )

    def _axis(self, index: int) -> int:
        axis = whole(index, "the dimension's index")
        if not 0 <= axis < len(self.tensor.shape):
            raise UsageError(
                f"{self.name} has {len(self.tensor.shape)} dimensions, not {axis}"
            )
        return axis

    def __repr__(self) -> str:
        return f"ITensor({self.name}: {self.tensor.type})"
