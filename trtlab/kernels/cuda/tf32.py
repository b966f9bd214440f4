"""Weights for libraries that multiply in TF32.

Tensor cores cut what TF32 does not hold off an FP32 factor, which makes every product a little
too small, and a deep network's error grow with each layer. Own kernels round both factors;
before a library, at least the weights are rounded, once, while building.
"""

from collections.abc import Mapping

import numpy as np

from trtlab.layers.base import Array

_CUT_BITS = 13  # FP32 has 23 bits after the point, TF32 ten
_MASK = np.uint32(0xFFFFFFFF << _CUT_BITS & 0xFFFFFFFF)
_HALF = np.uint32(1 << (_CUT_BITS - 1))
_FACTORS = (0, 1)


def rounded(array: Array) -> Array:
    """FP32 values at the nearest that TF32 holds; no finite value becomes infinite."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    near = ((bits + _HALF) & _MASK).view(np.float32)
    cut = (bits & _MASK).view(np.float32)
    return np.where(np.isfinite(near), near, np.where(np.isnan(array), array, cut))


def with_rounded_factors(constants: Mapping[int, Array]) -> dict[int, Array]:
    """A product's or convolution's constants by input index, with rounded factors."""
    return {i: rounded(a) if i in _FACTORS else a for i, a in constants.items()}
