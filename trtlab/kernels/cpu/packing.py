"""Constants rearranged for the kernels; done once, while building."""

import numpy as np
from numpy.typing import NDArray

from trtlab.devices.cpu.operation import LANES
from trtlab.kernels.cpu.microkernel import TILE_COLUMNS

Floats = NDArray[np.float32]


def padded_columns(columns: int) -> int:
    """Columns after filling the last vector."""
    return -(-columns // LANES) * LANES


def pack_columns(matrix: Floats) -> Floats:
    """Panels of ``TILE_COLUMNS`` columns, each row by row; the last may be one vector wide.

    Args:
        matrix: [K, N].

    Returns:
        One dimension: panel p begins at element p · K · TILE_COLUMNS. Missing columns are 0.
    """
    k, n = matrix.shape
    packed = np.zeros(k * padded_columns(n), np.float32)
    for first in range(0, n, TILE_COLUMNS):
        width = padded_columns(min(TILE_COLUMNS, n - first))
        panel = packed[k * first : k * (first + width)].reshape(k, width)
        part = matrix[:, first : first + width]
        panel[:, : part.shape[1]] = part
    return packed


def pack_bias(bias: Floats) -> Floats:
    """A bias that fills its last vector.

    Args:
        bias: [N].
    """
    packed = np.zeros(padded_columns(len(bias)), np.float32)
    packed[: len(bias)] = bias
    return packed
