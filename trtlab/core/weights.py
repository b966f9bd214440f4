"""TensorRT's Weights: a typed array, or nothing of a type."""

from ctypes import c_ubyte
from typing import Any, cast

import numpy as np

from trtlab.core.errors import UsageError
from trtlab.core.types import DataType

_Array = np.ndarray[Any, np.dtype[Any]]


class Weights:
    """Elements of a constant; shared with the array that they come from, not copied.

    Args:
        source: A NumPy array; or a data type, for weights that are empty or given by address.
        ptr: Address of the elements in host memory, which must stay alive.
        count: Number of elements at that address.

    Raises:
        UsageError: The array's type has no counterpart, or the arguments make no sense.
    """

    def __init__(self, source: object = DataType.FLOAT, ptr: int = 0, count: int = 0) -> None:
        self._array: _Array
        if isinstance(source, DataType):
            self._array = _at(source, ptr, count)
        else:
            self._array = array_of(source, "weights")

    @property
    def dtype(self) -> DataType:
        """Element type."""
        return DataType.from_numpy(self._array.dtype)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(self._array.size)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return int(self._array.nbytes)

    def numpy(self) -> _Array:
        """The elements; writing to them changes what was given."""
        return self._array

    def __len__(self) -> int:
        return self.size

    def __array__(self, dtype: object = None, copy: bool | None = None) -> _Array:  # noqa: FBT001
        array = self._array if dtype is None else self._array.astype(cast(Any, dtype))
        return array.copy() if copy else array

    def __repr__(self) -> str:
        return f"Weights({self.dtype.value}, size={self.size})"


def _at(dtype: DataType, ptr: int, count: int) -> _Array:
    """Elements in host memory, shared."""
    if count < 0 or (count > 0 and ptr <= 0):
        raise UsageError(f"{count} weights at address {ptr} make no sense")
    if not count:
        return np.empty(0, dtype.numpy)
    raw = (c_ubyte * (count * dtype.numpy.itemsize)).from_address(ptr)
    return np.frombuffer(cast(Any, raw), dtype.numpy, count)


def array_of(value: object, what: str) -> _Array:
    """Weights or anything that NumPy takes as an array of numbers.

    Raises:
        UsageError: It holds no numbers, or of a type that trtlab does not have.
    """
    if isinstance(value, Weights):
        return value.numpy()
    hint = "pass a NumPy array or Weights"
    if value is None or isinstance(value, str | bytes | dict | set):
        raise UsageError(f"{what} is {value!r}, which holds no numbers", hint=hint)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{what} is no array: {error}", hint=hint) from error
    if array.dtype == object:
        raise UsageError(
            f"{what} is {type(value).__name__}, not an array of numbers", hint=hint
        )
    if array.dtype == np.float64:
        return array.astype(np.float32)
    DataType.from_numpy(array.dtype)
    return array
