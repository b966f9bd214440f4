"""Profiles, shapes and addresses of an execution context."""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence

from trtlab.core.dims import Dims
from trtlab.core.errors import UsageError
from trtlab.core.types import StaticShape, format_shape, is_static, static
from trtlab.network.api.arguments import extents, whole
from trtlab.network.graph import Network, Tensor
from trtlab.runtime.bindings import ContextBindings
from trtlab.runtime.executable import Executable
from trtlab.runtime.loaded import LoadedEngine
from trtlab.tactics.problem import dense_strides

_KEPT_SHAPES = 4


class ContextShapes(ContextBindings):
    """What a context runs on.

    Args:
        loaded: The engine on its device.
    """

    def __init__(self, loaded: LoadedEngine) -> None:
        self._loaded = loaded
        network = loaded.engine.network
        self._tensors = {t.name: t for t in (*network.inputs, *network.outputs)}
        self._profile = 0
        self._shapes: dict[str, StaticShape] = {
            t.name: static(t.shape) for t in network.inputs if is_static(t.shape)
        }
        self._addresses: dict[str, int] = {}
        self._executables: OrderedDict[tuple[tuple[str, StaticShape], ...], Executable] = (
            OrderedDict()
        )

    @abstractmethod
    def _changed(self) -> None:
        """Something changed that the next run must see to."""

    @property
    def _network(self) -> Network:
        return self._loaded.engine.network

    def _tensor(self, name: str) -> Tensor:
        known = isinstance(name, str)  # pyright: ignore[reportUnnecessaryIsInstance]
        found = self._tensors.get(name) if known else None
        if found is None:
            raise UsageError(
                f"the engine has no input or output {name!r}",
                hint="names: " + ", ".join(self._tensors),
            )
        return found

    # ---- shapes ------------------------------------------------------------------------

    @property
    def active_optimization_profile(self) -> int:
        """Index of the optimization profile in use."""
        return self._profile

    @active_optimization_profile.setter
    def active_optimization_profile(self, index: int) -> None:
        self.set_optimization_profile_async(index, 0)

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        """Use another optimization profile; shapes of dynamic inputs must be set again."""
        del stream_handle
        if not 0 <= whole(profile_index, "profile_index") < len(self._loaded.engine.profiles):
            raise UsageError(
                f"there is no optimization profile {profile_index}",
                hint=f"the engine has {len(self._loaded.engine.profiles)}",
            )
        if profile_index != self._profile:
            self._profile = profile_index
            for tensor in self._network.inputs:
                if not is_static(tensor.shape):
                    self._shapes.pop(tensor.name, None)
            self._changed()
        return True

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        """Set the shape of a dynamic input.

        Raises:
            UsageError: No such input, or the shape lies outside the optimization profile.
        """
        tensor = self._tensor(name)
        if tensor not in self._network.inputs:
            raise UsageError(f"{name!r} is an output; its shape follows from the inputs")
        wanted = extents(shape, f"the shape of {name!r}", least=0)
        self._loaded.engine.profiles[self._profile].check({name: wanted})
        if len(wanted) != len(tensor.shape):
            raise UsageError(
                f"input {name!r} has {len(tensor.shape)} dimensions, got {format_shape(wanted)}"
            )
        if self._shapes.get(name) != wanted:
            self._shapes[name] = wanted
            self._changed()
        return True

    def infer_shapes(self) -> list[str]:
        """Names of inputs whose shapes are still missing."""
        return [t.name for t in self._network.inputs if t.name not in self._shapes]

    @property
    def all_binding_shapes_specified(self) -> bool:
        """Whether every input has its shape."""
        return not self.infer_shapes()

    @property
    def all_shape_inputs_specified(self) -> bool:
        """Whether every shape input has its values; engines here have none."""
        return True

    def get_tensor_shape(self, name: str) -> Dims:
        """The shape as set or computed; −1 where it still depends on unset inputs."""
        tensor = self._tensor(name)
        if tensor in self._network.inputs and name in self._shapes:
            return Dims(self._shapes[name])
        if tensor in self._network.inputs or self.infer_shapes():
            return Dims(d if isinstance(d, int) else -1 for d in tensor.shape)
        return Dims(self.executable().output_shapes()[name])

    def get_tensor_strides(self, name: str) -> tuple[int, ...]:
        """Elements from one index to the next: bindings are row-major."""
        shape = tuple(self.get_tensor_shape(name))
        return (-1,) * len(shape) if -1 in shape else dense_strides(shape)

    def get_max_output_size(self, name: str) -> int:
        """Bytes of an output at the shapes that are set; −1 while one is missing.

        Raises:
            UsageError: It is no output.
        """
        tensor = self._tensor(name)
        if tensor in self._network.inputs:
            raise UsageError(f"{name!r} is an input, not an output")
        if self.infer_shapes():
            return -1
        return self._output_bytes(self.executable(), tensor)

    def _output_bytes(self, executable: Executable, tensor: Tensor) -> int:
        elements = 1
        for extent in executable.output_shapes()[tensor.name]:
            elements *= extent
        return int(elements * tensor.dtype.numpy.itemsize)

    # ---- addresses ---------------------------------------------------------------------

    def binding_names(self) -> list[str]:
        """Names of inputs, then outputs."""
        return list(self._tensors)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Say where an input or output lies (at least as large as its shape needs)."""
        self._tensor(name)
        try:
            address = whole(memory, f"the address of {name!r}", least=1)
        except UsageError as error:
            hint = "pass an integer such as array.ctypes.data (CPU) or array.data.ptr (CuPy)"
            raise UsageError(error.what, hint=hint) from None
        if self._addresses.get(name) != address:
            self._addresses[name] = address
            self._changed()
        return True

    def set_addresses(self, bindings: Sequence[int]) -> None:
        """Set all addresses, in the order of the engine's tensors.

        Raises:
            UsageError: There are too few or too many.
        """
        addresses = extents(bindings, "bindings", least=1)
        if len(addresses) != len(self._tensors):
            raise UsageError(
                f"execute_v2 takes {len(self._tensors)} addresses, got {len(addresses)}"
            )
        for name, address in zip(self._tensors, addresses, strict=True):
            self.set_tensor_address(name, address)

    def get_tensor_address(self, name: str) -> int:
        """The address as set; 0 before."""
        self._tensor(name)
        return self._addresses.get(name, 0)

    # ---- layouts -----------------------------------------------------------------------

    def executable(self) -> Executable:
        """The engine laid out for the current shapes (the last few are kept).

        Raises:
            UsageError: An input has no shape yet.
        """
        missing = self.infer_shapes()
        if missing:
            raise UsageError(
                f"input {missing[0]!r} has no shape yet",
                hint=f"call set_input_shape({missing[0]!r}, …) first",
            )
        key = tuple(sorted(self._shapes.items()))
        found = self._executables.get(key)
        if found is None:
            found = Executable(self._loaded, self._shapes)
            self._executables[key] = found
            while len(self._executables) > _KEPT_SHAPES:
                self._executables.popitem(last=False)[1].forget()
        self._executables.move_to_end(key)
        return found
