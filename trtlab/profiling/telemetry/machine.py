"""Every sensor of this machine."""

from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType

from trtlab.profiling.telemetry.host import HostSource
from trtlab.profiling.telemetry.nvml import NvmlSource
from trtlab.profiling.telemetry.nvml_library import NvmlLibrary, NvmlRefusalError
from trtlab.profiling.telemetry.process import ObservedProcess
from trtlab.profiling.telemetry.source import Source


def machine_sources(
    *,
    gpu_expected: bool = True,
    gpu_at: str = "",
    process: ObservedProcess | None = None,
) -> list[Source]:
    """The host and each GPU, or the host and one GPU.

    Args:
        gpu_expected: Without a GPU, a source tells why none answers; else nothing is said.
        gpu_at: Place on the PCI bus of the only GPU to tell of: of several, what others do
            says nothing about what is measured on this one.
        process: Whose load and memory the host tells; this one's by default.
    """
    silent = [NvmlSource()] if gpu_expected else []
    gpus = (gpu_at and one_gpu(gpu_at)) or every_gpu()
    return [HostSource(process=process), *(gpus or silent)]


def one_gpu(bus_id: str, module: ModuleType | None = None) -> list[NvmlSource]:
    """A source for the GPU at this place; none where NVML knows no such place."""
    try:
        with _nvml(module) as library:
            library.call("nvmlDeviceGetHandleByPciBusId", bus_id)
    except NvmlRefusalError:
        return []
    return [NvmlSource(bus_id=bus_id, module=module)]


def every_gpu(module: ModuleType | None = None) -> list[NvmlSource]:
    """A source for each GPU that NVML sees; none without a driver."""
    try:
        with _nvml(module) as library:
            count = int(library.call("nvmlDeviceGetCount"))
    except NvmlRefusalError:
        return []
    if count == 1:
        return [NvmlSource(0, module=module)]
    return [NvmlSource(i, prefix=f"gpu{i}", module=module) for i in range(count)]


@contextmanager
def _nvml(module: ModuleType | None) -> Generator[NvmlLibrary]:
    """NVML for some questions; it counts its users."""
    library = NvmlLibrary(module)
    library.call("nvmlInit")
    try:
        yield library
    finally:
        library.call("nvmlShutdown")
