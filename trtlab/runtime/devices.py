"""A device together with the tactics that it offers."""

from functools import cache

from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.open import open_device
from trtlab.devices.protocol import Device
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.report.records import DeviceRecord
from trtlab.tactics.registry import TacticRegistry


@cache
def open_runtime(name: str) -> tuple[Device, TacticRegistry]:
    """The device of that name and its registry; the same objects every time.

    Raises:
        UsageError: The name is not a device.
        DeviceError: The device is not there.
    """
    device = open_device(name)
    if isinstance(device, CudaDevice):
        return device, cuda_registry(device.arch)
    from trtlab.kernels.catalog import cpu_registry  # noqa: PLC0415 - imports Numba

    return device, cpu_registry()


def tactics_of(record: DeviceRecord) -> TacticRegistry:
    """The tactics of the device that an engine was built on; it need not be here.

    Raises:
        UsageError: There is no such kind of device.
    """
    if record.kind == "cuda":
        return cuda_registry(record.isa)
    return open_runtime(record.kind)[1]
