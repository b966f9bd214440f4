"""SHUFFLE, SQUEEZE, UNSQUEEZE, CONCATENATION, EXPAND and REVERSE_SEQUENCE: elements move."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.types import DataType, Shape, TensorType, nbytes, static
from trtlab.layers import dims
from trtlab.layers.base import (
    MAX_SHAPE_VALUES,
    Array,
    Op,
    ShapeValue,
    axes_in,
    axis_in,
    broadcast,
    extents_of,
    given,
    known,
    needed,
    optional,
    positions,
    present,
    require,
    same_dtype,
    small_shape,
    str_shape,
    unify,
    wanted,
)
from trtlab.layers.dims import Extent


def reshaped(
    shape: Shape, wanted_dims: Sequence[Extent], *, zero_copies: bool = True
) -> Shape:
    """The shape after a reshape in which −1 is inferred and 0 copies.

    Raises:
        InvalidNetworkError: The number of elements would change for certain.
    """
    result: list[Extent] = []
    for axis, entry in enumerate(wanted_dims):
        if entry == 0 and zero_copies:
            require(
                axis < len(shape),
                f"dimension {axis} of reshape {str_shape(tuple(wanted_dims))} copies one that "
                f"{str_shape(shape)} does not have",
            )
            result.append(shape[axis])
            continue
        require(
            not isinstance(entry, int) or entry >= -1,
            f"reshape {str_shape(tuple(wanted_dims))} has an entry below -1",
        )
        result.append(entry)
    total = dims.product(shape)
    message = f"{str_shape(shape)} does not reshape to {str_shape(tuple(wanted_dims))}"
    places = [axis for axis, entry in enumerate(result) if entry == -1]
    if not places:
        require(_may_equal(total, dims.product(result)), message)
        return tuple(result)
    require(len(places) == 1, f"reshape {str_shape(tuple(wanted_dims))} has several -1")
    others = dims.product([entry for entry in result if entry != -1])
    if others == 0:
        require(total == 0, message)
        result[places[0]] = 0
        return tuple(result)
    exact = dims.exact_div(total, others)
    require(
        exact is not None or not isinstance(total, int) or not isinstance(others, int), message
    )
    result[places[0]] = dims.floor_div(total, others) if exact is None else exact
    return tuple(result)


def _may_equal(a: Extent, b: Extent) -> bool:
    """Whether two element counts agree for some positive sizes."""
    return dims.equal(a, b) is not False


@dataclass(frozen=True)
class Shuffle(Op):
    """y = transpose₂(reshape(transpose₁(x))).

    Inputs: x, and the reshape dimensions as a shape tensor in place of ``reshape_dims``. In
    these −1 is inferred and 0 copies the extent of the (transposed) input, unless
    ``zero_is_placeholder`` is off. Empty permutations leave the order.
    """

    kind: ClassVar[str] = "SHUFFLE"
    first_transpose: tuple[int, ...] = ()
    reshape_dims: tuple[int, ...] | None = None
    zero_is_placeholder: bool = True
    second_transpose: tuple[int, ...] = ()

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Three steps in turn."""
        x = wanted(inputs, 0, "data")
        shape = _permuted(x.shape, self.first_transpose, "first_transpose")
        dynamic = optional(inputs, 1)
        if dynamic is not None:
            entries = extents_of(known(values, 1))
            if entries is None:
                shape = tuple(dims.unknown(f"d{i}") for i in range(_length(dynamic)))
            else:
                shape = reshaped(shape, entries, zero_copies=self.zero_is_placeholder)
        elif self.reshape_dims is not None:
            shape = reshaped(shape, self.reshape_dims, zero_copies=self.zero_is_placeholder)
        return (
            TensorType(x.dtype, _permuted(shape, self.second_transpose, "second_transpose")),
        )

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """A reshape keeps known integers."""
        del inputs
        value, shape = known(values, 0), small_shape(outputs[0].shape)
        if value is None or shape is None or self._moves():
            return (None,)
        return (value.reshape(shape),)

    def _moves(self) -> bool:
        orders = (self.first_transpose, self.second_transpose)
        return any(order != tuple(range(len(order))) for order in orders)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's transpose and reshape."""
        x = needed(inputs, 0, "data")
        y = x.transpose(self.first_transpose) if self.first_transpose else x
        dynamic = given(inputs, 1)
        target = self.reshape_dims if dynamic is None else tuple(int(n) for n in dynamic)
        if target is not None:
            shape = reshaped(y.shape, target, zero_copies=self.zero_is_placeholder)
            y = y.reshape(static(shape))
        y = y.transpose(self.second_transpose) if self.second_transpose else y
        return (y.copy(),)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """A reshape alone moves nothing; a transposition reads and writes everything."""
        del inputs
        return 2 * nbytes(outputs[0].dtype, static(outputs[0].shape)) if self._moves() else 0


def _permuted(shape: Shape, order: tuple[int, ...], name: str) -> Shape:
    if not order:
        return shape
    require(
        sorted(order) == list(range(len(shape))),
        f"{name} {order} is no permutation of the axes of {str_shape(shape)}",
    )
    return tuple(shape[axis] for axis in order)


def _length(shape: TensorType) -> int:
    """Entries of a shape tensor, which must be known when building."""
    count = shape.shape[0] if shape.rank == 1 else None
    require(
        isinstance(count, int),
        f"a shape tensor has shape {str_shape(shape.shape)}, not a known number of entries",
    )
    assert isinstance(count, int)
    return count


class _View(Op):
    """An operator that only renames axes: no element moves."""

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """Nothing."""
        del inputs, outputs
        return 0

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known integers stay known."""
        del inputs
        value, shape = known(values, 0), small_shape(outputs[0].shape)
        return (None if value is None or shape is None else value.reshape(shape),)


@dataclass(frozen=True)
class Squeeze(_View):
    """y = x without the given axes, which have one element; no axes means all such."""

    kind: ClassVar[str] = "SQUEEZE"
    axes: tuple[int, ...] = ()

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The axes fall away."""
        del values
        x = wanted(inputs, 0, "data")
        axes = axes_in(self.axes, x.rank, "squeezed axis")
        for axis in axes:
            require(
                dims.equal(x.shape[axis], 1) is not False,
                f"axis {axis} of {str_shape(x.shape)} has {x.shape[axis]} elements, not 1",
            )
        if not self.axes:
            axes = tuple(axis for axis, extent in enumerate(x.shape) if extent == 1)
        return (TensorType(x.dtype, tuple(e for i, e in enumerate(x.shape) if i not in axes)),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's squeeze."""
        x = needed(inputs, 0, "data")
        return (np.squeeze(x, axis=self.axes or None).copy(),)


@dataclass(frozen=True)
class Unsqueeze(_View):
    """y = x with axes of one element put in; axes are those of the result."""

    kind: ClassVar[str] = "UNSQUEEZE"
    axes: tuple[int, ...] = ()

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The axes come in."""
        del values
        x = wanted(inputs, 0, "data")
        axes = axes_in(self.axes, x.rank + len(self.axes), "new axis")
        rest = iter(x.shape)
        count = x.rank + len(axes)
        return (
            TensorType(x.dtype, tuple(1 if i in axes else next(rest) for i in range(count))),
        )

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's expand_dims."""
        return (np.expand_dims(needed(inputs, 0, "data"), self.axes).copy(),)


@dataclass(frozen=True)
class Concatenation(Op):
    """y = the inputs one behind the other along an axis."""

    kind: ClassVar[str] = "CONCATENATION"
    axis: int = 0

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The axis adds up, the others agree."""
        del values
        types = [present(t, f"part {i}") for i, t in enumerate(inputs)]
        require(bool(types), "a concatenation of nothing")
        same_dtype(types, "the parts of a concatenation")
        shapes = ", ".join(str_shape(t.shape) for t in types)
        require(
            len({t.rank for t in types}) == 1,
            f"parts {shapes} differ in rank",
            hint="reshape them to one rank",
        )
        axis = axis_in(self.axis, types[0].rank, "concatenation axis")
        shape = [
            dims.add(*extents)
            if number == axis
            else unify(extents, f"parts {shapes} of a concatenation along axis {axis}")
            for number, extents in enumerate(zip(*(t.shape for t in types), strict=True))
        ]
        return (TensorType(types[0].dtype, tuple(shape)),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known when every part is."""
        del inputs, outputs
        parts = [value for value in values if value is not None]
        if len(parts) != len(values) or sum(p.size for p in parts) > MAX_SHAPE_VALUES:
            return (None,)
        return (np.concatenate(parts, axis=self.axis),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's concatenate."""
        arrays = [needed(inputs, i, f"part {i}") for i in range(len(inputs))]
        return (np.concatenate(arrays, axis=self.axis),)


@dataclass(frozen=True)
class Expand(Op):
    """y = x broadcast against a shape, in both directions (ONNX's rule).

    Inputs: x, and the shape as a shape tensor in place of the ``shape`` option.
    """

    kind: ClassVar[str] = "EXPAND"
    shape: tuple[int, ...] = ()

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """NumPy's broadcasting of the input's shape and the wanted one."""
        x, dynamic = wanted(inputs, 0, "data"), optional(inputs, 1)
        target: Shape | None = self.shape
        if dynamic is not None:
            target = extents_of(known(values, 1))
        if target is None:
            assert dynamic is not None
            rank = max(x.rank, _length(dynamic))
            lead = rank - x.rank
            unknown = [dims.unknown(f"d{axis}") for axis in range(rank)]
            shape = tuple(
                x.shape[axis - lead]
                if axis >= lead and _above_one(x.shape[axis - lead])
                else name
                for axis, name in enumerate(unknown)
            )
            return (TensorType(x.dtype, shape),)
        require(
            all(dims.at_least(extent, 0) is not False for extent in target),
            f"expansion to {str_shape(target)}: an extent is negative",
        )
        return (TensorType(x.dtype, broadcast([x.shape, target])),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known integers, repeated."""
        del inputs
        value, shape = known(values, 0), small_shape(outputs[0].shape)
        if value is None or shape is None:
            return (None,)
        return (np.broadcast_to(value, shape).copy(),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's broadcast_to."""
        x, dynamic = needed(inputs, 0, "data"), given(inputs, 1)
        target = self.shape if dynamic is None else tuple(int(n) for n in dynamic)
        return (np.broadcast_to(x, np.broadcast_shapes(x.shape, target)).copy(),)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """The data is read once, the result written."""
        moved = (wanted(inputs, 0, "data"), outputs[0])
        return sum(nbytes(t.dtype, static(t.shape)) for t in moved)


def _above_one(extent: Extent) -> bool:
    return isinstance(extent, int) and extent > 1


@dataclass(frozen=True)
class ReverseSequence(Op):
    """y = x with the first lengths[b] entries of each sequence in reverse order."""

    kind: ClassVar[str] = "REVERSE_SEQUENCE"
    batch_axis: int = 1
    sequence_axis: int = 0

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The data's type; one length a batch entry."""
        del values
        x, lengths = wanted(inputs, 0, "data"), wanted(inputs, 1, "lengths")
        batch = axis_in(self.batch_axis, x.rank, "batch axis")
        sequence = axis_in(self.sequence_axis, x.rank, "sequence axis")
        require(batch != sequence, f"batch and sequence axis are both {batch}")
        require(
            lengths.dtype in {DataType.INT32, DataType.INT64},
            f"lengths are {lengths.dtype.value}, not integers",
            hint="insert a Cast",
        )
        some_axis = lengths.rank == 1 and lengths.shape[0] in x.shape
        require(
            lengths.rank == 1 and dims.equal(lengths.shape[0], x.shape[batch]) is not False,
            f"lengths {str_shape(lengths.shape)} do not fit a batch of {x.shape[batch]}",
            hint="" if some_axis else f"give {x.shape[batch]} lengths, one a sequence",
        )
        return (x,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Indices mirrored inside each length."""
        x, lengths = needed(inputs, 0, "data"), needed(inputs, 1, "lengths")
        batch, sequence = axis_in(self.batch_axis, x.ndim), axis_in(self.sequence_axis, x.ndim)
        return (reverse_within(x, lengths, batch, sequence),)


def reverse_within(x: Array, lengths: Array, batch: int, sequence: int) -> Array:
    """The first lengths[b] entries along the sequence axis reversed, the rest unchanged."""
    places = positions(x.shape[sequence])[:, None]  # [T, 1]
    mirrored = np.where(places < lengths, lengths - 1 - places, places)  # [T, B]
    if sequence > batch:
        mirrored = mirrored.T
    shape = [1] * x.ndim
    shape[batch], shape[sequence] = x.shape[batch], x.shape[sequence]
    return np.take_along_axis(x, mirrored.reshape(shape), axis=sequence)
