"""POOLING: the largest or mean value of each window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from trtlab.core.enums import PaddingMode, PoolingType
from trtlab.core.types import TensorType, static, volume
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    needed,
    positions,
    require,
    str_shape,
    wanted,
    wide,
)
from trtlab.layers.window import Window


@dataclass(frozen=True)
class Pooling(Op):
    """y[n,c,p..] = max or mean over r of x[n,c,p·stride + r·dilation − pad..].

    Input: x [N, C, S..]. Output: [N, C, P..]. A blend is
    (1 − blend_factor)·max + blend_factor·mean.
    """

    kind: ClassVar[str] = "POOLING"
    type: PoolingType = PoolingType.MAX
    window_size_nd: tuple[int, ...] = ()
    stride_nd: tuple[int, ...] = ()
    pre_padding: tuple[int, ...] = ()
    post_padding: tuple[int, ...] = ()
    dilation_nd: tuple[int, ...] = ()
    padding_mode: PaddingMode = PaddingMode.EXPLICIT_ROUND_DOWN
    blend_factor: float = 0.0
    average_count_excludes_padding: bool = True

    def window(self) -> Window:
        """Stride, dilation and padding in full."""
        padding = (self.pre_padding, self.post_padding)
        return Window.resolve(
            self.window_size_nd, self.stride_nd, self.dilation_nd, padding, self.padding_mode
        )

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The window's axes are the last ones."""
        del values
        x, rank = wanted(inputs, 0, "data"), len(self.window_size_nd)
        require(rank >= 1, "window_size_nd is empty")
        require(
            x.rank >= rank,
            f"a window {self.window_size_nd} does not fit an input {str_shape(x.shape)}",
        )
        lead = x.rank - rank
        return (
            TensorType(x.dtype, (*x.shape[:lead], *self.window().outputs(x.shape[lead:]))),
        )

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Reductions over strided views."""
        x = needed(inputs, 0, "data")
        data = x.astype(wide(x.dtype), copy=False)
        if self.type is PoolingType.MAX:
            return (self._largest(data).astype(x.dtype, copy=False),)
        mean = self._mean(data)
        if self.type is PoolingType.MAX_AVERAGE_BLEND:
            mean = (1 - self.blend_factor) * self._largest(data) + self.blend_factor * mean
        return (mean.astype(x.dtype, copy=False),)

    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-len(self.window_size_nd), 0))

    def _largest(self, x: Array) -> Array:
        integers = np.issubdtype(x.dtype, np.integer)
        lowest = np.iinfo(x.dtype).min if integers else -np.inf
        return self.window().views(x, lowest).max(axis=self._axes())

    def _mean(self, x: Array) -> Array:
        window = self.window()
        total = window.views(x, 0).sum(axis=self._axes())
        spatial = x.shape[x.ndim - len(window.size) :]
        if self.average_count_excludes_padding:
            return total / window.views(np.ones(spatial, x.dtype), 0).sum(axis=self._axes())
        padded = [
            extent + before + behind
            for extent, (before, behind) in zip(spatial, window.padding(spatial), strict=True)
        ]
        return total / _counts(window, padded, total.shape[x.ndim - len(spatial) :], x.dtype)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """One a tap and output."""
        del inputs
        return self.window().taps * volume(static(outputs[0].shape))


def _counts(
    window: Window, padded: Sequence[int], outputs: Sequence[int], dtype: np.dtype[Any]
) -> Array:
    """Elements under each window of a padded input of this size: [P..].

    Only rounding up makes a window reach beyond the padding; what lies there does not count.
    """
    total = np.ones((), dtype)
    for axis, out in enumerate(outputs):
        starts = positions(out, 0, window.stride[axis])
        taps = positions(window.size[axis], 0, window.dilation[axis])
        inside = (starts[:, None] + taps) < padded[axis]
        total = np.multiply.outer(total, inside.sum(axis=1).astype(dtype))
    return total
