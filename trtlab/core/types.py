"""Data types, tensor formats, named dimensions and tensor types: frozen values."""

from dataclasses import dataclass
from enum import Enum
from math import prod

import ml_dtypes
import numpy as np

from trtlab.core.errors import UsageError


class DataType(Enum):
    """TensorRT's element types; the value is the spelling in text forms and records."""

    FLOAT = "fp32"
    HALF = "fp16"
    BF16 = "bf16"
    INT8 = "int8"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    UINT8 = "uint8"
    FP8 = "fp8"
    INT4 = "int4"
    FP4 = "fp4"
    E8M0 = "e8m0"

    @property
    def itemsize(self) -> float:
        """Bytes an element; 0.5 for the 4-bit types."""
        return 0.5 if self in {DataType.INT4, DataType.FP4} else self.numpy.itemsize

    @property
    def numpy(self) -> np.dtype:
        """The NumPy type that holds one element."""
        return _NUMPY[self]

    def __int__(self) -> int:
        """TensorRT's number."""
        return _NUMBERED.index(self)

    @property
    def is_float(self) -> bool:
        """Whether arithmetic on it is floating-point arithmetic."""
        return self in {
            DataType.FLOAT,
            DataType.HALF,
            DataType.BF16,
            DataType.FP8,
            DataType.FP4,
        }

    @classmethod
    def from_numpy(cls, dtype: object) -> "DataType":
        """The element type of a NumPy array.

        Raises:
            UsageError: trtlab has no such element type.
        """
        wanted = np.dtype(dtype)  # pyright: ignore[reportArgumentType, reportCallIssue]
        if wanted == np.float64:
            return cls.FLOAT
        for member, known in _NUMPY.items():
            if known == wanted:
                return member
        raise UsageError(
            f"NumPy type {wanted} has no counterpart among trtlab's data types",
            hint="convert it to one of "
            + ", ".join(sorted({str(d) for d in _NUMPY.values()})),
        )


_NUMBERED = (
    DataType.FLOAT,
    DataType.HALF,
    DataType.INT8,
    DataType.INT32,
    DataType.BOOL,
    DataType.UINT8,
    DataType.FP8,
    DataType.BF16,
    DataType.INT64,
    DataType.INT4,
    DataType.FP4,
    DataType.E8M0,
)

_NUMPY: dict[DataType, np.dtype] = {
    DataType.FLOAT: np.dtype(np.float32),
    DataType.HALF: np.dtype(np.float16),
    DataType.BF16: np.dtype(ml_dtypes.bfloat16),
    DataType.INT8: np.dtype(np.int8),
    DataType.INT32: np.dtype(np.int32),
    DataType.INT64: np.dtype(np.int64),
    DataType.BOOL: np.dtype(np.bool_),
    DataType.UINT8: np.dtype(np.uint8),
    DataType.FP8: np.dtype(ml_dtypes.float8_e4m3fn),
    DataType.INT4: np.dtype(ml_dtypes.int4),
    DataType.FP4: np.dtype(ml_dtypes.float4_e2m1fn),
    DataType.E8M0: np.dtype(ml_dtypes.float8_e8m0fnu),
}


class TensorFormat(Enum):
    """How a tensor's elements lie in memory (TensorRT's names)."""

    LINEAR = "linear"  # row-major, as the dimensions are written
    CHW2 = "chw2"
    HWC8 = "hwc8"
    CHW4 = "chw4"
    CHW16 = "chw16"
    CHW32 = "chw32"
    DHWC8 = "dhwc8"
    CDHW32 = "cdhw32"
    HWC = "hwc"  # [N, C, spatial...] stored as [N, spatial..., C]
    DLA_LINEAR = "dla_linear"
    DLA_HWC4 = "dla_hwc4"
    HWC16 = "hwc16"
    DHWC = "dhwc"

    def __int__(self) -> int:
        """TensorRT's number: the member's place."""
        return list(TensorFormat).index(self)


@dataclass(frozen=True, slots=True)
class Dim:
    """A dimension known by name only, such as ``batch``; equal names are equal sizes."""

    name: str

    def __str__(self) -> str:
        return self.name


Shape = tuple[int | Dim, ...]
StaticShape = tuple[int, ...]


def is_static(shape: Shape) -> bool:
    """Whether every dimension is a number."""
    return all(isinstance(extent, int) for extent in shape)


def static(shape: Shape) -> StaticShape:
    """The shape as numbers.

    Raises:
        UsageError: A dimension is still known by name only.
    """
    named = [str(extent) for extent in shape if isinstance(extent, Dim)]
    if named:
        raise UsageError(
            f"shape {format_shape(shape)} still has named dimensions: {', '.join(named)}",
            hint="give the input shapes (set_input_shape, or --shapes name:1x3x224x224)",
        )
    return tuple(extent for extent in shape if isinstance(extent, int))


def volume(shape: StaticShape) -> int:
    """Number of elements."""
    return prod(shape)


def format_shape(shape: Shape) -> str:
    """``1x3x224x224``; a scalar is ``scalar``."""
    return "x".join(str(extent) for extent in shape) if shape else "scalar"


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element type and shape: what a layer's type rule works on."""

    dtype: DataType
    shape: Shape

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype.value}[{','.join(str(extent) for extent in self.shape)}]"


def nbytes(dtype: DataType, shape: StaticShape) -> int:
    """Bytes of a dense tensor, rounded up to a whole byte."""
    return int(-(-volume(shape) * dtype.itemsize // 1))
