"""Device memory from CuPy's pool, and copies ordered with a device's own stream."""

from typing import Any

import numpy as np

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda.libraries import cuda_errors, cupy, told, told_error
from trtlab.layers.base import Array

TO_DEVICE, TO_HOST, ON_DEVICE = 1, 2, 3  # cudaMemcpyKind


class CudaMemory:
    """Bytes on a device; they go back to the pool with the last reference.

    Args:
        nbytes: How many; at least one is allocated.
        index: Of the device.

    Raises:
        DeviceError: Not enough memory; says how much there is, and who holds it.
        DeviceLostError: A kernel faulted earlier.
    """

    def __init__(self, nbytes: int, index: int) -> None:
        module = cupy()
        try:
            with told(f"allocating {nbytes:,} bytes"), module.cuda.Device(index):
                self._held: Any = module.cuda.alloc(max(nbytes, 1))
        except module.cuda.memory.OutOfMemoryError as error:
            raise _out_of_memory(nbytes, index) from error
        self.address: int = int(self._held.ptr)
        self.nbytes = nbytes


def _out_of_memory(wanted: int, index: int) -> DeviceError:
    module = cupy()
    pool = module.get_default_memory_pool()
    with told("asking for free memory"), module.cuda.Device(index):
        free, total = (int(n) for n in module.cuda.runtime.memGetInfo())
        used, limit, held = (
            int(n) for n in (pool.used_bytes(), pool.get_limit(), pool.total_bytes())
        )
    if limit and limit < total:
        return DeviceError(
            f"the GPU cannot allocate {wanted:,} bytes: CuPy's pool is limited to {limit:,} "
            f"bytes, of which {used:,} are in use",
            hint="raise the pool's limit, or use smaller shapes or a smaller batch",
        )
    others = max(total - free - held, 0)
    return DeviceError(
        f"the GPU cannot allocate {wanted:,} bytes: {free:,} of {total:,} bytes are free, "
        f"this process holds {used:,} in buffers",
        hint=f"use smaller shapes or a smaller batch, or free the {others:,} bytes that CUDA "
        "contexts and other programs hold (nvidia-smi lists them)",
    )


def give_back_unused() -> None:
    """Return what the pool keeps for later to the driver, for other programs to use."""
    with told("giving memory back"):
        cupy().get_default_memory_pool().free_all_blocks()


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
    """Enqueue a copy.

    Raises:
        DeviceError: CUDA refused.
        DeviceLostError: A kernel faulted earlier.
    """
    if not nbytes:
        return
    try:
        cupy().cuda.runtime.memcpyAsync(to, source, nbytes, kind, stream)
    except cuda_errors() as error:
        raise told_error(f"copying {nbytes:,} bytes", error) from error
