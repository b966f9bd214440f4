"""REDUCE, SOFTMAX, TOPK and CUMULATIVE: along axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from trtlab.core.enums import CumulativeOperation, ReduceOperation, TopKOperation
from trtlab.core.types import DataType, TensorType, nbytes, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    axes_in,
    axis_in,
    extents_of,
    given,
    known,
    needed,
    optional,
    positions,
    require,
    shape_value,
    str_shape,
    wanted,
    wide,
)

_R = ReduceOperation


def _lowest(dtype: np.dtype[Any], *, highest: bool = False) -> object:
    """The type's least value, or its largest: the extreme of nothing."""
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return limits.max if highest else limits.min
    return np.inf if highest else -np.inf


@dataclass(frozen=True)
class Reduce(Op):
    """y = Σ, Π, max, min or mean of x over axes.

    No axes means all of them. The result keeps reduced axes with one element if ``keep_dims``.
    """

    kind: ClassVar[str] = "REDUCE"
    op: ReduceOperation = ReduceOperation.SUM
    axes: tuple[int, ...] = ()
    keep_dims: bool = True

    def reduced_axes(self, rank: int) -> tuple[int, ...]:
        """The axes in full, counted from the front and sorted.

        Raises:
            InvalidNetworkError: An axis does not exist or comes twice.
        """
        return tuple(sorted(axes_in(self.axes, rank, "reduced axis"))) or tuple(range(rank))

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Reduced axes become 1 or fall away."""
        del values
        x = wanted(inputs, 0, "data")
        axes = self.reduced_axes(x.rank)
        require(
            x.dtype is not DataType.BOOL or self.op is _R.NONE,
            f"reduction {self.op.value} of a BOOL tensor",
            hint="insert a Cast to INT32",
        )
        if self.op is _R.NONE:
            return (x,)
        if self.keep_dims:
            shape = tuple(1 if axis in axes else e for axis, e in enumerate(x.shape))
        else:
            shape = tuple(e for axis, e in enumerate(x.shape) if axis not in axes)
        return (TensorType(x.dtype, shape),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Sum, product, maximum and minimum over all entries of a known tensor."""
        value = known(values, 0)
        entries = extents_of(value)
        x = wanted(inputs, 0, "data")
        if not entries or len(self.reduced_axes(x.rank)) != x.rank:
            return (None,)
        if self.op not in {_R.SUM, _R.PROD, _R.MAX, _R.MIN}:
            return (None,)
        total: dims.Extent = entries[0]
        rules = {
            _R.SUM: dims.add,
            _R.PROD: dims.mul,
            _R.MAX: dims.maximum,
            _R.MIN: dims.minimum,
        }
        for entry in entries[1:]:
            total = rules[self.op](total, entry)
        return (shape_value([total], static(outputs[0].shape)),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's reductions; half precision is summed in float32."""
        x = needed(inputs, 0, "data")
        if self.op is _R.NONE:
            return (x.copy(),)
        work = wide(x.dtype)
        data = x.astype(work, copy=False)
        axes, keep = self.reduced_axes(x.ndim), self.keep_dims
        if self.op is _R.SUM:
            y = data.sum(axis=axes, keepdims=keep, dtype=work)
        elif self.op is _R.PROD:
            y = data.prod(axis=axes, keepdims=keep, dtype=work)
        elif self.op is _R.AVG:
            count = prod(x.shape[axis] for axis in axes)
            with np.errstate(invalid="ignore", divide="ignore"):
                y = data.sum(axis=axes, keepdims=keep, dtype=work) / np.asarray(count, work)
        elif self.op is _R.MAX:
            y = data.max(axis=axes, keepdims=keep, initial=_lowest(work))  # pyright: ignore[reportArgumentType, reportCallIssue]
        else:
            highest = _lowest(work, highest=True)
            y = data.min(axis=axes, keepdims=keep, initial=highest)  # pyright: ignore[reportArgumentType, reportCallIssue]
        return (np.asarray(y).astype(x.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """One an input element, and the division of a mean."""
        if self.op is _R.NONE:
            return 0
        divisions = volume(static(outputs[0].shape)) if self.op is _R.AVG else 0
        return volume(static(wanted(inputs, 0, "data").shape)) + divisions


@dataclass(frozen=True)
class SoftMax(Op):
    """y = exp(x − max x) / Σ exp(x − max x) over axes; with ``log`` its logarithm."""

    kind: ClassVar[str] = "SOFTMAX"
    axes: tuple[int, ...] = (1,)
    log: bool = False

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        del values
        x = wanted(inputs, 0, "data")
        require(bool(self.axes), "a softmax over no axis")
        axes_in(self.axes, x.rank, "softmax axis")
        require(x.dtype.is_float, f"softmax is not defined on {x.dtype.value}")
        return (x,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Shifted by the maximum, so that nothing overflows."""
        x = needed(inputs, 0, "data")
        data = x.astype(wide(x.dtype), copy=False)
        return (softmax(data, self.axes, log=self.log).astype(x.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Eight an element: maximum, difference, exponential (4), sum, division."""
        del inputs
        return 8 * volume(static(outputs[0].shape))


def softmax(x: Array, axes: tuple[int, ...], *, log: bool = False) -> Array:
    """Softmax over axes; an axis without elements gives an empty result."""
    if not x.size:
        return x.copy()
    top = x.max(axis=axes, keepdims=True)
    shifted = x - np.where(np.isfinite(top), top, 0)
    powers = np.exp(shifted)
    total = powers.sum(axis=axes, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return shifted - np.log(total) if log else powers / total


@dataclass(frozen=True)
class TopK(Op):
    """values, indices = the k largest (or smallest) entries along one axis, best first.

    Inputs: x, and k as a shape tensor in place of the ``k`` option. Of equal entries the one
    with the lower index comes first.
    """

    kind: ClassVar[str] = "TOPK"
    op: TopKOperation = TopKOperation.MAX
    k: int = 1
    axes: tuple[int, ...] = (-1,)
    indices_type: DataType = DataType.INT32

    def axis(self, rank: int) -> int:
        """The axis, counted from the front.

        Raises:
            InvalidNetworkError: There is not exactly one.
        """
        require(len(self.axes) == 1, f"top-k works along one axis, not along {self.axes}")
        return axis_in(self.axes[0], rank, "top-k axis")

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The axis shrinks to k."""
        x = wanted(inputs, 0, "data")
        axis = self.axis(x.rank)
        count: dims.Extent = self.k
        if optional(inputs, 1) is not None:
            entries = extents_of(known(values, 1))
            count = entries[0] if entries else dims.unknown("k")
        require(
            dims.at_least(count, 0) is not False
            and dims.at_least(x.shape[axis], count) is not False,
            f"top {count} of {x.shape[axis]} entries along axis {axis} of "
            f"{str_shape(x.shape)}",
        )
        require(
            self.indices_type in {DataType.INT32, DataType.INT64},
            f"indices of type {self.indices_type.value}",
        )
        shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
        return TensorType(x.dtype, shape), TensorType(self.indices_type, shape)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """A stable sort."""
        x = needed(inputs, 0, "data")
        axis, dynamic = self.axis(x.ndim), given(inputs, 1)
        count = self.k if dynamic is None else int(dynamic.reshape(-1)[0])
        data = x.astype(wide(x.dtype), copy=False)
        if self.op is TopKOperation.MIN:
            order = np.argsort(data, axis=axis, kind="stable")
        else:  # descending, equal entries still by rising index
            order = np.argsort(np.flip(data, axis), axis=axis, kind="stable")
            order = x.shape[axis] - 1 - np.flip(order, axis)
        best = np.take(order, positions(count), axis=axis)
        chosen = np.take_along_axis(x, best, axis=axis)
        return chosen, best.astype(self.indices_type.numpy)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """The data is read, values and indices are written."""
        moved = [wanted(inputs, 0, "data"), *outputs]
        return sum(nbytes(t.dtype, static(t.shape)) for t in moved)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """One comparison an input element and binary digit of k."""
        x = wanted(inputs, 0, "data")
        count = static(outputs[0].shape)[self.axis(x.rank)]
        return volume(static(x.shape)) * max(count.bit_length(), 1)


@dataclass(frozen=True)
class Cumulative(Op):
    """y[i] = Σ_{j ≤ i} x[j] along an axis; ``exclusive`` j < i, ``reverse`` from the end."""

    kind: ClassVar[str] = "CUMULATIVE"
    op: CumulativeOperation = CumulativeOperation.SUM
    axis: int = 0
    exclusive: bool = False
    reverse: bool = False

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        del values
        x = wanted(inputs, 0, "data")
        axis_in(self.axis, x.rank)
        require(x.dtype is not DataType.BOOL, "a cumulative sum of a BOOL tensor")
        return (x,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's cumsum."""
        x = needed(inputs, 0, "data")
        axis, work = axis_in(self.axis, x.ndim), wide(x.dtype)
        data = np.flip(x, axis) if self.reverse else x
        y = np.cumsum(data, axis=axis, dtype=work)
        if self.exclusive and x.shape[axis]:
            start = np.zeros_like(np.take(y, [0], axis=axis))
            kept = np.take(y, positions(x.shape[axis] - 1), axis=axis)
            y = np.concatenate([start, kept], axis=axis)
        y = np.flip(y, axis) if self.reverse else y
        return (np.ascontiguousarray(y, dtype=x.dtype),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """One an element."""
        del inputs
        return volume(static(outputs[0].shape))
