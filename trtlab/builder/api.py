"""TensorRT's Builder."""

from typing import Self

import psutil

from trtlab.builder.build import build
from trtlab.builder.cache import StrictTimingCache
from trtlab.builder.config import IBuilderConfig
from trtlab.builder.options import BuildOptions
from trtlab.builder.profile import IOptimizationProfile
from trtlab.core.build_enums import BuilderFlag
from trtlab.core.errors import CancelledError, TrtlabError, UnsupportedError, UsageError
from trtlab.core.logger import ILogger, Severity
from trtlab.core.sealed import Sealed
from trtlab.engine import plan_file
from trtlab.engine.engine import Engine, check_profile
from trtlab.network.api.arguments import whole
from trtlab.network.definition import INetworkDefinition
from trtlab.runtime.api import ICudaEngine, IHostMemory
from trtlab.runtime.devices import open_runtime
from trtlab.tactics.timing_cache import TimingCache


class IStreamWriter:
    """Base of user-written places that engines are written to."""

    def write(self, data: bytes) -> int:
        """Take bytes; returns how many."""
        raise NotImplementedError(f"{type(self).__name__} must define write(data)")


class Builder(Sealed):
    """Makes networks, configs and engines.

    Args:
        logger: Hears of progress, of hints without effect, and of errors.
        device: ``cpu`` or ``cuda``: what engines are built for.

    Raises:
        UsageError: The logger is none, or there is no such device.
        DeviceError: The device is not there.
    """

    def __init__(self, logger: ILogger, device: str = "cpu") -> None:
        if not callable(getattr(logger, "log", None)):
            raise UsageError(
                f"{logger!r} is no logger", hint="pass trtlab.Logger(trtlab.Logger.WARNING)"
            )
        self._logger = logger
        self._device = device
        self._threads = open_runtime(device)[0].record().cores

    # ---- making ------------------------------------------------------------------------

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        """An empty network; batches are always explicit.

        Args:
            flags: ``1 << int(NetworkDefinitionCreationFlag.…)``.
        """
        return INetworkDefinition(flags, self)

    def create_builder_config(self) -> IBuilderConfig:
        """A config with TensorRT's defaults."""
        return IBuilderConfig(self._logger, self._device)

    def create_optimization_profile(self) -> IOptimizationProfile:
        """An empty optimization profile."""
        return IOptimizationProfile()

    # ---- building ----------------------------------------------------------------------

    def build_serialized_network(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> IHostMemory | None:
        """Build an engine as bytes.

        Returns:
            None when the progress monitor stopped the build.

        Raises:
            TrtlabError: The network cannot be built; says what, where, and what to do.
        """
        engine = self._build(network, config)
        return None if engine is None else IHostMemory(plan_file.serialize(engine))

    def build_serialized_network_to_stream(
        self, network: INetworkDefinition, config: IBuilderConfig, writer: IStreamWriter
    ) -> bool:
        """As `build_serialized_network`, into a writer; False when stopped."""
        memory = self.build_serialized_network(network, config)
        if memory is not None:
            writer.write(bytes(memory))
        return memory is not None

    def build_engine_with_config(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> ICudaEngine | None:
        """As `build_serialized_network`, ready to run."""
        engine = self._build(network, config)
        return None if engine is None else ICudaEngine(engine)

    build_engine = build_engine_with_config

    def is_network_supported(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> bool:
        """Whether a build can begin; the reason against it goes to the logger."""
        try:
            self._check(network, config)
        except TrtlabError as error:
            self._logger.log(Severity.WARNING, str(error))
            return False
        return True

    def _check(self, network: INetworkDefinition, config: IBuilderConfig) -> BuildOptions:
        """Everything that can be said before the work begins, and the options for it.

        Raises:
            UsageError: There is no output, or a profile is missing or wrong.
            InvalidNetworkError: A layer is not complete.
        """
        if not isinstance(network, INetworkDefinition):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"{network!r} is no network", hint="use builder.create_network()")
        if not isinstance(config, IBuilderConfig):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(
                f"{config!r} is no builder config", hint="use builder.create_builder_config()"
            )
        network.check()
        if not network.num_outputs:
            raise UsageError(
                f"network {network.name!r} has no output",
                hint="call network.mark_output(layer.get_output(0))",
            )
        options = config.options(network.graph)
        for profile in options.profiles:
            check_profile(network.graph, profile)
        return options

    def _build(self, network: INetworkDefinition, config: IBuilderConfig) -> Engine | None:
        """Build; None when stopped."""
        try:
            engine = self._run(network, config, self._check(network, config))
        except CancelledError as stopped:
            self._logger.log(Severity.WARNING, str(stopped))
            return None
        except TrtlabError as error:
            self._logger.log(Severity.ERROR, str(error))
            raise
        self._tell(engine, config)
        return engine

    def _run(
        self, network: INetworkDefinition, config: IBuilderConfig, options: BuildOptions
    ) -> Engine:
        device, registry = open_runtime(self._device)
        times = config.cache_of_build().cache
        cache = times
        if config.get_flag(BuilderFlag.DISABLE_TIMING_CACHE):
            cache = TimingCache(device.fingerprint, readable=False)
        elif config.get_flag(BuilderFlag.ERROR_ON_TIMING_CACHE_MISS):
            cache = StrictTimingCache(times)
        return build(
            network.to_build(),
            options,
            device,
            registry,
            network.model_record,
            config.progress_monitor,
            cache,
        )

    def _tell(self, engine: Engine, config: IBuilderConfig) -> None:
        record = engine.build
        built = (
            f"built {engine.name!r} for {engine.device.name} in {record.seconds:.2f} s: "
            f"{len(engine.network)} layers, {record.tactics_tried} tactics considered, "
            f"{record.cache_hits} times from the cache"
        )
        self._logger.log(Severity.INFO, built)
        if config.get_flag(BuilderFlag.MONITOR_MEMORY):
            process = psutil.Process().memory_info().rss
            memory = (
                f"memory: process {process:,} bytes, weights {engine.weights_bytes:,} bytes, "
                f"activations {engine.arena_bytes:,} bytes"
            )
            self._logger.log(Severity.INFO, memory)

    # ---- about the platform ------------------------------------------------------------

    @property
    def logger(self) -> ILogger:
        """As given."""
        return self._logger

    @property
    def device(self) -> str:
        """What engines are built for."""
        return self._device

    @property
    def platform_has_tf32(self) -> bool:
        """Whether the device multiplies TF32 faster than FP32; the CPU does not."""
        return self._device != "cpu"

    @property
    def platform_has_fast_fp16(self) -> bool:
        """Whether FP16 is faster than FP32; the CPU emulates it."""
        return self._device != "cpu"

    @property
    def platform_has_fast_int8(self) -> bool:
        """False: there are no INT8 kernels."""
        return False

    @property
    def num_DLA_cores(self) -> int:  # noqa: N802 - TensorRT's name
        """0: there are no deep learning accelerators."""
        return 0

    @property
    def max_DLA_batch_size(self) -> int:  # noqa: N802 - TensorRT's name
        """0: there are no deep learning accelerators."""
        return 0

    @property
    def max_threads(self) -> int:
        """Threads that kernels use while they are timed; the device's own number."""
        return self._threads

    @max_threads.setter
    def max_threads(self, threads: int) -> None:
        if whole(threads, "max_threads", least=1) != self._threads:
            hint = (
                f"max_threads has no effect here: the device has {self._threads}; set "
                "TRTLAB_THREADS before the start"
            )
            self._logger.log(Severity.INFO, hint)

    @property
    def max_batch_size(self) -> int:
        """1: batches are a dimension of the inputs."""
        return 1

    @max_batch_size.setter
    def max_batch_size(self, size: int) -> None:
        if whole(size, "max_batch_size", least=1) != 1:
            hint = "max_batch_size has no effect here: optimization profiles bound the batch"
            self._logger.log(Severity.INFO, hint)

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

    def reset(self) -> None:
        """Nothing to do: a builder keeps nothing between builds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None
