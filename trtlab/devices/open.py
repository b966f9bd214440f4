"""A device by name."""

from functools import cache

from trtlab.core.errors import DeviceError, UsageError
from trtlab.core.settings import settings
from trtlab.devices.cpu.device import CpuDevice
from trtlab.devices.protocol import Device


@cache
def open_device(name: str = "cpu") -> Device:
    """The device of that name; the same object every time.

    Raises:
        UsageError: The name is not ``cpu``, ``cuda`` or ``cuda:INDEX``.
        DeviceError: The device is not there.
    """
    if name == "cpu":
        return CpuDevice(settings().cpu_threads)
    if name == "cuda" or name.startswith("cuda:"):
        raise DeviceError(
            "this version of trtlab has no CUDA device yet",
            hint="use device cpu",
        )
    raise UsageError(f"unknown device {name!r}", hint="use cpu, cuda or cuda:INDEX")
