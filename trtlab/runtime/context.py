"""TensorRT's execution context: launches, profiles, and runs on arrays."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from trtlab.core.dims import Dims
from trtlab.core.enums import ProfilingVerbosity
from trtlab.core.errors import UsageError
from trtlab.core.sealed import Only
from trtlab.core.weights import array_of
from trtlab.devices.cuda.libraries import cupy, told
from trtlab.devices.cuda.program import CudaProgram
from trtlab.network.api.arguments import whole
from trtlab.planner.plan import Step
from trtlab.runtime.allocators import ExecutionContextAllocationStrategy, reallocated
from trtlab.runtime.executable import Executable
from trtlab.runtime.loaded import LoadedEngine
from trtlab.runtime.missing import CONTEXT, NO_ALLOCATOR, NO_NVTX, NO_RECORDER
from trtlab.runtime.resources import ContextResources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trtlab.devices.protocol import Memory
    from trtlab.runtime.api import ICudaEngine
    from trtlab.runtime.profiler import IProfiler

_write = object.__setattr__


class IExecutionContext(ContextResources):
    """Runs an engine: one inference at a time, on addresses that the caller gives.

    Pointers are integers. On the CPU device they are host addresses, stream 0 is synchronous,
    and other stream handles are accepted and run in order. Several contexts of an engine may
    run side by side, each on a thread or stream of its own.

    Args:
        engine: The engine that makes the context.
        loaded: The engine on its device.
        strategy: Where activation memory comes from.
        profile_bytes: Activation bytes for the shapes of a profile.

    Attributes:
        name: For the caller's use.
        profiler: Hears every layer's time.
        enqueue_emits_profile: Whether it hears them with every run, which then waits.
        debug_sync: Run layer by layer and wait for each, so that faults name their layer.
        nvtx_verbosity: NONE: runs write no NVTX ranges.
        error_recorder: None: errors are raised.
        temporary_allocator: None: devices allocate their memory themselves.
    """

    _inner = ("executable", "binding_names", "set_addresses")
    _missing = CONTEXT
    _own = ("name", "profiler", "enqueue_emits_profile", "debug_sync")
    nvtx_verbosity = Only(ProfilingVerbosity.NONE, NO_NVTX)
    error_recorder = Only[object](None, NO_RECORDER)
    temporary_allocator = Only[object](None, NO_ALLOCATOR)

    def __init__(
        self,
        engine: "ICudaEngine",
        loaded: LoadedEngine,
        strategy: ExecutionContextAllocationStrategy,
        profile_bytes: Callable[[int], int],
    ) -> None:
        super().__init__(loaded, strategy, profile_bytes)
        self._engine = engine
        self._ready: Executable | None = None
        self._stamped: tuple[Sequence[Step], CudaProgram | NDArray[np.int64]] | None = None
        self.name = ""
        self.profiler: IProfiler | None = None
        self.enqueue_emits_profile = True
        self.debug_sync = False

    @property
    def engine(self) -> "ICudaEngine":
        """The engine that made the context."""
        return self._engine

    def _changed(self) -> None:
        if self._ready is not None:
            _write(self, "_ready", None)  # may be with every run: without a look at the name

    # ---- running -----------------------------------------------------------------------

    def execute_async_v3(self, stream_handle: int = 0) -> bool:
        """Enqueue one inference on the addresses that were set.

        The first run at new shapes or addresses compiles and captures a CUDA graph; do one
        before capturing the stream yourself.

        Args:
            stream_handle: A ``cudaStream_t`` as an integer; 0 is the legacy default stream. It
                must be alive: CUDA may end the process for the handle of a destroyed one.

        Raises:
            UsageError: A shape or an address is missing.
            DeviceError: The device refused, or the stream is gone.
        """
        executable = self._ready
        if executable is None:
            executable = self._prepare(whole(stream_handle, "stream_handle", least=0))
        if self.profiler is None and not self.debug_sync:
            executable.run(stream_handle)
            return True
        self._run_watched(executable, stream_handle)
        return True

    def _run_watched(self, executable: Executable, stream: int) -> None:
        if self.profiler is None:
            executable.run_checked(stream, self._names(executable.plan.steps))
            return
        program = executable.program
        steps = executable.plan.steps
        if isinstance(program, CudaProgram):
            program.enqueue_stamped(stream)
            self._stamped = (steps, program)
        else:
            self._stamped = (steps, executable.run_stamped())
        if self.enqueue_emits_profile:
            self.report_to_profiler()

    def _prepare(self, stream: int) -> Executable:
        """Memory and addresses for the shapes at hand."""
        executable = self.executable()
        needed = executable.plan.arena_bytes
        executable.use_arena(
            self._activations.for_shapes(needed, self._profile, self._release_arena)
        )
        for name, allocator in self._allocators.items():
            size = self._output_bytes(executable, self._tensors[name])
            self._addresses[name] = reallocated(
                allocator, name, self._addresses.get(name, 0), size, stream
            )
            allocator.notify_shape(name, Dims(executable.output_shapes()[name]))
        for name in self._tensors:
            if name not in self._addresses:
                raise UsageError(
                    f"{name!r} has no address yet",
                    hint=f"call set_tensor_address({name!r}, …) first",
                )
        executable.bind(self._addresses)
        executable.set_up(self._settings)
        if not self._allocators:  # which are asked every time
            self._ready = executable
        return executable

    def _release_arena(self) -> None:
        """No program refers to the activation memory any more, nor does a run use it."""
        for executable in self._executables.values():
            executable.forget()
            executable.use_arena(None)

    def execute_v2(self, bindings: Sequence[int]) -> bool:
        """Run synchronously on addresses in the order of the engine's tensors."""
        self.set_addresses(bindings)
        self.execute_async_v3(0)
        self._wait_for_default_stream()
        return True

    def _wait_for_default_stream(self) -> None:
        if self._loaded.device.kind == "cuda":
            with told("waiting for the GPU"):
                cupy().cuda.Stream.null.synchronize()

    def report_to_profiler(self) -> bool:
        """Hand the last run's layer times to the profiler; waits for the run.

        A graph that the caller captured with a profiler attached reports its latest replay.

        Returns:
            Whether there was a run with a profiler.
        """
        if self.profiler is None or self._stamped is None:
            return False
        steps, source = self._stamped
        stamps = source.stamps() if isinstance(source, CudaProgram) else source
        for (start, end), name in zip(stamps.tolist(), self._names(steps), strict=True):
            self.profiler.report_layer_time(name, (end - start) / 1e6)
        return True

    # ---- arrays ------------------------------------------------------------------------

    def infer(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run on arrays: copies them in, runs, and returns the outputs as new arrays.

        Addresses are afterwards as they were before.

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
        before = dict(self._addresses)
        try:
            return self._on_arrays(inputs)
        finally:  # the copies' memory goes back: nothing may run on it any more
            kept = {n: a for n, a in self._addresses.items() if n in self._allocators}
            self._addresses = before | kept
            self._changed()

    def _on_arrays(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        known = {t.name: t for t in self._network.inputs}
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
        executable = self.executable()
        outputs: dict[str, Memory] = {}
        for tensor in self._network.outputs:
            if tensor.name not in self._allocators:
                memory = device.allocate(self._output_bytes(executable, tensor))
                outputs[tensor.name] = memory
                self.set_tensor_address(tensor.name, memory.address)
        self.execute_async_v3(0)
        self._wait_for_default_stream()
        shapes = executable.output_shapes()
        return {
            t.name: device.read(self._addresses[t.name], t.dtype.numpy, shapes[t.name])
            for t in self._network.outputs
        }

    def _names(self, steps: Sequence[Step]) -> list[str]:
        if self._loaded.engine.verbosity == "none":
            return [str(step.index) for step in steps]
        return [step.layer.name for step in steps]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None
