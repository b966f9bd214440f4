"""Device memory from CuPy's pool, and copies ordered with a device's own stream."""

from typing import Any

import numpy as np

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda.libraries import cupy
from trtlab.layers.base import Array

TO_DEVICE, TO_HOST, ON_DEVICE = 1, 2, 3  # cudaMemcpyKind


class CudaMemory:
    """Bytes on a device; they go back to the pool with the last reference.

    Args:
        nbytes: How many; at least one is allocated.
        index: Of the device.

    Raises:
        DeviceError: Not enough memory.
    """

    def __init__(self, nbytes: int, index: int) -> None:
        module = cupy()
        try:
            with module.cuda.Device(index):
                self._held: Any = module.cuda.alloc(max(nbytes, 1))
        except module.cuda.memory.OutOfMemoryError as error:
            raise DeviceError(
                f"the GPU cannot allocate {nbytes:,} bytes: {error}",
                hint="use smaller shapes or a smaller batch, or free what other programs hold",
            ) from error
        self.address: int = int(self._held.ptr)
        self.nbytes = nbytes


class PinnedBuffer:
    """Host memory that the GPU copies from and to without a detour.

    Attributes:
        array: The bytes, as the given type and shape.
    """

    def __init__(self, like: Array) -> None:
        self._held: Any = cupy().cuda.alloc_pinned_memory(max(like.nbytes, 1))
        flat = np.frombuffer(self._held, np.uint8, like.nbytes)
        self.array: Array = flat.view(like.dtype).reshape(like.shape)
        self.address: int = int(self._held.ptr)
        self.nbytes = like.nbytes


def copy_async(to: int, source: int, nbytes: int, kind: int, stream: int) -> None:
    """Enqueue a copy."""
    if nbytes:
        cupy().cuda.runtime.memcpyAsync(to, source, nbytes, kind, stream)
