"""SLICE and PADDING: a box of a tensor, which may reach beyond it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import SampleMode
from trtlab.core.types import Shape, TensorType, nbytes, static
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    axes_in,
    extents_of,
    given,
    known,
    needed,
    optional,
    positions,
    require,
    small_shape,
    str_shape,
    wanted,
)
from trtlab.layers.dims import Extent


def sample(x: Array, axis: int, places: Array, mode: SampleMode, fill: object) -> Array:
    """Entries of x along an axis at places that may lie outside it.

    Raises:
        InvalidNetworkError: A place lies outside and the mode forbids it.
    """
    count = x.shape[axis]
    outside = (places < 0) | (places >= count)
    if not outside.any():
        return np.take(x, places, axis=axis)
    require(
        mode is not SampleMode.STRICT_BOUNDS,
        f"positions {places.min()}..{places.max()} leave axis {axis} with {count} elements",
    )
    if mode is SampleMode.FILL:
        shape = [1] * x.ndim
        shape[axis] = places.size
        filler = np.asarray(fill).astype(x.dtype)
        if not count:
            return np.full((*x.shape[:axis], places.size, *x.shape[axis + 1 :]), filler)
        taken = np.take(x, np.where(outside, 0, places), axis=axis)
        return np.where(outside.reshape(shape), filler, taken)
    require(count > 0, f"axis {axis} is empty; {mode.value} has nothing to repeat")
    return np.take(x, _folded(places, count, mode), axis=axis)


def _folded(places: Array, count: int, mode: SampleMode) -> Array:
    """Places beyond an axis, brought inside it."""
    if mode is SampleMode.WRAP:
        return np.mod(places, count)
    if mode is SampleMode.CLAMP:
        return np.clip(places, 0, count - 1)
    period = max(2 * (count - 1), 1)
    within = np.mod(places, period)
    return np.where(within >= count, period - within, within)


# ONNX writes "to the end" as the largest integer of 32 or 64 bits; no named size is as large.
_ENDLESS = 2**31 - 1


def _clamped(position: int, extent: Extent, low: int, high: Extent) -> Extent:
    """A slice bound counted from the front, between ``low`` and ``high``."""
    if position >= _ENDLESS:
        return high
    if position < -_ENDLESS:
        return low
    if position >= 0:
        return dims.minimum(high, position)
    return dims.maximum(dims.add(extent, position), low)


@dataclass(frozen=True)
class Slice(Op):
    """y[i..] = x[start + i·stride..], for i below shape.

    Inputs: x, then as optional shape tensors in place of the options: start, shape, stride;
    and the value of FILL. The options have one entry for each of ``axes`` (all axes when
    None); empty start and stride mean zeros and ones.

    When ``stop`` is given, Python's slice rules hold on each axis instead of ``shape``: bounds
    count from the end when negative, are clamped, and None means the whole rest. This serves
    dimensions that are known by name only.
    """

    kind: ClassVar[str] = "SLICE"
    start: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    axes: tuple[int, ...] | None = None
    mode: SampleMode = SampleMode.STRICT_BOUNDS
    stop: tuple[int | None, ...] | None = None

    def resolve(
        self, shape: Shape, values: Sequence[ShapeValue], dynamic: Sequence[bool]
    ) -> tuple[tuple[Extent | None, Extent | None, Extent | None], ...]:
        """Start, size and stride on every axis of an input; None where unknown.

        Args:
            shape: The input's.
            values: Known integers by input position.
            dynamic: Whether an input is given, by position.
        """
        axes = tuple(range(len(shape)))
        if self.axes is not None:
            axes = axes_in(self.axes, len(shape), "sliced axis")
        count = len(axes)
        starts = self._option(self.start, 0, count, (1, "start"), values, dynamic)
        strides = self._option(self.stride, 1, count, (3, "stride"), values, dynamic)
        if self.stop is not None:
            require(
                not any(dynamic[1:4]), "stop does not go with start, shape or stride inputs"
            )
            require(
                len(self.stop) == count,
                f"stop {self.stop} has {len(self.stop)} entries for {count} axes",
            )
        sizes = self._option(self.shape, None, count, (2, "shape"), values, dynamic)
        found: list[tuple[Extent | None, Extent | None, Extent | None]] = [
            (0, extent, 1) for extent in shape
        ]
        for number, axis in enumerate(axes):
            begin, step, size = starts[number], strides[number], sizes[number]
            require(step != 0, f"the stride on axis {axis} is 0")
            if self.stop is not None:
                assert isinstance(begin, int)
                assert isinstance(step, int)
                begin, size = _python_slice(shape[axis], begin, self.stop[number], step)
            found[axis] = (begin, size, step)
        return tuple(found)

    def _option(
        self,
        option: tuple[int, ...],
        default: int | None,
        count: int,
        place: tuple[int, str],
        values: Sequence[ShapeValue],
        dynamic: Sequence[bool],
    ) -> tuple[Extent | None, ...]:
        index, name = place
        entries: tuple[Extent | None, ...] | None = option
        if index < len(dynamic) and dynamic[index]:
            entries = extents_of(known(values, index))
            if entries is None:
                return (None,) * count
        elif not option and (default is not None or self.stop is not None):
            return (default,) * count
        require(
            len(entries) == count,
            f"{name} {entries} has {len(entries)} entries for {count} axes",
        )
        return entries

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The sizes, after a check of the bounds where they are known."""
        x = wanted(inputs, 0, "data")
        boxes = self.resolve(x.shape, values, [t is not None for t in inputs])
        shape: list[Extent] = []
        for axis, (start, size, step) in enumerate(boxes):
            if size is None:
                shape.append(dims.unknown(f"d{axis}"))
                continue
            require(
                dims.at_least(size, 0) is not False, f"size {size} on axis {axis} is negative"
            )
            shape.append(size)
            if (
                self.mode is SampleMode.STRICT_BOUNDS
                and start is not None
                and step is not None
            ):
                self._check(x, axis, start, size, step)
        return (TensorType(x.dtype, tuple(shape)),)

    def _check(
        self, x: TensorType, axis: int, start: Extent, size: Extent, step: Extent
    ) -> None:
        if dims.at_least(size, 1) is not True:
            return
        last = dims.add(start, dims.mul(dims.sub(size, 1), step))
        for position in (start, last):
            inside = (
                dims.at_least(position, 0) is not False
                and dims.at_least(x.shape[axis], dims.add(position, 1)) is not False
            )
            require(
                inside,
                f"a slice from {start}, {size} elements, stride {step}, leaves axis {axis} "
                f"of {str_shape(x.shape)}",
                hint="give shapes for which it stays inside, or take another SampleMode",
            )

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known entries of a known tensor inside its bounds."""
        value = known(values, 0)
        boxes = self.resolve(
            wanted(inputs, 0, "data").shape, values, [t is not None for t in inputs]
        )
        if value is None or small_shape(outputs[0].shape) is None:
            return (None,)
        for axis, box in enumerate(boxes):
            numbers = [entry for entry in box if isinstance(entry, int)]
            if len(numbers) != len(box):
                return (None,)
            places = positions(numbers[1], numbers[0], numbers[2])
            outside = (places < 0) | (places >= value.shape[axis])
            if outside.any():
                return (None,)
            value = np.take(value, places, axis=axis)
        return (value,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's take on each axis in turn."""
        x, fill = needed(inputs, 0, "data"), given(inputs, 4)
        values = [None if i == 0 else v for i, v in enumerate(inputs)]
        boxes = self.resolve(x.shape, values, [v is not None for v in inputs])
        y = x
        for axis, (start, size, step) in enumerate(boxes):
            assert isinstance(start, int)
            assert isinstance(size, int)
            assert isinstance(step, int)
            if (start, size, step) != (0, x.shape[axis], 1):
                places = positions(size, start, step)
                y = sample(y, axis, places, self.mode, 0 if fill is None else fill.reshape(()))
        return (y.copy() if y is x else y,)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """What is written was read."""
        del inputs
        return 2 * nbytes(outputs[0].dtype, static(outputs[0].shape))


def _python_slice(
    extent: Extent, start: int, stop: int | None, step: int
) -> tuple[Extent, Extent]:
    """Start and size of ``range(extent)[start:stop:step]``."""
    if isinstance(extent, int):
        begin, end, _ = slice(start, stop, step).indices(extent)
        return begin, len(range(begin, end, step))
    if step > 0:
        begin = _clamped(start, extent, 0, extent)
        end = extent if stop is None else _clamped(stop, extent, 0, extent)
        return begin, dims.ceil_div(dims.maximum(dims.sub(end, begin), 0), step)
    last = dims.sub(extent, 1)
    begin = _clamped(start, extent, -1, last)
    end = -1 if stop is None else _clamped(stop, extent, -1, last)
    return begin, dims.ceil_div(dims.maximum(dims.sub(begin, end), 0), -step)


@dataclass(frozen=True)
class Padding(Op):
    """y = x with elements added (or, where negative, removed) before and behind each axis.

    Inputs: x, pads as a shape tensor [2·rank] (all before, then all behind) in place of the
    options, and the value of FILL in place of the ``value`` option.
    """

    kind: ClassVar[str] = "PADDING"
    pre_padding: tuple[int, ...] = ()
    post_padding: tuple[int, ...] = ()
    mode: SampleMode = SampleMode.FILL
    value: float = 0.0

    def _pads(
        self, rank: int, dynamic: tuple[Extent, ...] | None
    ) -> tuple[tuple[Extent, ...], tuple[Extent, ...]]:
        if dynamic is not None:
            require(
                len(dynamic) == 2 * rank,
                f"{len(dynamic)} pads for a tensor of {rank} dimensions",
            )
            return dynamic[:rank], dynamic[rank:]
        for name, pads in (
            ("pre_padding", self.pre_padding),
            ("post_padding", self.post_padding),
        ):
            require(
                len(pads) in {0, rank},
                f"{name} {pads} has {len(pads)} entries for a tensor of {rank} dimensions",
            )
        zeros = (0,) * rank
        return self.pre_padding or zeros, self.post_padding or zeros

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Each axis grows by its pads."""
        x = wanted(inputs, 0, "data")
        require(
            self.mode is not SampleMode.STRICT_BOUNDS,
            "padding reads outside: not STRICT_BOUNDS",
        )
        dynamic: tuple[Extent, ...] | None = None
        if optional(inputs, 1) is not None:
            dynamic = extents_of(known(values, 1))
            if dynamic is None:
                shape = tuple(dims.unknown(f"d{axis}") for axis in range(x.rank))
                return (TensorType(x.dtype, shape),)
        pre, post = self._pads(x.rank, dynamic)
        shape = tuple(
            dims.add(extent, before, behind)
            for extent, before, behind in zip(x.shape, pre, post, strict=True)
        )
        for axis, extent in enumerate(shape):
            require(
                dims.at_least(extent, 0) is not False,
                f"pads {pre[axis]} and {post[axis]} leave {extent} elements on axis {axis} of "
                f"{str_shape(x.shape)}",
            )
        return (TensorType(x.dtype, shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's take on each axis in turn."""
        x, pads, value = needed(inputs, 0, "data"), given(inputs, 1), given(inputs, 2)
        pre, post = self._pads(x.ndim, extents_of(pads))
        fill = self.value if value is None else value.reshape(())
        y = x
        for axis, (before, behind) in enumerate(zip(pre, post, strict=True)):
            assert isinstance(before, int)
            assert isinstance(behind, int)
            if before or behind:
                places = positions(x.shape[axis] + before + behind, -before)
                y = sample(y, axis, places, self.mode, fill)
        return (y.copy() if y is x else y,)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """The data is read, the result written."""
        moved = (wanted(inputs, 0, "data"), outputs[0])
        return sum(nbytes(t.dtype, static(t.shape)) for t in moved)
