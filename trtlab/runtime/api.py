"""TensorRT's Runtime, ICudaEngine and IHostMemory."""

from collections.abc import Mapping
from threading import Lock
from typing import Self

from trtlab.core.build_enums import (
    EngineCapability,
    HardwareCompatibilityLevel,
    TacticSource,
)
from trtlab.core.enums import ProfilingVerbosity
from trtlab.core.errors import UsageError
from trtlab.core.logger import ILogger, Severity
from trtlab.core.sealed import Only, Sealed
from trtlab.core.types import DataType, StaticShape
from trtlab.devices.open import open_device
from trtlab.devices.protocol import Device
from trtlab.engine import inspector, plan_file
from trtlab.engine.engine import Engine
from trtlab.engine.layer_records import layer_records
from trtlab.network.api.arguments import shown, whole
from trtlab.planner.bound import arena_bound
from trtlab.planner.plan import Plan, plan
from trtlab.runtime.allocators import (
    ExecutionContextAllocationStrategy,
    IRuntimeConfig,
    strategy_of,
)
from trtlab.runtime.context import IExecutionContext
from trtlab.runtime.devices import open_runtime
from trtlab.runtime.engine_tensors import EngineTensors
from trtlab.runtime.inspector import EngineInspector
from trtlab.runtime.loaded import LoadedEngine
from trtlab.runtime.missing import ENGINE, NO_ALLOCATOR, NO_DLA, NO_RECORDER, RUNTIME


class IHostMemory(bytes):
    """Bytes that a build made: anything that takes a buffer takes it."""

    __slots__ = ()

    @property
    def dtype(self) -> DataType:
        """Bytes count as INT8."""
        return DataType.INT8

    @property
    def nbytes(self) -> int:
        """Size."""
        return len(self)

    def __repr__(self) -> str:
        return f"IHostMemory({len(self):,} bytes)"

    __str__ = __repr__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class ICudaEngine(EngineTensors):
    """An engine, ready to make execution contexts.

    ``engine.create_execution_context().infer({"x": x})`` runs it on NumPy arrays.

    Args:
        engine: What a build left behind.
        device: Where it runs; the one it was built for by default.

    Attributes:
        error_recorder: None: errors are raised.
    """

    _inner = ("engine",)
    _missing = ENGINE
    error_recorder = Only[object](None, NO_RECORDER)

    def __init__(self, engine: Engine, device: Device | None = None) -> None:
        found, registry = open_runtime(engine.device.kind if device is None else device.kind)
        self._loaded = LoadedEngine(engine, device or found, registry)
        self._profile_bytes: dict[int, int] = {}
        self._lock = Lock()

    @property
    def engine(self) -> Engine:
        """The plain engine underneath."""
        return self._loaded.engine

    @property
    def name(self) -> str:
        """The network's name."""
        return self.engine.name

    @property
    def num_layers(self) -> int:
        """Layers of the optimized network."""
        return len(self.engine.network)

    # ---- properties --------------------------------------------------------------------

    @property
    def num_aux_streams(self) -> int:
        """Streams beside the main one that the engine may use."""
        return self.engine.streams - 1

    @property
    def profiling_verbosity(self) -> ProfilingVerbosity:
        """How much the inspector can tell."""
        return ProfilingVerbosity(self.engine.verbosity)

    @property
    def device_memory_size_v2(self) -> int:
        """Activation bytes of a context for the shapes of all profiles.

        Every tensor counts with the most that a profile allows. Placed anew, the tensors of
        some shapes may still need more: `update_device_memory_size_for_shapes` is exact.
        """
        return self.engine.arena_bytes

    @property
    def device_memory_size(self) -> int:
        """As `device_memory_size_v2`."""
        return self.engine.arena_bytes

    def get_device_memory_size_for_profile_v2(self, profile_index: int) -> int:
        """As `device_memory_size_v2`, for the shapes of one profile.

        Raises:
            UsageError: There is no such profile.
        """
        index = whole(profile_index, "profile_index")
        if not 0 <= index < self.num_optimization_profiles:
            raise UsageError(f"there is no optimization profile {index}")
        if self.num_optimization_profiles == 1:
            return self.engine.arena_bytes
        with self._lock:
            if index not in self._profile_bytes:
                self._profile_bytes[index] = self._planned_bytes(index)
            return self._profile_bytes[index]

    def get_device_memory_size_for_profile(self, profile_index: int) -> int:
        """As `get_device_memory_size_for_profile_v2`."""
        return self.get_device_memory_size_for_profile_v2(profile_index)

    def _planned_bytes(self, profile_index: int) -> int:
        engine = self.engine
        return arena_bound(
            engine.network,
            engine.choices,
            engine.profiles[profile_index].inputs,
            self._loaded.registry,
            streams=engine.streams,
        )

    def _plan(self, shapes: Mapping[str, StaticShape]) -> Plan:
        engine = self.engine
        return plan(
            engine.network,
            engine.choices,
            shapes,
            self._loaded.registry,
            streams=engine.streams,
        )

    @property
    def refittable(self) -> bool:
        """Engines here cannot be refitted yet."""
        return False

    @property
    def streamable_weights_size(self) -> int:
        """0: weights always lie in device memory."""
        return 0

    @property
    def engine_capability(self) -> EngineCapability:
        """STANDARD: there is no restricted runtime."""
        return EngineCapability.STANDARD

    @property
    def hardware_compatibility_level(self) -> HardwareCompatibilityLevel:
        """NONE: engines run on machines like the one that built them."""
        return HardwareCompatibilityLevel.NONE

    @property
    def tactic_sources(self) -> int:
        """Bit mask of the sources that the build was allowed to use."""
        allowed = self.engine.config.tactic_sources or self._loaded.registry.sources()
        return sum(1 << source for source in TacticSource if source.name in allowed)

    # ---- use ---------------------------------------------------------------------------

    def create_execution_context(
        self,
        strategy: ExecutionContextAllocationStrategy
        | IRuntimeConfig = ExecutionContextAllocationStrategy.STATIC,
    ) -> IExecutionContext:
        """A context; several may run the engine side by side, sharing its weights.

        Args:
            strategy: Where activation memory comes from, or a configuration that says it.

        Raises:
            UsageError: It is no strategy.
            DeviceError: Not enough memory.
        """
        if isinstance(strategy, IRuntimeConfig):
            strategy = strategy.get_execution_context_allocation_strategy()
        with self._lock:  # contexts are made on several threads, weights are uploaded once
            assert self._loaded.weights is not None
        return IExecutionContext(
            self,
            self._loaded,
            strategy_of(strategy),
            self.get_device_memory_size_for_profile_v2,
        )

    def create_execution_context_without_device_memory(self) -> IExecutionContext:
        """A context that runs once `set_device_memory` has given it memory."""
        return self.create_execution_context(ExecutionContextAllocationStrategy.USER_MANAGED)

    def create_runtime_config(self) -> IRuntimeConfig:
        """A configuration for `create_execution_context`."""
        return IRuntimeConfig()

    def create_engine_inspector(self) -> EngineInspector:
        """An inspector of this engine."""
        return EngineInspector(self.engine, self._plan)

    def serialize(self) -> IHostMemory:
        """The engine as bytes."""
        return IHostMemory(plan_file.serialize(self.engine))

    def _repr_html_(self) -> str:
        layout = self._plan(self.engine.profiles[0].opt())
        return inspector.html_summary(self.engine, layer_records(self.engine, layout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class Runtime(Sealed):
    """Reads engines back.

    Args:
        logger: Hears warnings, and of settings without effect.
        device: ``cpu`` or ``cuda``; by default what each engine was built for.

    Attributes:
        error_recorder: None: errors are raised.
        gpu_allocator: None: devices allocate their memory themselves.
        DLA_core: −1: there are none.
    """

    _missing = RUNTIME
    error_recorder = Only[object](None, NO_RECORDER)
    gpu_allocator = Only[object](None, NO_ALLOCATOR)
    DLA_core = Only(-1, NO_DLA)

    def __init__(self, logger: ILogger, device: str | None = None) -> None:
        if not callable(getattr(logger, "log", None)):
            raise UsageError(
                f"{shown(logger)} is no logger",
                hint="pass trtlab.Logger(trtlab.Logger.WARNING)",
            )
        self._logger = logger
        self._device = device
        self._host_code = False

    @property
    def logger(self) -> ILogger:
        """As given."""
        return self._logger

    @property
    def num_DLA_cores(self) -> int:  # noqa: N802 - TensorRT's name
        """0: there are no deep learning accelerators."""
        return 0

    @property
    def max_threads(self) -> int:
        """Threads of the host that engines use; the machine's own number."""
        return open_device("cpu").record().cores

    @max_threads.setter
    def max_threads(self, threads: int) -> None:
        there = self.max_threads
        if whole(threads, "max_threads", least=1) != there:
            reason = f"the device has {there}; set TRTLAB_THREADS before the start"
            self._hint("max_threads", reason)

    @property
    def engine_host_code_allowed(self) -> bool:
        """Whether engines may run code of theirs on the host; they hold none."""
        return self._host_code

    @engine_host_code_allowed.setter
    def engine_host_code_allowed(self, allowed: bool) -> None:
        self._host_code = bool(allowed)
        if self._host_code:
            self._hint("engine_host_code_allowed", "engine files hold no code for the host")

    def _hint(self, subject: str, reason: str) -> None:
        message = f"{subject} has no effect here: {reason}"
        self._logger.log(Severity.INFO, message)

    def deserialize_cuda_engine(
        self, serialized_engine: bytes | bytearray | memoryview | IHostMemory
    ) -> ICudaEngine:
        """An engine from bytes.

        Raises:
            UsageError: It is no buffer.
            EngineFormatError: They are damaged, foreign, or for another device.
        """
        try:
            view = memoryview(serialized_engine)
        except TypeError:
            raise UsageError(
                f"an engine is bytes, not {shown(serialized_engine)}",
                hint="read it with open(path, 'rb').read()",
            ) from None
        engine = plan_file.deserialize(view)
        device = None if self._device is None else open_runtime(self._device)[0]
        return ICudaEngine(engine, device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None
