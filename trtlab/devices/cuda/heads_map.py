"""Tensor maps of heads: many matrices of equal shape at equal steps, each with its own end.

Source: CUDA Driver API, "Tensor Map Object Management".
"""

from dataclasses import dataclass
from typing import Any

from trtlab.core.types import DataType
from trtlab.devices.cuda.libraries import driver, succeeded
from trtlab.devices.cuda.tensor_map import TensorMap

_SWIZZLED_BYTES = 128


@dataclass(frozen=True, slots=True)
class HeadsMap(TensorMap):
    """A matrix for each head of each sequence, as `TensorMap` has one.

    What a tile has beyond its own matrix reads as zeros, whatever lies there: heads may stand
    side by side in longer rows.

    Attributes:
        heads: Of a sequence, and elements from one to the next, a multiple of 8.
        batches: Sequences, and elements from one to the next, a multiple of 8.
    """

    heads: tuple[int, int]
    batches: tuple[int, int]

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
        extents = (self.columns, self.rows, self.heads[0], self.batches[0])
        steps = (self.pitch, self.heads[1], self.batches[1])
        return succeeded(
            api.cuTensorMapEncodeTiled(
                kinds.CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                if half
                else kinds.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                len(extents),
                self.address,
                [long(extent) for extent in extents],
                [long(step * size) for step in steps],
                [wide(x) for x in (_SWIZZLED_BYTES // size, self.box_rows, 1, 1)],
                [wide(1)] * len(extents),
                api.CUtensorMapInterleave.CU_TENSOR_MAP_INTERLEAVE_NONE,
                api.CUtensorMapSwizzle.CU_TENSOR_MAP_SWIZZLE_128B,
                api.CUtensorMapL2promotion.CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                api.CUtensorMapFloatOOBfill.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
            ),
            "cuTensorMapEncodeTiled",
        )
