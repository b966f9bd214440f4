"""A device by name; what belongs to the CPU alone is imported when it is asked for."""

from functools import cache

from trtlab.core.errors import UsageError
from trtlab.core.settings import settings
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.protocol import Device


@cache
def open_device(name: str = "cpu") -> Device:
    """The device of that name; the same object every time.

    Raises:
        UsageError: The name is not ``cpu``, ``cuda`` or ``cuda:INDEX``.
        DeviceError: The device is not there, or its libraries are missing.
    """
    if name == "cpu":
        # Numba takes a quarter of a second, which an engine on a GPU need not wait for.
        from trtlab.devices.cpu.device import CpuDevice  # noqa: PLC0415

        return CpuDevice(settings().cpu_threads)
    if name == "cuda":
        return open_device("cuda:0")
    kind, _, index = name.partition(":")
    if kind == "cuda" and index.isdecimal():
        return CudaDevice(int(index))
    raise UsageError(f"unknown device {name!r}", hint="use cpu, cuda or cuda:INDEX")
