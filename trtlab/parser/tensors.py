"""Element types and elements of ONNX tensors; sizes are checked before allocating."""

from math import prod
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from trtlab.core.errors import ParseError, UnsupportedError
from trtlab.core.types import DataType, StaticShape
from trtlab.layers.base import Array
from trtlab.parser.external import read_external
from trtlab.parser.limits import LIMITS

DATA_TYPES: dict[int, DataType] = {
    TensorProto.FLOAT: DataType.FLOAT,
    TensorProto.DOUBLE: DataType.FLOAT,
    TensorProto.FLOAT16: DataType.HALF,
    TensorProto.BFLOAT16: DataType.BF16,
    TensorProto.INT8: DataType.INT8,
    TensorProto.UINT8: DataType.UINT8,
    TensorProto.INT32: DataType.INT32,
    TensorProto.INT64: DataType.INT64,
    TensorProto.BOOL: DataType.BOOL,
    TensorProto.FLOAT8E4M3FN: DataType.FP8,
    TensorProto.INT4: DataType.INT4,
    TensorProto.FLOAT4E2M1: DataType.FP4,
    24: DataType.E8M0,  # FLOAT8E8M0, since ONNX 1.19
}
_FOUR_BITS = {TensorProto.INT4, TensorProto.FLOAT4E2M1}
_STORED = {
    **{code: kind.numpy for code, kind in DATA_TYPES.items()},
    TensorProto.DOUBLE: np.dtype(np.float64),
}


def type_name(code: int) -> str:
    """ONNX's name of an element type."""
    names = {value: name for name, value in TensorProto.DataType.items()}
    return names.get(code, f"number {code}")


def data_type(code: int) -> DataType:
    """The element type; DOUBLE becomes FLOAT.

    Raises:
        UnsupportedError: trtlab has no such type.
    """
    kind = DATA_TYPES.get(code)
    if kind is None:
        raise UnsupportedError(
            f"element type {type_name(code)} is not among trtlab's data types",
            hint="known are " + ", ".join(sorted(type_name(known) for known in DATA_TYPES)),
        )
    return kind


def check_volume(shape: StaticShape, what: str) -> int:
    """The number of elements.

    Raises:
        ParseError: An extent is negative, or the tensor is larger than any real one.
    """
    if any(extent < 0 for extent in shape) or len(shape) > LIMITS.rank:
        raise ParseError(f"{what} has the impossible shape {list(shape)}")
    elements = prod(shape)
    if elements > LIMITS.elements:
        raise ParseError(
            f"{what} would have {elements} elements ({'×'.join(map(str, shape))})",
            hint="the file is damaged or was made to exhaust memory",
        )
    return elements


def array_of(tensor: onnx.TensorProto, folder: Path | None, what: str) -> Array:
    """The elements; DOUBLE becomes float32.

    Args:
        tensor: An initializer, or a tensor in an attribute.
        folder: Where external data may lie.
        what: The tensor's role and name, for messages.

    Raises:
        ParseError: Data and shape do not fit together.
        UnsupportedError: trtlab has no such element type.
    """
    kind = data_type(tensor.data_type)
    shape = tuple(tensor.dims)
    elements = check_volume(shape, what)
    half_bytes = tensor.data_type in _FOUR_BITS
    stored = _STORED[tensor.data_type]
    nbytes = -(-elements // 2) if half_bytes else elements * stored.itemsize
    if tensor.data_location == TensorProto.EXTERNAL:
        data = read_external(tensor, folder, nbytes)
    elif tensor.HasField("raw_data"):
        data = tensor.raw_data
    else:
        return _listed(tensor, elements, what).astype(kind.numpy, copy=False)
    if len(data) != nbytes:
        raise ParseError(
            f"{what} of {type_name(tensor.data_type)}{list(shape)} needs {nbytes} bytes, "
            f"but the file gives {len(data)}",
            hint="the file is truncated or damaged",
        )
    if half_bytes:
        return _unpack(data, elements, stored).reshape(shape)
    array = np.frombuffer(data, stored.newbyteorder("<") if stored.itemsize > 1 else stored)
    return array.astype(kind.numpy, copy=False).reshape(shape)


def _listed(tensor: onnx.TensorProto, elements: int, what: str) -> Array:
    """Elements that the file lists one by one in a typed field."""
    fields = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data)
    given = max(len(field) for field in fields)
    needed = -(-elements // 2) if tensor.data_type in _FOUR_BITS else elements
    if given != needed:
        raise ParseError(
            f"{what} of {type_name(tensor.data_type)}{list(tensor.dims)} needs {needed} "
            f"values, but the file gives {given}",
            hint="the file is truncated or damaged",
        )
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, OverflowError) as error:
        raise ParseError(f"{what} cannot be read: {error}") from error


def _unpack(data: bytes, elements: int, stored: np.dtype) -> Array:
    """Two elements a byte, the first in the low half."""
    packed = np.frombuffer(data, np.uint8)
    halves = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)[:elements]
    if stored == np.dtype(ml_dtypes.int4):
        return (((halves ^ 8).astype(np.int8)) - 8).astype(stored)
    return halves.view(stored)
