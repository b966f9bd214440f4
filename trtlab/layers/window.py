"""Sliding windows over spatial axes: what convolution and pooling share."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from trtlab.core.enums import PaddingMode
from trtlab.layers import dims
from trtlab.layers.base import Array, require
from trtlab.layers.dims import Extent

_SAME = (PaddingMode.SAME_UPPER, PaddingMode.SAME_LOWER)


@dataclass(frozen=True, slots=True)
class Window:
    """A window of one spatial rank: every tuple has one entry an axis.

    Attributes:
        size: Taps.
        stride: Distance between windows.
        dilation: Distance between taps.
        pre: Padding before, in explicit modes.
        post: Padding behind, in explicit modes.
        mode: How padding and rounding are decided.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pre: tuple[int, ...]
    post: tuple[int, ...]
    mode: PaddingMode

    @classmethod
    def resolve(
        cls,
        size: Sequence[int],
        stride: Sequence[int],
        dilation: Sequence[int],
        padding: tuple[Sequence[int], Sequence[int]],
        mode: PaddingMode,
    ) -> "Window":
        """Fill empty tuples with ones (stride, dilation) or zeros (padding).

        Raises:
            InvalidNetworkError: A tuple has another rank, or an entry is out of range.
        """
        rank = len(size)
        for name, entries, least in (
            ("window", size, 1),
            ("stride", stride, 1),
            ("dilation", dilation, 1),
            ("pre-padding", padding[0], 0),
            ("post-padding", padding[1], 0),
        ):
            require(
                len(entries) in {0, rank},
                f"{name} {tuple(entries)} has {len(entries)} entries for {rank} spatial axes",
            )
            require(
                all(entry >= least for entry in entries),
                f"{name} {tuple(entries)} has an entry below {least}",
            )
        ones, zeros = (1,) * rank, (0,) * rank
        return cls(
            tuple(size),
            tuple(stride) or ones,
            tuple(dilation) or ones,
            tuple(padding[0]) or zeros,
            tuple(padding[1]) or zeros,
            mode,
        )

    @property
    def reach(self) -> tuple[int, ...]:
        """Input elements from the first tap to the last."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.size, self.dilation, strict=True))

    def padding(self, spatial: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Elements of padding before and behind each axis of an input of this size."""
        if self.mode not in _SAME:
            return tuple(zip(self.pre, self.post, strict=True))
        pads: list[tuple[int, int]] = []
        for extent, stride, reach in zip(spatial, self.stride, self.reach, strict=True):
            total = max((-(-extent // stride) - 1) * stride + reach - extent, 0)
            small = total // 2
            upper = self.mode is PaddingMode.SAME_UPPER
            pads.append((small, total - small) if upper else (total - small, small))
        return tuple(pads)

    def outputs(self, spatial: Sequence[Extent]) -> tuple[Extent, ...]:
        """Number of windows on each axis.

        Rounding up never adds a window that lies wholly in the padding behind (the rule of
        ONNX since opset 19).

        Raises:
            InvalidNetworkError: The window does not fit into the padded input.
        """
        return tuple(self._outputs_on(axis, extent) for axis, extent in enumerate(spatial))

    def _outputs_on(self, axis: int, extent: Extent) -> Extent:
        stride, reach = self.stride[axis], self.reach[axis]
        if self.mode in _SAME:
            return dims.ceil_div(extent, stride)
        pre, post = self.pre[axis], self.post[axis]
        room = dims.sub(dims.add(extent, pre + post), reach)
        require(
            not isinstance(room, int) or room >= 0,
            f"a window that reaches over {reach} elements does not fit into axis {axis} with "
            f"{extent} elements and {pre}+{post} of padding",
        )
        if self.mode is PaddingMode.EXPLICIT_ROUND_DOWN:
            return dims.add(dims.floor_div(room, stride), 1)
        windows = dims.add(dims.ceil_div(room, stride), 1)
        if post + stride <= reach:
            return windows
        inside = dims.add(dims.floor_div(dims.add(extent, pre - 1), stride), 1)
        return dims.minimum(windows, inside)

    def views(self, x: Array, fill: float) -> Array:
        """All windows of a padded input, as a view: [..., P.., R..].

        Args:
            x: [..., S..]
            fill: What padding holds.
        """
        rank = len(self.size)
        lead = x.ndim - rank
        spatial = x.shape[lead:]
        counts = [int(str(count)) for count in self.outputs(spatial)]
        pads = self.padding(spatial)
        ends = [
            (count - 1) * stride + reach
            for count, stride, reach in zip(counts, self.stride, self.reach, strict=True)
        ]
        behind = [
            max(end - extent - pre, 0)
            for end, extent, (pre, _) in zip(ends, spatial, pads, strict=True)
        ]
        widths = [(0, 0)] * lead + [
            (pre, after) for (pre, _), after in zip(pads, behind, strict=True)
        ]
        padded = np.pad(x, widths, constant_values=fill) if any(map(any, widths)) else x
        axes = tuple(range(lead, x.ndim))
        padded = padded[(..., *(slice(0, end) for end in ends))]
        every = sliding_window_view(padded, self.reach, axis=axes)  # [..., S'.., reach..]
        picks = tuple(slice(None, None, s) for s in self.stride)
        taps = tuple(slice(None, None, d) for d in self.dilation)
        return every[(..., *picks, *taps)]

    @property
    def taps(self) -> int:
        """Elements a window."""
        return prod(self.size)
