"""TensorRT's execution context: shapes, addresses, launches."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from trtlab.core.dims import Dims
from trtlab.core.errors import UsageError
from trtlab.core.types import StaticShape, format_shape, is_static, static
from trtlab.core.weights import array_of
from trtlab.network.api.arguments import extents, whole
from trtlab.network.graph import Network, Tensor
from trtlab.planner.plan import Step
from trtlab.runtime.bindings import ContextBindings
from trtlab.runtime.executable import Executable
from trtlab.runtime.loaded import LoadedEngine
from trtlab.tactics.problem import dense_strides

if TYPE_CHECKING:
    from trtlab.devices.protocol import Memory
    from trtlab.runtime.profiler import IProfiler

_KEPT_SHAPES = 4


class IExecutionContext(ContextBindings):
    """Runs an engine: one inference at a time, on addresses that the caller gives.

    Pointers are integers. On the CPU device they are host addresses, stream 0 is synchronous,
    and other stream handles are accepted and run in order.

    Args:
        loaded: The engine on its device.
    """

    def __init__(self, loaded: LoadedEngine) -> None:
        self._loaded = loaded
        self._profile = 0
        self._shapes: dict[str, StaticShape] = {
            t.name: static(t.shape) for t in self._network.inputs if is_static(t.shape)
        }
        self._addresses: dict[str, int] = {}
        self._executables: OrderedDict[tuple[tuple[str, StaticShape], ...], Executable] = (
            OrderedDict()
        )
        self._pending: list[tuple[str, float]] = []
        self.name = ""
        self.profiler: IProfiler | None = None
        self.enqueue_emits_profile = True
        self.debug_sync = False

    @property
    def _network(self) -> Network:
        return self._loaded.engine.network

    def _tensor(self, name: str) -> Tensor:
        for tensor in (*self._network.inputs, *self._network.outputs):
            if tensor.name == name:
                return tensor
        names = [t.name for t in (*self._network.inputs, *self._network.outputs)]
        raise UsageError(
            f"the engine has no input or output {name!r}", hint="names: " + ", ".join(names)
        )

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
        self._shapes[name] = wanted
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

    # ---- addresses ---------------------------------------------------------------------

    def set_tensor_address(self, name: str, memory: int) -> bool:
        """Say where an input or output lies (at least as large as its shape needs)."""
        self._tensor(name)
        try:
            self._addresses[name] = whole(memory, f"the address of {name!r}", least=1)
        except UsageError as error:
            hint = "pass an integer such as array.ctypes.data (CPU) or array.data.ptr (CuPy)"
            raise UsageError(error.what, hint=hint) from None
        return True

    def get_tensor_address(self, name: str) -> int:
        """The address as set; 0 before."""
        self._tensor(name)
        return self._addresses.get(name, 0)

    # ---- running -----------------------------------------------------------------------

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
                self._executables.popitem(last=False)
        self._executables.move_to_end(key)
        return found

    def execute_async_v3(self, stream_handle: int = 0) -> bool:
        """Run one inference on the addresses that were set.

        Args:
            stream_handle: On a GPU the stream that the inference follows; 0 is the device's own.

        Raises:
            UsageError: A shape or an address is missing.
            DeviceError: The device refused.
        """
        executable = self.executable()
        self._bind(executable)
        if self.profiler is None:
            executable.run(stream_handle)
            return True
        stamps = executable.run_stamped()
        self._pending = [
            (name, float(end - start) / 1e6)
            for (start, end), name in zip(
                stamps, self._names(executable.plan.steps), strict=True
            )
        ]
        if self.enqueue_emits_profile:
            self.report_to_profiler()
        return True

    def binding_names(self) -> list[str]:
        """Names of inputs, then outputs."""
        return [t.name for t in (*self._network.inputs, *self._network.outputs)]

    def execute_v2(self, bindings: Sequence[int]) -> bool:
        """Run synchronously on addresses in the order of the engine's tensors."""
        names = self.binding_names()
        addresses = extents(bindings, "bindings", least=1)
        if len(addresses) != len(names):
            raise UsageError(f"execute_v2 takes {len(names)} addresses, got {len(addresses)}")
        for name, address in zip(names, addresses, strict=True):
            self.set_tensor_address(name, address)
        return self.execute_async_v3(0)

    def report_to_profiler(self) -> bool:
        """Hand the last run's layer times to the profiler."""
        if self.profiler is None:
            return False
        for name, time_ms in self._pending:
            self.profiler.report_layer_time(name, time_ms)
        return True

    def infer(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run on arrays: copies them in, runs, and returns the outputs as new arrays.

        Args:
            inputs: One array for each input; converted to the input's element type.

        Raises:
            UsageError: An input is missing, unknown, or outside the profile.
        """
        known = {t.name: t for t in self._network.inputs}
        if not isinstance(inputs, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError("inputs are a mapping of names to arrays", hint=str(list(known)))
        unknown = sorted(map(str, set(inputs) - set(known)))
        missing = sorted(set(known) - set(inputs))
        if unknown or missing:
            raise UsageError(
                f"inputs do not match: missing {missing}, unknown {unknown}",
                hint="inputs: " + ", ".join(known),
            )
        device = self._loaded.device
        held: list[Memory] = []
        for name, array in inputs.items():
            given = array_of(array, f"input {name!r}")
            data = np.ascontiguousarray(given, dtype=known[name].dtype.numpy)
            data = data.reshape(given.shape)  # a scalar has become [1]
            self.set_input_shape(name, data.shape)
            memory = device.hold(data)
            held.append(memory)
            self.set_tensor_address(name, memory.address)
        shapes = self.executable().output_shapes()
        outputs: dict[str, Memory] = {}
        for tensor in self._network.outputs:
            size = int(np.prod(shapes[tensor.name], dtype=np.int64))
            outputs[tensor.name] = device.allocate(size * tensor.dtype.numpy.itemsize)
            self.set_tensor_address(tensor.name, outputs[tensor.name].address)
        self.execute_async_v3(0)
        device.synchronize()
        return {
            t.name: device.read(outputs[t.name].address, t.dtype.numpy, shapes[t.name])
            for t in self._network.outputs
        }

    def _bind(self, executable: Executable) -> None:
        for tensor in (*self._network.inputs, *self._network.outputs):
            if tensor.name not in self._addresses:
                raise UsageError(
                    f"{tensor.name!r} has no address yet",
                    hint=f"call set_tensor_address({tensor.name!r}, …) first",
                )
        executable.bind(self._addresses)

    def _names(self, steps: Sequence[Step]) -> list[str]:
        if self._loaded.engine.verbosity == "none":
            return [str(step.index) for step in steps]
        return [step.layer.name for step in steps]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None
