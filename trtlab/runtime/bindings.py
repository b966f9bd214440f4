"""TensorRT 8's numbered bindings: thin forms over tensors by name.

Inputs come first, then outputs. With several optimization profiles TensorRT 8 numbers every
tensor once a profile; such numbers are understood.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from trtlab.core.dims import Dims
from trtlab.core.enums import TensorIOMode
from trtlab.core.errors import UsageError
from trtlab.core.sealed import QuickSealed, Sealed
from trtlab.core.types import DataType
from trtlab.network.api.arguments import whole


class EngineBindings(Sealed, ABC):
    """Bindings of an engine by number or name."""

    @property
    @abstractmethod
    def num_io_tensors(self) -> int:
        """Inputs and outputs."""

    @property
    @abstractmethod
    def num_optimization_profiles(self) -> int:
        """Optimization profiles."""

    @abstractmethod
    def get_tensor_name(self, index: int) -> str:
        """Name by index."""

    @abstractmethod
    def get_tensor_mode(self, name: str) -> TensorIOMode:
        """INPUT or OUTPUT."""

    @abstractmethod
    def get_tensor_shape(self, name: str) -> Dims:
        """Shape with −1 for dynamic dimensions."""

    @abstractmethod
    def get_tensor_dtype(self, name: str) -> DataType:
        """Element type."""

    @abstractmethod
    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        """Min, opt and max shape."""

    def _binding(self, binding: int | str) -> str:
        if isinstance(binding, str):
            self.get_tensor_mode(binding)  # refuses unknown names
            return binding
        number = whole(binding, "the binding", least=0)
        if number >= self.num_bindings:
            raise UsageError(
                f"the engine has {self.num_bindings} bindings, not one of {number}"
            )
        return self.get_tensor_name(number % self.num_io_tensors)

    @property
    def num_bindings(self) -> int:
        """Inputs and outputs, once a profile."""
        return self.num_io_tensors * self.num_optimization_profiles

    @property
    def max_batch_size(self) -> int:
        """1: batches are a dimension of the inputs."""
        return 1

    @property
    def has_implicit_batch_dimension(self) -> bool:
        """False."""
        return False

    def get_binding_name(self, index: int) -> str:
        """Name of a binding."""
        return self._binding(index)

    def get_binding_index(self, name: str) -> int:
        """Number of a binding; −1 when there is none of that name."""
        names = [self.get_tensor_name(i) for i in range(self.num_io_tensors)]
        return names.index(name) if name in names else -1

    def binding_is_input(self, binding: int | str) -> bool:
        """Whether a binding is an input."""
        return self.get_tensor_mode(self._binding(binding)) is TensorIOMode.INPUT

    def get_binding_shape(self, binding: int | str) -> Dims:
        """Shape with −1 for dynamic dimensions."""
        return self.get_tensor_shape(self._binding(binding))

    def get_binding_dtype(self, binding: int | str) -> DataType:
        """Element type."""
        return self.get_tensor_dtype(self._binding(binding))

    def get_profile_shape(self, profile_index: int, binding: int | str) -> list[Dims]:
        """Min, opt and max shape of an input."""
        return self.get_tensor_profile_shape(self._binding(binding), profile_index)

    def is_shape_binding(self, binding: int) -> bool:
        """False: engines here have no shape inputs or outputs."""
        self._binding(binding)
        return False

    def is_execution_binding(self, binding: int) -> bool:
        """True."""
        self._binding(binding)
        return True


class ContextBindings(QuickSealed, ABC):
    """Bindings of an execution context by number."""

    @abstractmethod
    def binding_names(self) -> list[str]:
        """Names of inputs, then outputs."""

    @abstractmethod
    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        """Set the shape of a dynamic input."""

    @abstractmethod
    def get_tensor_shape(self, name: str) -> Dims:
        """The shape as set or computed."""

    @abstractmethod
    def get_tensor_strides(self, name: str) -> tuple[int, ...]:
        """Elements from one index to the next."""

    @abstractmethod
    def set_addresses(self, bindings: Sequence[int]) -> None:
        """Set all addresses, in the order of the bindings."""

    @abstractmethod
    def set_input_consumed_event(self, event: int) -> bool:
        """An event to record when the inputs have been read."""

    @abstractmethod
    def execute_async_v3(self, stream_handle: int = 0) -> bool:
        """Enqueue one inference on the addresses that were set."""

    def _named(self, binding: int) -> str:
        names = self.binding_names()
        return names[whole(binding, "the binding", least=0) % len(names)]

    def set_binding_shape(self, binding: int, shape: Sequence[int]) -> bool:
        """Set the shape of a dynamic input."""
        return self.set_input_shape(self._named(binding), shape)

    def get_binding_shape(self, binding: int) -> Dims:
        """The shape as set or computed; −1 where it still depends on unset inputs."""
        return self.get_tensor_shape(self._named(binding))

    def get_strides(self, binding: int) -> tuple[int, ...]:
        """Elements from one index to the next."""
        return self.get_tensor_strides(self._named(binding))

    def execute_async_v2(
        self, bindings: Sequence[int], stream_handle: int, input_consumed: int | None = None
    ) -> bool:
        """Run on addresses in the order of the bindings.

        Args:
            bindings: Addresses.
            stream_handle: As in `execute_async_v3`.
            input_consumed: As in `set_input_consumed_event`.
        """
        self.set_input_consumed_event(input_consumed or 0)
        self.set_addresses(bindings)
        return self.execute_async_v3(stream_handle)
