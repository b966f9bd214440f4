"""RESIZE: nearest, linear and cubic interpolation with ONNX's coordinate rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any, ClassVar

import numpy as np

from trtlab.core.enums import (
    InterpolationMode,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    ResizeSelector,
)
from trtlab.core.types import Dim, Shape, TensorType, nbytes, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    extents_of,
    given,
    known,
    needed,
    optional,
    positions,
    require,
    str_shape,
    wanted,
    wide,
)
from trtlab.layers.dims import Extent

_C = ResizeCoordinateTransformation
_TAPS = {
    InterpolationMode.NEAREST: 1,
    InterpolationMode.LINEAR: 2,
    InterpolationMode.CUBIC: 4,
}
_SIMPLE_DENOMINATOR = 64


def _scaled(extent: Extent, scale: float) -> Extent:
    """``⌊extent · scale⌋`` in float32, as ONNX Runtime computes it."""
    if isinstance(extent, int):
        size = float(np.float32(min(extent, 2**62)) * np.float32(scale))
        require(
            size < 2**62,
            f"{extent} elements scaled by {scale} are too many",
        )
        return int(size)
    ratio = Fraction(scale)
    if ratio.denominator <= _SIMPLE_DENOMINATOR:
        return dims.floor_div(dims.mul(extent, ratio.numerator), ratio.denominator)
    return Dim(f"floor({extent.name}*{scale!r})")


@dataclass(frozen=True)
class Resize(Op):
    """y[p..] = x interpolated at the coordinates that p.. maps to.

    Inputs: x, and the output shape as a shape tensor in place of the ``shape`` option. Without
    either, ``scales`` has one factor an axis and the output has ⌊extent · scale⌋ elements.

    Coordinates, with p the output index and s the scale: p / s (ASYMMETRIC), (p + ½) / s − ½
    (HALF_PIXEL), p · (in − 1) / (out − 1) (ALIGN_CORNERS). With ResizeSelector.UPPER an axis
    of one output element maps to 0 (ONNX's pytorch_half_pixel).
    Source: ONNX operator Resize, opset 11–19.
    """

    kind: ClassVar[str] = "RESIZE"
    shape: tuple[int, ...] = ()
    scales: tuple[float, ...] = ()
    interpolation_mode: InterpolationMode = InterpolationMode.NEAREST
    coordinate_transformation: ResizeCoordinateTransformation = _C.ASYMMETRIC
    selector_for_single_pixel: ResizeSelector = ResizeSelector.FORMULA
    nearest_rounding: ResizeRoundMode = ResizeRoundMode.FLOOR
    cubic_coeff: float = -0.75
    exclude_outside: bool = False

    def _target(self, shape: Shape, entries: Shape | None) -> Shape:
        """The output shape."""
        if entries is None and not self.shape:
            require(
                len(self.scales) == len(shape),
                f"{len(self.scales)} scales for an input of {len(shape)} dimensions",
            )
            for scale in self.scales:
                require(isfinite(scale) and scale > 0, f"scale {scale} is not positive")
            return tuple(_scaled(e, s) for e, s in zip(shape, self.scales, strict=True))
        target = self.shape if entries is None else entries
        require(
            len(target) == len(shape),
            f"shape {str_shape(target)} does not fit an input {str_shape(shape)}",
        )
        for extent in target:
            require(
                dims.at_least(extent, 0) is not False, f"output extent {extent} is negative"
            )
        return target

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The wanted shape, or the scaled one."""
        x = wanted(inputs, 0, "data")
        entries: Shape | None = None
        if optional(inputs, 1) is not None:
            entries = extents_of(known(values, 1))
            if entries is None:
                unknown = tuple(dims.unknown(f"d{axis}") for axis in range(x.rank))
                return (TensorType(x.dtype, unknown),)
        shape = self._target(x.shape, entries)
        for axis, (extent, size) in enumerate(zip(x.shape, shape, strict=True)):
            require(extent != 0 or size == 0, f"axis {axis} is empty; nothing to interpolate")
        return (TensorType(x.dtype, shape),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """One axis after the other: a weighted sum of shifted copies."""
        x, dynamic = needed(inputs, 0, "data"), given(inputs, 1)
        shape = static(self._target(x.shape, extents_of(dynamic)))
        by_shape = dynamic is not None or bool(self.shape)
        nearest = self.interpolation_mode is InterpolationMode.NEAREST
        y = x if nearest else x.astype(wide(x.dtype), copy=False)
        for axis, size in enumerate(shape):
            count = x.shape[axis]
            scale = size / max(count, 1) if by_shape else self.scales[axis]
            if (size, scale) == (count, 1) or not size:
                y = np.take(y, positions(size), axis=axis)
                continue
            places, weights = self.taps(count, size, scale)
            y = _gathered(y, axis, places, None if nearest else weights)
        return (y.astype(x.dtype, copy=y is x),)

    def coordinates(self, count: int, size: int, scale: float) -> Array:
        """Where each output index lies on an input axis: float64 [size].

        For NEAREST computed in float32 as ONNX Runtime does, since ties decide an element.

        Args:
            count: Input elements.
            size: Output elements.
            scale: Output elements an input element.
        """
        nearest = self.interpolation_mode is InterpolationMode.NEAREST
        real = np.float32 if nearest else np.float64
        index = positions(size).astype(real)
        if size == 1 and self.selector_for_single_pixel is ResizeSelector.UPPER:
            return np.zeros(1)
        if self.coordinate_transformation is _C.ALIGN_CORNERS:
            return index * real(count - 1) / real(size - 1) if size > 1 else np.zeros(size)
        if self.coordinate_transformation is _C.HALF_PIXEL:
            return (index + real(0.5)) / real(scale) - real(0.5)
        return index / real(scale)

    def taps(self, count: int, size: int, scale: float) -> tuple[Array, Array]:
        """Input indices and weights of each output index: int64 and float64 [taps, size]."""
        where = self.coordinates(count, size, scale)
        if self.interpolation_mode is InterpolationMode.NEAREST:
            rules: dict[ResizeRoundMode, Callable[[Array], Array]] = {
                ResizeRoundMode.HALF_UP: lambda c: np.floor(c + 0.5),
                ResizeRoundMode.HALF_DOWN: lambda c: np.ceil(c - 0.5),
                ResizeRoundMode.FLOOR: np.floor,
                ResizeRoundMode.CEIL: np.ceil,
            }
            chosen = rules[self.nearest_rounding](where)[None]
            return np.clip(chosen, 0, count - 1).astype(np.int64), np.ones((1, size))
        base = np.floor(where)
        ratio = where - base
        if self.interpolation_mode is InterpolationMode.LINEAR:
            weights, offsets = np.stack([1 - ratio, ratio]), np.array([0, 1])
        else:
            weights, offsets = _cubic(ratio, self.cubic_coeff), np.array([-1, 0, 1, 2])
        places = base.astype(np.int64) + offsets[:, None]
        if self.exclude_outside:
            weights = np.where((places >= 0) & (places < count), weights, 0)
            weights = weights / weights.sum(axis=0)
        return np.clip(places, 0, count - 1), weights

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Two a tap, for every axis that changes, on the output's elements."""
        if self.interpolation_mode is InterpolationMode.NEAREST:
            return 0
        before, after = static(wanted(inputs, 0, "data").shape), static(outputs[0].shape)
        changed = sum(a != b for a, b in zip(before, after, strict=True))
        return 2 * _TAPS[self.interpolation_mode] * changed * volume(after)

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """The data is read, the result written."""
        moved = (wanted(inputs, 0, "data"), outputs[0])
        return sum(nbytes(t.dtype, static(t.shape)) for t in moved)


def _cubic(ratio: Array, a: float) -> Array:
    """Weights of the four neighbours (Keys 1981, doi:10.1109/TASSP.1981.1163711)."""
    far, near = 1 + ratio, ratio
    return np.stack(
        [
            ((a * far - 5 * a) * far + 8 * a) * far - 4 * a,
            ((a + 2) * near - (a + 3)) * near * near + 1,
            ((a + 2) * (1 - near) - (a + 3)) * (1 - near) ** 2 + 1,
            ((a * (2 - near) - 5 * a) * (2 - near) + 8 * a) * (2 - near) - 4 * a,
        ]
    )


def _gathered(x: Array, axis: int, places: Array, weights: Array | None) -> Array:
    """Σ over taps of x at places, weighted."""
    if weights is None:
        return np.take(x, places[0], axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    total: np.ndarray[Any, Any] | None = None
    for place, weight in zip(places, weights, strict=True):
        part = np.take(x, place, axis=axis) * weight.reshape(shape).astype(x.dtype)
        total = part if total is None else total + part
    assert total is not None
    return total
