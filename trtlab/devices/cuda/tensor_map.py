"""Tensor maps: how the copy engine of Hopper and later GPUs finds a matrix's tiles.

Source: CUDA Driver API, "Tensor Map Object Management".
"""

from dataclasses import dataclass
from typing import Any

from trtlab.core.types import DataType
from trtlab.devices.cuda.libraries import driver, succeeded

_SWIZZLED_BYTES = 128


@dataclass(frozen=True, slots=True)
class TensorMap:
    """A row-major matrix and the tiles in which it is copied; rows of tiles are 128 bytes.

    Tiles lie in shared memory with their 16-byte runs swizzled over 128 bytes. What a tile has
    beyond the matrix reads as zeros and is not written.

    Attributes:
        address: Of the first element, 16-byte aligned.
        dtype: Element type of two bytes.
        rows: Of the matrix.
        columns: Of the matrix.
        pitch: Elements from a row to the next, a multiple of 8.
        box_rows: Rows of a tile, at most 256.
    """

    address: int
    dtype: DataType
    rows: int
    columns: int
    pitch: int
    box_rows: int

    def encoded(self) -> Any:  # noqa: ANN401 - a driver structure
        """The map as the driver writes it.

        Raises:
            DeviceError: The driver refuses.
        """
        api = driver()
        kinds = api.CUtensorMapDataType
        half = self.dtype is DataType.HALF
        size = int(self.dtype.itemsize)
        wide, long = api.cuuint32_t, api.cuuint64_t
        return succeeded(
            api.cuTensorMapEncodeTiled(
                kinds.CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                if half
                else kinds.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                2,
                self.address,
                [long(self.columns), long(self.rows)],
                [long(self.pitch * size)],
                [wide(_SWIZZLED_BYTES // size), wide(self.box_rows)],
                [wide(1), wide(1)],
                api.CUtensorMapInterleave.CU_TENSOR_MAP_INTERLEAVE_NONE,
                api.CUtensorMapSwizzle.CU_TENSOR_MAP_SWIZZLE_128B,
                api.CUtensorMapL2promotion.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                api.CUtensorMapFloatOOBfill.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
            ),
            "cuTensorMapEncodeTiled",
        )
