"""The CUDA device behind the device protocol."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trtlab.core.errors import DeviceError, UsageError
from trtlab.core.settings import available_cores, settings
from trtlab.core.types import StaticShape
from trtlab.devices.cuda.ahead import look_ahead
from trtlab.devices.cuda.code import KERNEL, CompiledCode, Planned, code_store
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.cuda.libraries import cuda_errors, cupy, device_count, told
from trtlab.devices.cuda.memory import TO_DEVICE, TO_HOST, CudaMemory, copy_async
from trtlab.devices.cuda.nvrtc import compile_cubin, compiler_version, cubin_key
from trtlab.devices.cuda.program import CudaProgram
from trtlab.devices.cuda.versions import driver_version, library_versions
from trtlab.devices.protocol import Scheduled
from trtlab.layers.base import Array
from trtlab.report.records import DeviceRecord

_LEAST_CAPABILITY = 80
_MOST_STATIC_SHARED = 48 * 1024
_TICK_S = 0.2
_MAX_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES


class CudaDevice:
    """One NVIDIA GPU.

    Args:
        index: Of the device, as the driver counts.

    Raises:
        DeviceError: There is none, the driver or CuPy is missing, or it is too old.
    """

    kind: Literal["cuda"] = "cuda"

    def __init__(self, index: int = 0) -> None:
        count = device_count()
        if not 0 <= index < count:
            raise UsageError(
                f"there is no CUDA device {index}", hint=f"this machine has {count}"
            )
        self.index = index
        module = cupy()
        self._properties: dict[str, Any] = module.cuda.runtime.getDeviceProperties(index)
        capability = 10 * int(self._properties["major"]) + int(self._properties["minor"])
        if capability < _LEAST_CAPABILITY:
            raise DeviceError(
                f"{self.name} has compute capability {capability / 10}",
                hint="trtlab's kernels need 8.0 (Ampere) or later",
            )
        self.arch = f"sm_{capability}"
        with module.cuda.Device(index):
            self.stream: Any = module.cuda.Stream(non_blocking=True)
        self._functions: dict[str, Any] = {}
        self._modules: list[Any] = []
        self._ahead: dict[str, Future[bytes]] = {}

    @property
    def name(self) -> str:
        """Marketing name."""
        return bytes(self._properties["name"]).decode()

    @property
    def bus_id(self) -> str:
        """Its place on the PCI bus, by which NVML finds it as well."""
        return str(cupy().cuda.Device(self.index).pci_bus_id)

    @property
    def compatibility(self) -> str:
        """Packed weights are the same on every device of an architecture."""
        return f"cuda/{self.arch}"

    @property
    def fingerprint(self) -> str:
        """Model, driver, compiler, sources of kernels and device; whether kernels overlap."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        driver = cupy().cuda.runtime.driverGetVersion()
        overlap = "" if settings().overlap else "/apart"
        return f"{self.name}/{self.arch}/{driver}/{compiler_version()}/{_sources()}{overlap}"

    def record(self) -> DeviceRecord:
        """Name, multiprocessors, memory and versions."""
        module = cupy()
        return DeviceRecord(
            kind="cuda",
            name=self.name,
            cores=int(self._properties["multiProcessorCount"]),
            memory_bytes=int(self._properties["totalGlobalMem"]),
            isa=self.arch,
            driver=driver_version(),
            driver_cuda=_version(int(module.cuda.runtime.driverGetVersion())),
            library_versions={
                "cupy": str(module.__version__),
                "cuda": _version(int(module.cuda.runtime.runtimeGetVersion())),
                "nvrtc": compiler_version(),
                **library_versions(),
            },
        )

    # ---- memory ------------------------------------------------------------------------

    def allocate(self, nbytes: int) -> CudaMemory:
        """Uninitialised device memory."""
        return CudaMemory(nbytes, self.index)

    def hold(self, array: Array) -> CudaMemory:
        """A copy of the array on the device."""
        memory = self.allocate(array.nbytes)
        self.write(memory.address, array)
        return memory

    def write(self, address: int, array: Array) -> None:
        """Copy an array to the device; done on return."""
        data = np.ascontiguousarray(array)
        copy_async(address, data.ctypes.data, data.nbytes, TO_DEVICE, self.stream.ptr)
        self.synchronize()

    def read(self, address: int, dtype: np.dtype, shape: StaticShape) -> Array:
        """Copy from the device into a new array."""
        result = np.empty(shape, dtype)
        copy_async(result.ctypes.data, address, result.nbytes, TO_HOST, self.stream.ptr)
        self.synchronize()
        return result

    # ---- programs ----------------------------------------------------------------------

    def program(self, steps: Sequence[Scheduled], streams: int) -> CudaProgram:
        """Steps as a program; compiles their kernels."""
        del streams  # the steps say it themselves
        look_ahead(steps)
        with cupy().cuda.Device(self.index):
            return CudaProgram(steps, self.stream, self)

    def function(self, kernel: Kernel) -> Any:  # noqa: ANN401 - a CuPy function
        """The compiled and loaded function of a kernel; the same one for the same text."""
        found = self._functions.get(kernel.digest)
        if found is None:
            with cupy().cuda.Device(self.index):
                found = self._made(kernel)
            self._functions[kernel.digest] = found
        return found

    def _made(self, kernel: Kernel) -> Any:  # noqa: ANN401 - a CuPy function
        found = self._stored(kernel)
        if found is None:
            found = self._loaded(kernel, compile_cubin(kernel.text, self.arch))
        if kernel.shared_bytes > _MOST_STATIC_SHARED:
            cupy().cuda.driver.funcSetAttribute(
                found.ptr, _MAX_DYNAMIC_SHARED, kernel.shared_bytes
            )
        return found

    def _stored(self, kernel: Kernel) -> Any:  # noqa: ANN401 - a CuPy function
        """The function from code that came with an engine; None where there is none of use."""
        stored = code_store().find(KERNEL, cubin_key(kernel.text, self.arch))
        if stored is None:
            return None
        try:
            return self._loaded(kernel, bytes(stored.data))
        except cuda_errors():
            return None  # of a newer compiler than the driver knows

    def _loaded(self, kernel: Kernel, code: bytes) -> Any:  # noqa: ANN401 - a CuPy function
        module = cupy().cuda.function.Module()
        module.load(code)
        found = module.get_function(kernel.name)
        self._modules.append(module)
        return found

    def code_of(self, launches: Sequence[object]) -> list[CompiledCode]:
        """What the launches need of compiled code, to be kept in an engine file."""
        result: list[CompiledCode] = []
        for launch in launches:
            if isinstance(launch, KernelLaunch):
                text, origin = launch.kernel.text, f"nvrtc {compiler_version()}"
                code = compile_cubin(text, self.arch)
                key = cubin_key(text, self.arch)
                result.append(CompiledCode(KERNEL, key, origin, code))
            elif isinstance(launch, Planned):
                with cupy().cuda.Device(self.index):
                    launch.prepare(self)
                    plan = launch.compiled()
                result += [] if plan is None else [plan]
        return result

    def scratch(self, nbytes: int) -> CudaMemory:
        """Device memory for a launch's own use."""
        return self.allocate(nbytes)

    def compile_ahead(self, launches: Sequence[object]) -> None:
        """Begin to compile kernels on other threads, so that loading them is quick later."""
        for launch in launches:
            if (
                isinstance(launch, KernelLaunch)
                and launch.kernel.digest not in self._functions
            ):
                text = launch.kernel.text
                if text not in self._ahead:
                    self._ahead[text] = self._compilers.submit(compile_cubin, text, self.arch)

    def finish_compiling(self, goes_on: Callable[[], object] = lambda: None) -> None:
        """Wait for what `compile_ahead` began; its errors come up where kernels are used.

        Args:
            goes_on: Called now and then; what it raises ends the wait and what has not begun.
        """
        begun = dict(self._ahead)
        try:
            while wait(begun.values(), _TICK_S).not_done:
                goes_on()
        finally:
            self._forget(begun)

    def drop_compiling(self) -> None:
        """What has not begun to compile is not needed any more."""
        self._forget(dict(self._ahead))

    def _forget(self, texts: Mapping[str, Future[bytes]]) -> None:
        """Builds on other threads may have added theirs meanwhile: those stay."""
        for text, compiling in texts.items():
            compiling.cancel()
            self._ahead.pop(text, None)

    @cached_property
    def _compilers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(available_cores(), "compile")

    def synchronize(self) -> None:
        """Wait for everything that was enqueued.

        Raises:
            DeviceLostError: A kernel faulted; the process cannot use the GPU any more.
        """
        with told("waiting for the GPU"):
            self.stream.synchronize()


def _version(number: int) -> str:
    """``13.0`` from CUDA's 13000."""
    return f"{number // 1000}.{number % 1000 // 10}"


@cache
def _sources() -> str:
    """Digest of everything that decides what kernels do."""
    package = Path(__file__).parents[2]
    files = sorted(
        [
            *(package / "kernels" / "cuda").glob("*.py"),
            *(package / "devices" / "cuda").glob("*.py"),
        ]
    )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
