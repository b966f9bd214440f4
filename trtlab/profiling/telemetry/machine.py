"""Every sensor of this machine."""

from types import ModuleType

from trtlab.profiling.telemetry.host import HostSource
from trtlab.profiling.telemetry.nvml import NvmlSource
from trtlab.profiling.telemetry.nvml_library import NvmlLibrary, NvmlRefusalError
from trtlab.profiling.telemetry.process import ObservedProcess
from trtlab.profiling.telemetry.source import Source


def machine_sources(
    *, gpu_expected: bool = True, process: ObservedProcess | None = None
) -> list[Source]:
    """The host and each GPU.

    Args:
        gpu_expected: Without a GPU, a source tells why none answers; else nothing is said.
        process: Whose load and memory the host tells; this one's by default.
    """
    silent = [NvmlSource()] if gpu_expected else []
    return [HostSource(process=process), *(every_gpu() or silent)]


def every_gpu(module: ModuleType | None = None) -> list[NvmlSource]:
    """A source for each GPU that NVML sees; none without a driver."""
    try:
        library = NvmlLibrary(module)
        library.call("nvmlInit")
        count = int(library.call("nvmlDeviceGetCount"))
        library.call("nvmlShutdown")
    except NvmlRefusalError:
        return []
    if count == 1:
        return [NvmlSource(0, module=module)]
    return [NvmlSource(i, prefix=f"gpu{i}", module=module) for i in range(count)]
