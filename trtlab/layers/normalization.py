"""NORMALIZATION (layer, instance, group and root-mean-square) and LRN."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from trtlab.core.types import DataType, TensorType, static, volume
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    axes_in,
    broadcast,
    given,
    needed,
    optional,
    require,
    str_shape,
    wanted,
    wide,
)


@dataclass(frozen=True)
class Normalization(Op):
    """y = (x − mean x) / √(var x + ε) · scale + bias; with ``rms`` x / √(mean x² + ε) · ….

    Inputs: x [N, C, S..], scale or None, bias or None; both broadcast against x. Statistics
    are taken over ``axes``: the trailing ones for layer normalization, the spatial ones for
    instance normalization. With ``num_groups`` above 1 the channels (axis 1) are split into
    groups and statistics are taken over a group's channels and ``axes``; scale and bias then
    have one entry a channel, or one a group: [1, groups, 1..].
    """

    kind: ClassVar[str] = "NORMALIZATION"
    axes: tuple[int, ...] = ()
    epsilon: float = 1e-5
    num_groups: int = 1
    compute_precision: DataType = DataType.FLOAT
    rms: bool = False

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The data's type."""
        del values
        x = wanted(inputs, 0, "data")
        require(
            x.dtype.is_float,
            f"normalization is not defined on {x.dtype.value}",
            hint="insert a Cast",
        )
        require(bool(self.axes), "a normalization over no axis")
        axes = axes_in(self.axes, x.rank, "normalized axis")
        require(self.num_groups >= 1, f"num_groups is {self.num_groups}")
        if self.num_groups > 1:
            require(
                x.rank > 2 and not {0, 1} & set(axes),
                f"groups need spatial axes, not {self.axes} of {str_shape(x.shape)}",
            )
            channels = x.shape[1]
            require(
                not isinstance(channels, int) or channels % self.num_groups == 0,
                f"{channels} channels do not divide into {self.num_groups} groups",
            )
        for index, role in ((1, "scale"), (2, "bias")):
            weights = optional(inputs, index)
            if weights is not None:
                self._check(x, weights, role)
        return (x,)

    def _check(self, x: TensorType, weights: TensorType, role: str) -> None:
        require(
            weights.dtype in {x.dtype, self.compute_precision},
            f"{role} is {weights.dtype.value}, the data {x.dtype.value}",
        )
        shape = weights.shape
        if self._per_group(shape, x.shape):
            return
        require(
            broadcast([x.shape, shape]) == x.shape,
            f"{role} {str_shape(shape)} does not broadcast to {str_shape(x.shape)}",
        )

    def _per_group(self, shape: Sequence[object], data: Sequence[object]) -> bool:
        if self.num_groups == 1 or len(shape) != len(data):
            return False
        return shape[1] == self.num_groups and all(
            extent == 1 for axis, extent in enumerate(shape) if axis != 1
        )

    def _spread(self, weights: Array, x: Array, dtype: np.dtype[Any]) -> Array:
        """Scale or bias in a shape that broadcasts against the data."""
        if self._per_group(weights.shape, x.shape):
            weights = np.repeat(weights, x.shape[1] // self.num_groups, axis=1)
        return weights.astype(dtype)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Statistics in ``compute_precision``, or in the input's if that is wider."""
        x = needed(inputs, 0, "data")
        work = np.promote_types(wide(x.dtype), wide(self.compute_precision.numpy))
        data, axes = x.astype(work), axes_in(self.axes, x.ndim)
        if self.num_groups > 1:
            split = (x.shape[0], self.num_groups, -1, *x.shape[2:])
            data = data.reshape(split)  # [N, G, C/G, S..]
            axes = (2, *(axis + 1 for axis in axes))
        epsilon = np.asarray(self.epsilon, work)
        if self.rms:
            y = data / np.sqrt(np.mean(data * data, axis=axes, keepdims=True) + epsilon)
        else:
            centred = data - data.mean(axis=axes, keepdims=True)
            y = centred / np.sqrt(
                np.mean(centred * centred, axis=axes, keepdims=True) + epsilon
            )
        y = y.reshape(x.shape)
        scale, bias = given(inputs, 1), given(inputs, 2)
        if scale is not None:
            y = y * self._spread(scale, x, work)
        if bias is not None:
            y = y + self._spread(bias, x, work)
        return (y.astype(x.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """An element: mean and centring 1 each (not rms), variance 2, product 1, weights."""
        weights = sum(optional(inputs, index) is not None for index in (1, 2))
        return volume(static(outputs[0].shape)) * ((3 if self.rms else 5) + weights)


@dataclass(frozen=True)
class LRN(Op):
    """y[n,c] = x[n,c] / (k + α/size · Σ x[n,c']²)^β, c' in a window of channels around c."""

    kind: ClassVar[str] = "LRN"
    window_size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The input's type."""
        del values
        x = wanted(inputs, 0, "data")
        require(x.rank >= 2, f"the input {str_shape(x.shape)} has no channels")
        require(x.dtype.is_float, f"LRN is not defined on {x.dtype.value}")
        require(self.window_size >= 1, f"window_size is {self.window_size}")
        return (x,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The window reaches ⌊(size−1)/2⌋ channels back and ⌈(size−1)/2⌉ ahead."""
        x = needed(inputs, 0, "data")
        data = x.astype(wide(x.dtype), copy=False)
        # A window wider than twice the channels sees all of them from every place.
        back = min((self.window_size - 1) // 2, x.shape[1])
        ahead = min(self.window_size // 2, x.shape[1])
        around = [(0, 0), (back, ahead), *[(0, 0)] * (x.ndim - 2)]
        squares = np.pad(data * data, around)
        total = sliding_window_view(squares, back + ahead + 1, axis=1).sum(axis=-1)
        y = data / (self.k + self.alpha / self.window_size * total) ** self.beta
        return (y.astype(x.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """An element: two a window entry, and nine for factor, sum, power and quotient."""
        del inputs
        shape = static(outputs[0].shape)
        return volume(shape) * (2 * min(self.window_size, shape[1]) + 9)
