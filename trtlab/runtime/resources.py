"""What an execution context borrows: memory, streams, events, allocators, cache."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from trtlab.core.enums import TensorIOMode
from trtlab.core.errors import UsageError
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.l2_window import most_persisting_bytes
from trtlab.network.api.arguments import extents, shown, whole
from trtlab.runtime.allocators import (
    Activations,
    ExecutionContextAllocationStrategy,
    IOutputAllocator,
    IRuntimeConfig,
)
from trtlab.runtime.executable import RunSettings
from trtlab.runtime.loaded import LoadedEngine
from trtlab.runtime.shapes import ContextShapes


class ContextResources(ContextShapes):
    """A context's resources.

    Args:
        loaded: The engine on its device.
        strategy: Where activation memory comes from.
        profile_bytes: Activation bytes for the shapes of a profile.
    """

    def __init__(
        self,
        loaded: LoadedEngine,
        strategy: ExecutionContextAllocationStrategy,
        profile_bytes: Callable[[int], int],
    ) -> None:
        super().__init__(loaded)
        self._activations = Activations(
            loaded.device, strategy, loaded.engine.arena_bytes, profile_bytes
        )
        self._allocators: dict[str, IOutputAllocator] = {}
        self._settings = RunSettings()

    def _set(self, settings: RunSettings) -> None:
        if settings != self._settings:
            self._settings = settings
            self._changed()

    # ---- activation memory -------------------------------------------------------------

    def get_runtime_config(self) -> IRuntimeConfig:
        """How the context was made."""
        config = IRuntimeConfig()
        config.set_execution_context_allocation_strategy(self._activations.strategy)
        return config

    @property
    def device_memory(self) -> int:
        """Address of the activation memory; 0 while there is none."""
        memory = self._activations.memory
        return 0 if memory is None else memory.address

    @device_memory.setter
    def device_memory(self, memory: int) -> None:
        self.set_device_memory(memory, self._loaded.engine.arena_bytes)

    def set_device_memory(self, memory: int, size: int) -> None:
        """Give a USER_MANAGED context its activation memory.

        The caller keeps it alive, and lets no other context use it at the same time.

        Args:
            memory: Address, a multiple of 64.
            size: Bytes.

        Raises:
            UsageError: The context has its own memory, the address is not aligned, or the
                shapes that are set need more.
        """
        address = whole(memory, "the address of the device memory", least=1)
        nbytes = whole(size, "the size of the device memory", least=0)
        if self.all_binding_shapes_specified:
            needed = self.update_device_memory_size_for_shapes()
            if nbytes < needed:
                raise UsageError(
                    f"{nbytes:,} bytes of device memory are too few: these shapes need "
                    f"{needed:,}",
                    hint=f"give at least {needed:,} bytes, as "
                    "update_device_memory_size_for_shapes() says",
                )
        self._activations.lend(address, nbytes)
        self._changed()

    def update_device_memory_size_for_shapes(self) -> int:
        """Bytes of activation memory that the shapes at hand need; −1 while one is missing."""
        if not self.all_binding_shapes_specified:
            return -1
        return self.executable().plan.arena_bytes

    # ---- outputs -----------------------------------------------------------------------

    def set_output_allocator(
        self, name: str, output_allocator: IOutputAllocator | None
    ) -> bool:
        """Ask an allocator for an output's memory with every run; None takes it away.

        Raises:
            UsageError: It is no output, or no allocator.
        """
        if self._mode(name) is not TensorIOMode.OUTPUT:
            raise UsageError(f"{name!r} is an input; allocators are for outputs")
        if output_allocator is None:
            self._allocators.pop(name, None)
        elif isinstance(output_allocator, IOutputAllocator):  # pyright: ignore[reportUnnecessaryIsInstance]
            self._allocators[name] = output_allocator
        else:
            raise UsageError(
                f"{shown(output_allocator)} is no output allocator",
                hint="derive a class from trt.IOutputAllocator",
            )
        self._changed()
        return True

    def get_output_allocator(self, name: str) -> IOutputAllocator | None:
        """The allocator as set."""
        self._tensor(name)
        return self._allocators.get(name)

    def _mode(self, name: str) -> TensorIOMode:
        inside = self._tensor(name) in self._network.inputs
        return TensorIOMode.INPUT if inside else TensorIOMode.OUTPUT

    # ---- streams, events, caches -------------------------------------------------------

    @property
    def use_cuda_graphs(self) -> bool:
        """Whether runs replay a CUDA graph where that is possible (they do by default)."""
        return self._settings.graphs

    @use_cuda_graphs.setter
    def use_cuda_graphs(self, use: bool) -> None:
        self._set(replace(self._settings, graphs=bool(use)))

    def set_aux_streams(self, aux_streams: Sequence[int]) -> bool:
        """Lend streams for independent layers.

        Runs that replay a CUDA graph need none: their branches are part of the graph. Of more
        than `num_aux_streams` the rest is ignored; missing ones are made here.

        Args:
            aux_streams: Handles; not the default stream.

        Raises:
            UsageError: A handle is not a positive integer.
        """
        handles = extents(aux_streams, "aux_streams", least=1)
        self._set(replace(self._settings, auxiliary=handles))
        return True

    def set_input_consumed_event(self, event: int) -> bool:
        """An event to record when the inputs have been read and may be overwritten.

        It is recorded behind the last layer that reads an input, inside of the CUDA graph
        where there is one. On the CPU inputs have been read when the run returns, and no event
        is recorded.

        Args:
            event: Handle of a CUDA event that outlives the runs; 0 for none.
        """
        handle = whole(event, "the event", least=0)
        self._set(replace(self._settings, consumed_event=handle))
        return True

    def get_input_consumed_event(self) -> int:
        """The event as set; 0 for none."""
        return self._settings.consumed_event

    @property
    def persistent_cache_limit(self) -> int:
        """Bytes of the GPU's L2 cache that may be set aside for this context's activations.

        Layers then carry an access-policy window over the activation memory. 0 by default;
        on the CPU nothing can be set aside.
        """
        return self._settings.persistent_bytes

    @persistent_cache_limit.setter
    def persistent_cache_limit(self, size: int) -> None:
        wanted = whole(size, "persistent_cache_limit", least=0)
        device = self._loaded.device
        most = most_persisting_bytes(device.index) if isinstance(device, CudaDevice) else 0
        if wanted > most:
            raise UsageError(
                f"persistent_cache_limit is {wanted:,} bytes; this device can set aside {most:,}"
            )
        self._set(replace(self._settings, persistent_bytes=wanted))
