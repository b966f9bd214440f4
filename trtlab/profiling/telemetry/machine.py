"""Every sensor of this machine."""

from trtlab.profiling.telemetry.host import HostSource
from trtlab.profiling.telemetry.nvml import NvmlSource, every_gpu
from trtlab.profiling.telemetry.source import Source


def machine_sources() -> list[Source]:
    """The host and each GPU; without one, a source that tells why none answers."""
    return [HostSource(), *(every_gpu() or [NvmlSource()])]
