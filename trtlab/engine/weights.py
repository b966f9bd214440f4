"""Packed weights lie aligned from the start, so that no device has to copy them."""

import numpy as np

from trtlab.layers.base import Array

ALIGN_BYTES = 64


def aligned(array: Array) -> Array:
    """The array itself if it is contiguous and starts at a cache line, else a copy that does."""
    if array.flags.c_contiguous and array.ctypes.data % ALIGN_BYTES == 0:
        return array
    raw = np.empty(array.nbytes + ALIGN_BYTES, np.uint8)
    start = -raw.ctypes.data % ALIGN_BYTES
    copy = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
