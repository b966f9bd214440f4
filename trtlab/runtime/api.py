"""TensorRT's Runtime, ICudaEngine, IHostMemory and EngineInspector."""

from collections.abc import Iterator
from enum import IntEnum
from threading import Lock
from typing import Self, overload

from trtlab.core.dims import Dims
from trtlab.core.enums import ProfilingVerbosity, TensorIOMode, TensorLocation
from trtlab.core.errors import UsageError
from trtlab.core.logger import ILogger
from trtlab.core.types import DataType, StaticShape, TensorFormat
from trtlab.devices.protocol import Device
from trtlab.engine import inspector, plan_file
from trtlab.engine.engine import Engine
from trtlab.network.api.arguments import shown, whole
from trtlab.network.graph import Tensor
from trtlab.planner.plan import plan
from trtlab.runtime.allocators import (
    ExecutionContextAllocationStrategy,
    IRuntimeConfig,
    strategy_of,
)
from trtlab.runtime.bindings import EngineBindings
from trtlab.runtime.context import IExecutionContext
from trtlab.runtime.devices import open_runtime
from trtlab.runtime.loaded import LoadedEngine


class LayerInformationFormat(IntEnum):
    """Shape of the inspector's answers."""

    ONELINE = 0
    JSON = 1


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


class ICudaEngine(EngineBindings):
    """An engine, ready to make execution contexts.

    Args:
        engine: What a build left behind.
        device: Where it runs; the one it was built for by default.
    """

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

    # ---- inputs and outputs ------------------------------------------------------------

    @property
    def name(self) -> str:
        """The network's name."""
        return self.engine.name

    @property
    def num_layers(self) -> int:
        """Layers of the optimized network."""
        return len(self.engine.network)

    @property
    def num_io_tensors(self) -> int:
        """Inputs and outputs."""
        return len(self._tensors)

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
        return f"Row-major linear {self._tensor(name).dtype.value} format"

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
        """Min, opt and max shape of an input in an optimization profile."""
        if not 0 <= whole(profile_index, "profile_index") < self.num_optimization_profiles:
            raise UsageError(f"there is no optimization profile {profile_index}")
        if self.get_tensor_mode(name) is not TensorIOMode.INPUT:
            raise UsageError(f"{name!r} is an output; profiles are about inputs")
        return [Dims(shape) for shape in self.engine.profiles[profile_index].inputs[name]]

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

    # ---- properties --------------------------------------------------------------------

    @property
    def num_optimization_profiles(self) -> int:
        """Optimization profiles."""
        return len(self.engine.profiles)

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
        """Activation bytes of a context at the largest shapes of all profiles."""
        return self.engine.arena_bytes

    @property
    def device_memory_size(self) -> int:
        """As `device_memory_size_v2`."""
        return self.engine.arena_bytes

    def get_device_memory_size_for_profile_v2(self, profile_index: int) -> int:
        """Activation bytes of a context at the smallest and largest shapes of a profile.

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
        engine, ranges = self.engine, self.engine.profiles[profile_index].inputs
        return max(
            plan(
                engine.network,
                engine.choices,
                {name: shapes[which] for name, shapes in ranges.items()},
                self._loaded.registry,
                streams=engine.streams,
            ).arena_bytes
            for which in (0, 2)
        )

    @property
    def refittable(self) -> bool:
        """Engines here cannot be refitted yet."""
        return False

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

    def create_engine_inspector(self) -> "EngineInspector":
        """An inspector of this engine."""
        return EngineInspector(self)

    def serialize(self) -> IHostMemory:
        """The engine as bytes."""
        return IHostMemory(plan_file.serialize(self.engine))

    def _repr_html_(self) -> str:
        return inspector.html_summary(self.engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class EngineInspector:
    """What an engine is made of, as text or JSON in TensorRT's shape."""

    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine
        self.execution_context: IExecutionContext | None = None

    def get_layer_information(
        self,
        layer_index: int,
        format: LayerInformationFormat,  # noqa: A002 - TensorRT's name
    ) -> str:
        """One layer."""
        engine = self._engine.engine
        if not 0 <= whole(layer_index, "layer_index") < len(engine.network):
            raise UsageError(
                f"there is no layer {layer_index}", hint=f"0 to {len(engine.network) - 1}"
            )
        return inspector.layer_text(
            engine, layer_index, as_json=format is LayerInformationFormat.JSON,
            shapes=self._shapes(),
        )  # fmt: skip

    def get_engine_information(
        self,
        format: LayerInformationFormat,  # noqa: A002 - TensorRT's name
    ) -> str:
        """All layers."""
        return inspector.engine_text(
            self._engine.engine, as_json=format is LayerInformationFormat.JSON,
            shapes=self._shapes(),
        )  # fmt: skip

    def _shapes(self) -> dict[str, StaticShape]:
        """The context's shapes if there is one with all set, else the first profile's opt."""
        context = self.execution_context
        if context is not None and context.all_binding_shapes_specified:
            return dict(context.executable().shapes)
        return self._engine.engine.profiles[0].opt()


class Runtime:
    """Reads engines back.

    Args:
        logger: Hears warnings.
        device: ``cpu`` or ``cuda``; by default what each engine was built for.
    """

    def __init__(self, logger: ILogger, device: str | None = None) -> None:
        self.logger = logger
        self._device = device

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
