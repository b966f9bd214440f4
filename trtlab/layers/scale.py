"""SCALE, CAST and IDENTITY."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import ScaleMode
from trtlab.core.types import DataType, TensorType, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    axis_in,
    broadcast,
    extents_of,
    given,
    known,
    needed,
    optional,
    require,
    same_dtype,
    shape_value,
    str_shape,
    wanted,
    wide,
)

_ROLES = ("shift", "scale", "power")


@dataclass(frozen=True)
class Scale(Op):
    """y = (x·scale + shift)^power.

    Inputs: x, shift or None, scale or None, power or None. With UNIFORM each is one value,
    with CHANNEL one value an index of ``channel_axis``, with ELEMENTWISE it broadcasts
    against x.
    """

    kind: ClassVar[str] = "SCALE"
    mode: ScaleMode = ScaleMode.UNIFORM
    channel_axis: int = 1

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The data's type."""
        del values
        x = wanted(inputs, 0, "data")
        for number, role in enumerate(_ROLES, start=1):
            weights = optional(inputs, number)
            if weights is None:
                continue
            same_dtype([x, weights], f"data and {role}")
            self._check(x, weights, role)
        return (x,)

    def _check(self, x: TensorType, weights: TensorType, role: str) -> None:
        shape = str_shape(weights.shape)
        if self.mode is ScaleMode.ELEMENTWISE:
            fits = broadcast([x.shape, weights.shape]) == x.shape
            require(fits, f"{role} {shape} does not broadcast to {str_shape(x.shape)}")
            return
        wanted_size = 1
        if self.mode is ScaleMode.CHANNEL:
            wanted_size = x.shape[axis_in(self.channel_axis, x.rank, "channel axis")]
        fits = dims.equal(dims.product(weights.shape), wanted_size) is not False
        require(
            fits,
            f"{role} has shape {shape}; {self.mode.value} scaling wants {wanted_size} values",
        )

    def _spread(self, weights: Array, rank: int) -> Array:
        """Weights in a shape that broadcasts against the data."""
        if self.mode is ScaleMode.UNIFORM:
            return weights.reshape(())
        if self.mode is ScaleMode.CHANNEL:
            shape = [1] * rank
            shape[self.channel_axis] = weights.size
            return weights.reshape(shape)
        return weights

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Product, sum and power of every element."""
        x = needed(inputs, 0, "data")
        work = wide(x.dtype)
        y = x.astype(work, copy=False)
        shift, scale, power = (
            None if w is None else self._spread(w.astype(work), x.ndim)
            for w in (given(inputs, number) for number in (1, 2, 3))
        )
        if scale is not None:
            y = y * scale
        if shift is not None:
            y = y + shift
        if power is not None:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                y = np.power(y, power)
        return (np.array(y, dtype=x.dtype),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """One for each of scale and shift, six for a power."""
        costs = (1, 1, 6)
        each = sum(c for i, c in enumerate(costs, start=1) if optional(inputs, i) is not None)
        return each * volume(static(outputs[0].shape))


_FP8_LARGEST = 448.0  # float8 e4m3fn; beyond it a plain cast gives NaN
_FP4_LARGEST = 6.0


def cast(x: Array, to: DataType) -> Array:
    """Elements in another type: truncated to integers, saturated to 8- and 4-bit floats.

    A float64 array stays float64 when cast to FLOAT, so that it can serve as a reference.
    """
    if to is DataType.FLOAT and x.dtype == np.float64:
        return x.copy()
    if to is DataType.BOOL:
        return x != 0
    if to in {DataType.FP8, DataType.FP4}:
        largest = _FP8_LARGEST if to is DataType.FP8 else _FP4_LARGEST
        return np.clip(x.astype(np.float32), -largest, largest).astype(to.numpy)
    with np.errstate(invalid="ignore", over="ignore"):
        if to is DataType.INT4:
            return np.clip(np.trunc(x.astype(np.float32)), -8, 7).astype(to.numpy)
        return x.astype(to.numpy)


def _cast_values(value: ShapeValue, source: TensorType, to: DataType) -> ShapeValue:
    """Known integers survive a cast between integer types that hold dimensions."""
    entries = extents_of(value)
    if value is None or entries is None:
        return None
    if to is DataType.BOOL:
        truths = [dims.equal(entry, 0) for entry in entries]
        if any(truth is None for truth in truths):
            return None
        return shape_value([int(not truth) for truth in truths], value.shape)
    kept = {DataType.INT32, DataType.INT64, DataType.FLOAT, source.dtype}
    return value if to in kept else None


@dataclass(frozen=True)
class Cast(Op):
    """y = x converted to another element type."""

    kind: ClassVar[str] = "CAST"
    to_type: DataType = DataType.FLOAT

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The same shape in the wanted type."""
        del values
        return (TensorType(self.to_type, wanted(inputs, 0, "data").shape),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known integers stay known."""
        del outputs
        return (_cast_values(known(values, 0), wanted(inputs, 0, "data"), self.to_type),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Every element in the wanted type."""
        return (cast(needed(inputs, 0, "data"), self.to_type),)


@dataclass(frozen=True)
class Identity(Op):
    """y = x, in another element type where one is given."""

    kind: ClassVar[str] = "IDENTITY"
    to_type: DataType | None = None

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The input's type, or the wanted one."""
        del values
        x = wanted(inputs, 0, "data")
        return (TensorType(self.to_type or x.dtype, x.shape),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known integers stay known."""
        del inputs
        return (_cast_values(known(values, 0), outputs[0], outputs[0].dtype),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """A copy."""
        x = needed(inputs, 0, "data")
        return (x.copy() if self.to_type is None else cast(x, self.to_type),)
