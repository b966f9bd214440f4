"""What an engine tells of its inputs and outputs."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import overload

from trtlab.core.dims import Dims
from trtlab.core.enums import TensorIOMode, TensorLocation
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType, TensorFormat
from trtlab.engine.engine import Engine
from trtlab.network.api.arguments import whole
from trtlab.network.graph import Tensor
from trtlab.report.tensor_formats import type_word
from trtlab.runtime.bindings import EngineBindings


class EngineTensors(EngineBindings):
    """An engine's inputs and outputs, by name."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The plain engine underneath."""

    @property
    def _tensors(self) -> list[Tensor]:
        return [*self.engine.network.inputs, *self.engine.network.outputs]

    def _tensor(self, name: str) -> Tensor:
        for tensor in self._tensors:
            if tensor.name == name:
                return tensor
        raise UsageError(
            f"the engine has no input or output {name!r}",
            hint="names: " + ", ".join(t.name for t in self._tensors),
        )

    @property
    def num_io_tensors(self) -> int:
        """Inputs and outputs."""
        return len(self._tensors)

    @property
    def num_optimization_profiles(self) -> int:
        """Optimization profiles."""
        return len(self.engine.profiles)

    def get_tensor_name(self, index: int) -> str:
        """Name by index: inputs first.

        Raises:
            UsageError: There is no such index.
        """
        place = whole(index, "the tensor's index")
        if not 0 <= place < self.num_io_tensors:
            raise UsageError(
                f"the engine has no tensor {place}", hint=f"0 to {self.num_io_tensors - 1}"
            )
        return self._tensors[place].name

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        """INPUT or OUTPUT."""
        tensor = self._tensor(name)
        inside = tensor in self.engine.network.inputs
        return TensorIOMode.INPUT if inside else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> Dims:
        """Shape with −1 for dynamic dimensions."""
        return Dims(d if isinstance(d, int) else -1 for d in self._tensor(name).shape)

    def get_tensor_dtype(self, name: str) -> DataType:
        """Element type."""
        return self._tensor(name).dtype

    def get_tensor_location(self, name: str) -> TensorLocation:
        """Bindings lie on the device."""
        self._tensor(name)
        return TensorLocation.DEVICE

    def get_tensor_format(self, name: str) -> TensorFormat:
        """Bindings are row-major."""
        self._tensor(name)
        return TensorFormat.LINEAR

    def get_tensor_format_desc(self, name: str) -> str:
        """The format in words."""
        return f"Row-major linear {type_word(self._tensor(name).dtype.value)} format"

    def get_tensor_bytes_per_component(self, name: str) -> int:
        """Bytes an element."""
        return int(self._tensor(name).dtype.itemsize)

    def get_tensor_components_per_element(self, name: str) -> int:
        """Bindings are not vectorized."""
        self._tensor(name)
        return 1

    def get_tensor_vectorized_dim(self, name: str) -> int:
        """−1: bindings are not vectorized."""
        self._tensor(name)
        return -1

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        """Min, opt and max shape of an input in an optimization profile.

        Those of an output follow from the inputs: three empty shapes, so that code may ask for
        every tensor.

        Raises:
            UsageError: There is no such tensor or profile.
        """
        if not 0 <= whole(profile_index, "profile_index") < self.num_optimization_profiles:
            raise UsageError(f"there is no optimization profile {profile_index}")
        if self.get_tensor_mode(name) is not TensorIOMode.INPUT:
            return [Dims(()) for _ in range(3)]
        return [Dims(shape) for shape in self.engine.profiles[profile_index].inputs[name]]

    def get_tensor_profile_values(self, name: str, profile_index: int) -> list[list[int]]:
        """Min, opt and max values of a shape input; none, as engines have no shape inputs."""
        self.get_tensor_profile_shape(name, profile_index)
        return []

    def get_aliased_input_tensor(self, name: str) -> None:
        """The input whose memory an output shares; none does."""
        self._tensor(name)

    def is_debug_tensor(self, name: str) -> bool:
        """False: tensors cannot be marked for debugging."""
        self._tensor(name)
        return False

    def is_shape_inference_io(self, name: str) -> bool:
        """Engines here have no shape inputs or outputs."""
        self._tensor(name)
        return False

    def __iter__(self) -> Iterator[str]:
        return (t.name for t in self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: str) -> int: ...
    def __getitem__(self, key: int | str) -> str | int:
        """The name of a number, or the number of a name."""
        if isinstance(key, str):
            return self.get_binding_index(key)
        return self._tensors[key].name
