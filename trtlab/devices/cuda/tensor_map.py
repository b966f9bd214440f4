"""Tensor maps: how the copy engine of Hopper and later GPUs finds a factor's tiles.

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
        size = int(self.dtype.itemsize)
        wide, long = api.cuuint32_t, api.cuuint64_t
        extents, steps = self.axes()
        box = (_SWIZZLED_BYTES // size, self.box_rows, *[1] * (len(extents) - 2))
        return succeeded(
            api.cuTensorMapEncodeTiled(
                _kind(self.dtype),
                len(extents),
                self.address,
                [long(extent) for extent in extents],
                [long(step * size) for step in steps],
                [wide(extent) for extent in box],
                [wide(1)] * len(extents),
                *_manner(),
            ),
            "cuTensorMapEncodeTiled",
        )

    def axes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Extents, innermost first, and elements from one index to the next but of the first."""
        return (self.columns, self.rows), (self.pitch,)


@dataclass(frozen=True, slots=True)
class HeadsMap(TensorMap):
    """A matrix for each head of each sequence, all of one shape, at equal steps.

    What a tile has beyond its own matrix reads as zeros, whatever lies there: heads may stand
    side by side in longer rows.

    Attributes:
        heads: Of a sequence, and elements from one to the next, a multiple of 8.
        batches: Sequences, and elements from one to the next, a multiple of 8.
    """

    heads: tuple[int, int]
    batches: tuple[int, int]

    def axes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Extents, innermost first, and elements from one index to the next but of the first."""
        (heads, apart), (batches, next_batch) = self.heads, self.batches
        return (self.columns, self.rows, heads, batches), (self.pitch, apart, next_batch)


@dataclass(frozen=True, slots=True)
class WindowMap:
    """An image with channels last, whose windows are the rows of a matrix, a tap at a time.

    A tile has the same tap of ``box_rows`` windows that follow each other, and 128 bytes of
    channels. Taps beside the image, and windows beyond the last image, read as zeros.

    Attributes:
        address: Of the first element, 16-byte aligned.
        dtype: Element type of two bytes.
        shape: Images, height, width, channels.
        pitches: Elements from image to image, line to line, pixel to pixel; multiples of 8.
        first: Line and pixel of the first window's first tap; below 0 where padded.
        last: Line and pixel of an image's last window's first tap.
        stride: Lines and pixels between windows, at most 8.
        box_rows: Windows of a tile, at most 1024.
    """

    address: int
    dtype: DataType
    shape: tuple[int, int, int, int]
    pitches: tuple[int, int, int]
    first: tuple[int, int]
    last: tuple[int, int]
    stride: tuple[int, int]
    box_rows: int

    def encoded(self) -> Any:  # noqa: ANN401 - a driver structure
        """The map as the driver writes it.

        Raises:
            DeviceError: The driver refuses.
        """
        api = driver()
        size = int(self.dtype.itemsize)
        wide, long = api.cuuint32_t, api.cuuint64_t
        spatial = self.shape[1:3]
        ends = [last + 1 - extent for last, extent in zip(self.last, spatial, strict=True)]
        return succeeded(
            api.cuTensorMapEncodeIm2col(
                _kind(self.dtype),
                4,
                self.address,
                [long(x) for x in reversed(self.shape)],
                [long(x * size) for x in reversed(self.pitches)],
                list(reversed(self.first)),
                list(reversed(ends)),
                _SWIZZLED_BYTES // size,
                self.box_rows,
                [wide(x) for x in (1, *reversed(self.stride), 1)],
                *_manner(),
            ),
            "cuTensorMapEncodeIm2col",
        )


def _kind(dtype: DataType) -> Any:  # noqa: ANN401 - a driver enum
    kinds = driver().CUtensorMapDataType
    half = dtype is DataType.HALF
    return (
        kinds.CU_TENSOR_MAP_DATA_TYPE_FLOAT16
        if half
        else kinds.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
    )


def _manner() -> tuple[Any, ...]:
    """Interleaving, swizzle, what the L2 cache fetches, and what is read beside the tensor."""
    api = driver()
    return (
        api.CUtensorMapInterleave.CU_TENSOR_MAP_INTERLEAVE_NONE,
        api.CUtensorMapSwizzle.CU_TENSOR_MAP_SWIZZLE_128B,
        api.CUtensorMapL2promotion.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
        api.CUtensorMapFloatOOBfill.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
    )
