"""GATHER, SCATTER, ONE_HOT and NON_ZERO: elements found by index."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from trtlab.core.enums import GatherMode, ScatterMode
from trtlab.core.types import DataType, Shape, TensorType, nbytes, static
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    axis_in,
    extents_of,
    given,
    known,
    needed,
    optional,
    positions,
    require,
    same_dtype,
    str_shape,
    unify,
    wanted,
)
from trtlab.layers.dims import Extent

_INDEX_TYPES = {DataType.INT32, DataType.INT64}


def _check_indices(indices: TensorType) -> None:
    require(
        indices.dtype in _INDEX_TYPES,
        f"indices are {indices.dtype.value}, not int32 or int64",
        hint="insert a Cast",
    )


def _check_index(index: int, extent: int, axis: int) -> None:
    require(
        -extent <= index < extent,
        f"index {index} lies outside axis {axis} with {extent} elements",
        hint=f"{-extent} to {extent - 1} are inside" if extent else "the axis is empty",
    )


def _wrapped(indices: Array, extent: int, axis: int) -> Array:
    """Indices counted from the front.

    Raises:
        InvalidNetworkError: One lies outside.
    """
    wide = indices.astype(np.int64)
    outside = (wide < -extent) | (wide >= extent)
    if outside.any():
        worst = wide[outside].flat[0]
        _check_index(int(worst), extent, axis)
    return np.where(wide < 0, wide + extent, wide)


def _tuple_length(indices: TensorType) -> int:
    """Length of the index tuples of ND modes."""
    depth = indices.shape[-1] if indices.rank else None
    require(
        isinstance(depth, int),
        f"indices {str_shape(indices.shape)} need a last dimension known when building",
    )
    assert isinstance(depth, int)
    return depth


@dataclass(frozen=True)
class Gather(Op):
    """y = data at indices; negative indices count from the end.

    DEFAULT (ONNX's Gather): y[p.., i.., q..] = data[p.., indices[i..], q..], the indices in
    the place of ``axis``; the first ``num_elementwise_dims`` dimensions of both run along
    together.
    ELEMENT (GatherElements): y[i..] = data[.., indices[i..], ..] at ``axis``.
    ND (GatherND): the last dimension of indices holds index tuples; the first
    ``num_elementwise_dims`` dimensions of both run along together.
    """

    kind: ClassVar[str] = "GATHER"
    axis: int = 0
    mode: GatherMode = GatherMode.DEFAULT
    num_elementwise_dims: int = 0

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """By mode; known indices must lie inside."""
        data, indices = wanted(inputs, 0, "data"), wanted(inputs, 1, "indices")
        _check_indices(indices)
        batch = self.num_elementwise_dims
        require(
            0 <= batch <= min(data.rank, indices.rank),
            f"{batch} elementwise dimensions of data {str_shape(data.shape)} and indices "
            f"{str_shape(indices.shape)}",
        )
        if self.mode is GatherMode.ND:
            return (TensorType(data.dtype, self._infer_nd(data, indices)),)
        axis = axis_in(self.axis, data.rank, "gathered axis")
        self._check_known(known(values, 1), data.shape[axis], axis)
        if self.mode is GatherMode.ELEMENT:
            require(
                indices.rank == data.rank,
                f"indices {str_shape(indices.shape)} and data {str_shape(data.shape)} "
                "differ in rank",
            )
            return (TensorType(data.dtype, indices.shape),)
        require(axis >= batch, f"axis {axis} lies among the {batch} elementwise dimensions")
        shared = self._shared(data.shape, indices.shape)
        rest = (*data.shape[batch:axis], *indices.shape[batch:], *data.shape[axis + 1 :])
        return (TensorType(data.dtype, (*shared, *rest)),)

    def _shared(self, data: Shape, indices: Shape) -> Shape:
        pairs = zip(data, indices, strict=False)
        what = "elementwise dimensions of data and indices"
        return tuple(
            unify(pair, what)
            for _, pair in zip(range(self.num_elementwise_dims), pairs, strict=False)
        )

    def _check_known(self, value: ShapeValue, extent: Extent, axis: int) -> None:
        if not isinstance(extent, int):
            return
        for index in extents_of(value) or ():
            if isinstance(index, int):
                _check_index(index, extent, axis)

    def _infer_nd(self, data: TensorType, indices: TensorType) -> Shape:
        depth, batch = _tuple_length(indices), self.num_elementwise_dims
        require(
            1 <= depth <= data.rank - batch and indices.rank > batch,
            f"index tuples of length {depth} into data {str_shape(data.shape)} with {batch} "
            "elementwise dimensions",
        )
        shared = self._shared(data.shape, indices.shape)
        return (*shared, *indices.shape[batch:-1], *data.shape[batch + depth :])

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known entries at known indices."""
        del outputs
        data, indices = known(values, 0), known(values, 1)
        numbers = extents_of(indices)
        if data is None or indices is None or numbers is None:
            return (None,)
        if self.mode is not GatherMode.DEFAULT or self.num_elementwise_dims:
            return (None,)
        if not all(isinstance(number, int) for number in numbers):
            return (None,)
        places = np.array(numbers, dtype=np.int64).reshape(indices.shape)
        axis = axis_in(self.axis, wanted(inputs, 0, "data").rank)
        taken = np.take(data, places, axis=axis)
        result = np.empty(np.shape(taken), dtype=object)
        result[...] = taken
        return (result,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's take, take_along_axis or fancy indexing."""
        data, indices = needed(inputs, 0, "data"), needed(inputs, 1, "indices")
        if self.mode is GatherMode.ND:
            return (self._evaluate_nd(data, indices),)
        axis = axis_in(self.axis, data.ndim)
        places = _wrapped(indices, data.shape[axis], axis)
        if self.mode is GatherMode.ELEMENT:
            window = tuple(
                slice(None) if a == axis else slice(0, n) for a, n in enumerate(indices.shape)
            )
            return (np.take_along_axis(data[window], places, axis=axis),)
        batch = self.num_elementwise_dims
        if not batch:
            return (np.asarray(np.take(data, places, axis=axis)),)
        lead = data.shape[:batch]
        flat = data.reshape(-1, *data.shape[batch:])
        picks = places.reshape(-1, *indices.shape[batch:])
        parts = [np.take(d, p, axis=axis - batch) for d, p in zip(flat, picks, strict=True)]
        shape = (*data.shape[batch:axis], *indices.shape[batch:], *data.shape[axis + 1 :])
        stacked = np.stack(parts) if parts else np.empty((0, *shape), data.dtype)
        return (stacked.reshape(*lead, *shape),)

    def _evaluate_nd(self, data: Array, indices: Array) -> Array:
        batch, depth = self.num_elementwise_dims, indices.shape[-1]
        lead = data.shape[:batch]
        count = prod(lead)
        flat = data.reshape(count, *data.shape[batch:])
        tuples = indices.reshape(count, -1, depth)  # [B, P, depth]
        picks = [
            _wrapped(tuples[..., k], data.shape[batch + k], batch + k) for k in range(depth)
        ]
        rows = positions(count)[:, None]
        shape = (*lead, *indices.shape[batch:-1], *data.shape[batch + depth :])
        return flat[(rows, *picks)].reshape(shape)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """Indices and the gathered elements are read, the result is written."""
        indices = wanted(inputs, 1, "indices")
        moved = 2 * nbytes(outputs[0].dtype, static(outputs[0].shape))
        return moved + nbytes(indices.dtype, static(indices.shape))


@dataclass(frozen=True)
class Scatter(Op):
    """y = data, with updates written at indices; of several writes to a place the last stays.

    ELEMENT (ONNX's ScatterElements): y[.., indices[i..], ..] = updates[i..] at ``axis``.
    ND (ScatterND): the last dimension of indices holds index tuples.
    """

    kind: ClassVar[str] = "SCATTER"
    axis: int = 0
    mode: ScatterMode = ScatterMode.ELEMENT

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The data's type; updates fit the indices."""
        del values
        data, indices = wanted(inputs, 0, "data"), wanted(inputs, 1, "indices")
        updates = wanted(inputs, 2, "updates")
        _check_indices(indices)
        same_dtype([data, updates], "data and updates")
        if self.mode is ScatterMode.ELEMENT:
            axis_in(self.axis, data.rank, "scattered axis")
            require(indices.rank == data.rank, "indices and data differ in rank")
            expected = indices.shape
        else:
            depth = _tuple_length(indices)
            require(
                1 <= depth <= data.rank,
                f"index tuples of length {depth} into data {str_shape(data.shape)}",
            )
            expected = (*indices.shape[:-1], *data.shape[depth:])
        fits = len(expected) == updates.rank and all(
            dims.equal(a, b) is not False for a, b in zip(expected, updates.shape, strict=True)
        )
        require(
            fits,
            f"updates are {str_shape(updates.shape)}, the indices want {str_shape(expected)}",
        )
        return (data,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Writes into a copy."""
        data, indices = needed(inputs, 0, "data"), needed(inputs, 1, "indices")
        updates = needed(inputs, 2, "updates")
        y = data.copy()
        if self.mode is ScatterMode.ND:
            depth = indices.shape[-1]
            picks = tuple(_wrapped(indices[..., k], data.shape[k], k) for k in range(depth))
            y[picks] = updates
            return (y,)
        axis = axis_in(self.axis, data.ndim)
        places = [
            positions(count).reshape(-1, *(1,) * (data.ndim - 1 - number))
            for number, count in enumerate(indices.shape)
        ]
        places[axis] = _wrapped(indices, data.shape[axis], axis)
        y[tuple(places)] = updates
        return (y,)


@dataclass(frozen=True)
class OneHot(Op):
    """y[.., d, ..] = on where indices = d, else off; the new axis has ``depth`` entries.

    Inputs: indices, values [2] (off, on), and depth as a shape tensor in place of the option.
    Negative indices count from the end; others outside give off everywhere.
    """

    kind: ClassVar[str] = "ONE_HOT"
    axis: int = -1
    depth: int = 0

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The indices' shape with the new axis, in the values' type."""
        indices, levels = wanted(inputs, 0, "indices"), wanted(inputs, 1, "values")
        require(
            levels.rank == 1 and dims.equal(levels.shape[0], 2) is not False,
            f"values are {str_shape(levels.shape)}, not the two of off and on",
        )
        axis = axis_in(self.axis, indices.rank + 1, "one-hot axis")
        depth: Extent = self.depth
        if optional(inputs, 2) is not None:
            entries = extents_of(known(values, 2))
            depth = entries[0] if entries else dims.unknown("depth")
        require(dims.at_least(depth, 0) is not False, f"depth {depth} is negative")
        shape = (*indices.shape[:axis], depth, *indices.shape[axis:])
        return (TensorType(levels.dtype, shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """A comparison of indices and places."""
        indices, levels = needed(inputs, 0, "indices"), needed(inputs, 1, "values")
        dynamic = given(inputs, 2)
        depth = self.depth if dynamic is None else int(dynamic.reshape(-1)[0])
        axis = axis_in(self.axis, indices.ndim + 1)
        whole = np.expand_dims(indices, axis)
        places = np.where(whole < 0, whole + depth, whole)
        steps = positions(depth).reshape(-1, *(1,) * (indices.ndim - axis))
        hot = np.equal(places, steps).astype(np.int64)
        return (np.take(levels, hot),)


@dataclass(frozen=True)
class NonZero(Op):
    """y [rank, count] = indices of the elements of x that are not 0, in row-major order."""

    kind: ClassVar[str] = "NON_ZERO"

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """INT64; the count depends on the data."""
        del values
        x = wanted(inputs, 0, "data")
        return (TensorType(DataType.INT64, (x.rank, dims.unknown("count"))),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's nonzero."""
        x = needed(inputs, 0, "data")
        if not x.ndim:
            return (np.zeros((0, int(x != 0)), np.int64),)
        return (np.stack(np.nonzero(x)).astype(np.int64, copy=False),)
