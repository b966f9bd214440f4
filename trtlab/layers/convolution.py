"""CONVOLUTION and DECONVOLUTION of any spatial rank, with groups and dilation."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from trtlab.core.enums import PaddingMode
from trtlab.core.types import DataType, TensorType, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    given,
    needed,
    optional,
    require,
    same_dtype,
    str_shape,
    unify,
    wanted,
    wide,
)
from trtlab.layers.dims import Extent
from trtlab.layers.epilogue import epilogue_flops, infer_epilogue, run_epilogue
from trtlab.layers.pointwise import Program
from trtlab.layers.scale import cast
from trtlab.layers.window import Window

_FIRST_EXTRA = 3  # inputs before the epilogue operands: x, kernel, bias


def _kernel_size(declared: tuple[int, ...], kernel: TensorType) -> tuple[int, ...]:
    """Taps an axis, from the kernel tensor; the declared ones must agree."""
    spatial = kernel.shape[2:]
    require(
        len(declared) in {0, len(spatial)},
        f"kernel_size_nd {declared} does not fit a kernel of shape {str_shape(kernel.shape)}",
    )
    if declared:
        pairs = zip(declared, spatial, strict=True)
        size = tuple(unify(pair, "kernel_size_nd and the kernel's shape") for pair in pairs)
    else:
        size = spatial
    numbers = tuple(extent for extent in size if isinstance(extent, int))
    require(
        len(numbers) == len(size),
        f"the kernel's window {str_shape(spatial)} must be known when building",
    )
    return numbers


def _check_ranks(x: TensorType, kernel: TensorType) -> None:
    require(
        x.rank >= 3,
        f"the input {str_shape(x.shape)} needs batch, channel and spatial dimensions",
        hint="reshape it, such as to [N, C, H, W]",
    )
    require(
        kernel.rank == x.rank,
        f"a kernel of shape {str_shape(kernel.shape)} does not fit an input of "
        f"{x.rank} dimensions {str_shape(x.shape)}",
        hint="a kernel has two dimensions besides the window's, as the input has",
    )


def _check_bias(bias: TensorType | None, maps: Extent) -> None:
    if bias is None:
        return
    fits = bias.rank == 1 and dims.equal(bias.shape[0], maps) is not False
    require(fits, f"bias has shape {str_shape(bias.shape)}, not one value a map: ({maps})")


def _add_bias(y: Array, bias: Array | None) -> Array:
    if bias is None:
        return y
    return y + bias.astype(y.dtype).reshape(1, -1, *(1,) * (y.ndim - 2))


@dataclass(frozen=True)
class Convolution(Op):
    """y[n,k,p..] = Σ_{c,r..} x[n,c,p·stride + r·dilation − pad..] · w[k,c,r..] + bias[k].

    Inputs: x [N, C, S..], kernel [K, C/groups, R..], bias [K] or None, epilogue operands.
    Output: [N, K, P..]. Empty tuples mean ones (stride, dilation) and zeros (padding).
    With ``rounds_data`` x is FLOAT and the rest is not: x is rounded to the kernel's type.
    """

    kind: ClassVar[str] = "CONVOLUTION"
    num_output_maps: int = 0
    kernel_size_nd: tuple[int, ...] = ()
    stride_nd: tuple[int, ...] = ()
    dilation_nd: tuple[int, ...] = ()
    pre_padding: tuple[int, ...] = ()
    post_padding: tuple[int, ...] = ()
    num_groups: int = 1
    padding_mode: PaddingMode = PaddingMode.EXPLICIT_ROUND_DOWN
    epilogue: Program = ()
    rounds_data: bool = False

    def attributes(self) -> dict[str, object]:
        """As of every operator; what only a rewrite rule sets is left out while it is off."""
        found = super().attributes()
        if not self.rounds_data:
            del found["rounds_data"]
        return found

    def window(self, size: Sequence[int]) -> Window:
        """Stride, dilation and padding in full for a kernel of this spatial size."""
        padding = (self.pre_padding, self.post_padding)
        return Window.resolve(
            size, self.stride_nd, self.dilation_nd, padding, self.padding_mode
        )

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Channels, groups, window and bias must agree."""
        del values
        x, kernel = wanted(inputs, 0, "data"), wanted(inputs, 1, "kernel")
        _check_ranks(x, kernel)
        if not (self.rounds_data and x.dtype is DataType.FLOAT and kernel.dtype.is_float):
            same_dtype([x, kernel], "input and kernel")
        maps, groups = kernel.shape[0], self.num_groups
        require(groups >= 1, f"num_groups is {groups}")
        require(
            dims.equal(dims.mul(kernel.shape[1], groups), x.shape[1]) is not False,
            f"kernel {str_shape(kernel.shape)} with {groups} groups wants "
            f"{dims.mul(kernel.shape[1], groups)} input channels, the input "
            f"{str_shape(x.shape)} has {x.shape[1]}",
        )
        require(
            not isinstance(maps, int) or maps % groups == 0,
            f"{maps} output maps do not divide into {groups} groups",
        )
        if self.num_output_maps:
            maps = unify((self.num_output_maps, maps), "num_output_maps and the kernel's maps")
        _check_bias(optional(inputs, 2), maps)
        spatial = self.window(_kernel_size(self.kernel_size_nd, kernel)).outputs(x.shape[2:])
        result = TensorType(kernel.dtype, (x.shape[0], maps, *spatial))
        return (infer_epilogue(self.epilogue, result, inputs[_FIRST_EXTRA:]),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Windows as columns, then one matrix product a group and image."""
        x, kernel = needed(inputs, 0, "data"), needed(inputs, 1, "kernel")
        if self.rounds_data and kernel.dtype.itemsize < x.dtype.itemsize:
            x = cast(x, DataType.from_numpy(kernel.dtype))
        dtype, work = x.dtype, wide(x.dtype)
        groups, size = self.num_groups, kernel.shape[2:]
        views = self.window(size).views(x.astype(work, copy=False), 0)  # [N, C, P.., R..]
        batch, channels = x.shape[:2]
        spatial = views.shape[2 : 2 + len(size)]
        taps = channels // groups * prod(size)
        weights = kernel.astype(work).reshape(groups, -1, taps)  # [G, K/G, C/G·R]
        rank = len(size)
        order = (0, *range(1 + rank, 1 + 2 * rank), *range(1, 1 + rank))
        y = np.empty((batch, kernel.shape[0], *spatial), work)
        for n in range(batch):
            columns = views[n].transpose(order)  # [C, R.., P..]
            columns = columns.reshape(groups, taps, prod(spatial))
            y[n] = np.matmul(weights, columns).reshape(-1, *spatial)
        y = _add_bias(y, given(inputs, 2))
        return (
            run_epilogue(self.epilogue, y, inputs[_FIRST_EXTRA:]).astype(dtype, copy=False),
        )

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Two a tap and output, one for the bias, and the epilogue."""
        kernel = static(wanted(inputs, 1, "kernel").shape)
        biased = optional(inputs, 2) is not None
        elements = volume(static(outputs[0].shape))
        extra = epilogue_flops(self.epilogue, outputs[0])
        return elements * (2 * prod(kernel[1:]) + biased) + extra


@dataclass(frozen=True)
class Deconvolution(Op):
    """y[n,k,p·stride + r·dilation − pad..] += x[n,c,p..] · w[c,k,r..], plus bias[k].

    ONNX's ConvTranspose. Inputs: x [N, C, S..], kernel [C, K/groups, R..], bias [K] or None,
    epilogue operands. Output: [N, K, P..] with
    P = stride·(S−1) + output_padding + dilation·(R−1) + 1 − pre − post.
    """

    kind: ClassVar[str] = "DECONVOLUTION"
    num_output_maps: int = 0
    kernel_size_nd: tuple[int, ...] = ()
    stride_nd: tuple[int, ...] = ()
    dilation_nd: tuple[int, ...] = ()
    pre_padding: tuple[int, ...] = ()
    post_padding: tuple[int, ...] = ()
    num_groups: int = 1
    padding_mode: PaddingMode = PaddingMode.EXPLICIT_ROUND_DOWN
    epilogue: Program = ()
    output_padding: tuple[int, ...] = ()

    def window(self, size: Sequence[int]) -> Window:
        """Stride, dilation and padding in full for a kernel of this spatial size."""
        padding = (self.pre_padding, self.post_padding)
        return Window.resolve(
            size, self.stride_nd, self.dilation_nd, padding, self.padding_mode
        )

    def _extra(self, rank: int) -> tuple[int, ...]:
        require(
            len(self.output_padding) in {0, rank} and all(p >= 0 for p in self.output_padding),
            f"output_padding {self.output_padding} does not fit {rank} spatial axes",
        )
        return self.output_padding or (0,) * rank

    def _same(self) -> bool:
        return self.padding_mode in {PaddingMode.SAME_UPPER, PaddingMode.SAME_LOWER}

    def _spatial(self, window: Window, extents: Sequence[Extent]) -> tuple[Extent, ...]:
        if self._same():
            return tuple(dims.mul(e, s) for e, s in zip(extents, window.stride, strict=True))
        result: list[Extent] = []
        for axis, extent in enumerate(extents):
            full = dims.mul(dims.sub(extent, 1), window.stride[axis])
            cut = window.reach[axis] - window.pre[axis] - window.post[axis]
            size = dims.add(full, cut + self._extra(len(extents))[axis])
            require(
                not isinstance(size, int) or size >= 1,
                f"axis {axis} of the output would have {size} elements",
            )
            result.append(size)
        return tuple(result)

    def padding_before(self, window: Window, spatial: Sequence[int]) -> tuple[int, ...]:
        """Elements cut from the front of the full result, for an input of this size."""
        if not self._same():
            return window.pre
        extra = self._extra(len(spatial))
        totals = [
            max(reach + extra[axis] - window.stride[axis], 0)
            for axis, reach in enumerate(window.reach)
        ]
        upper = self.padding_mode is PaddingMode.SAME_UPPER
        return tuple(total // 2 if upper else total - total // 2 for total in totals)

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Channels, groups, window and bias must agree."""
        del values
        x, kernel = wanted(inputs, 0, "data"), wanted(inputs, 1, "kernel")
        _check_ranks(x, kernel)
        same_dtype([x, kernel], "input and kernel")
        groups = self.num_groups
        require(groups >= 1, f"num_groups is {groups}")
        channels = unify((kernel.shape[0], x.shape[1]), "channels of kernel and input")
        require(
            not isinstance(channels, int) or channels % groups == 0,
            f"{channels} input channels do not divide into {groups} groups",
        )
        maps = dims.mul(kernel.shape[1], groups)
        if self.num_output_maps:
            maps = unify((self.num_output_maps, maps), "num_output_maps and the kernel's maps")
        _check_bias(optional(inputs, 2), maps)
        window = self.window(_kernel_size(self.kernel_size_nd, kernel))
        spatial = self._spatial(window, x.shape[2:])
        result = TensorType(x.dtype, (x.shape[0], maps, *spatial))
        return (infer_epilogue(self.epilogue, result, inputs[_FIRST_EXTRA:]),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """One matrix product, then each tap is added at its place."""
        x, kernel = needed(inputs, 0, "data"), needed(inputs, 1, "kernel")
        dtype, work = x.dtype, wide(x.dtype)
        groups, size, rank = self.num_groups, kernel.shape[2:], x.ndim - 2
        batch, channels, *spatial = x.shape
        window = self.window(size)
        maps = kernel.shape[1] * groups
        weights = kernel.astype(work).reshape(
            groups, channels // groups, -1
        )  # [G, C/G, K/G·R]
        data = x.astype(work).reshape(batch, groups, channels // groups, prod(spatial))
        columns = np.matmul(weights.swapaxes(1, 2), data)  # [N, G, K/G·R, S]
        columns = columns.reshape(batch, maps, *size, *spatial)
        outputs = [int(str(e)) for e in self._spatial(window, spatial)]
        before = self.padding_before(window, spatial)
        steps = tuple(zip(spatial, window.stride, strict=True))
        ends = [
            max((s - 1) * stride + reach, pre + out)
            for (s, stride), reach, pre, out in zip(
                steps, window.reach, before, outputs, strict=True
            )
        ]
        full = np.zeros((batch, maps, *ends), work)
        for tap in np.ndindex(*size):
            starts = [r * d for r, d in zip(tap, window.dilation, strict=True)]
            places = tuple(
                slice(start, start + (s - 1) * stride + 1, stride)
                for start, (s, stride) in zip(starts, steps, strict=True)
            )
            full[(..., *places)] += columns[(slice(None), slice(None), *tap)]
        cut = tuple(slice(before[a], before[a] + outputs[a]) for a in range(rank))
        y = _add_bias(full[(..., *cut)], given(inputs, 2))
        y = run_epilogue(self.epilogue, y, inputs[_FIRST_EXTRA:])
        return (np.ascontiguousarray(y, dtype=dtype),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Two a tap and input element, one for the bias, and the epilogue."""
        x = static(wanted(inputs, 0, "data").shape)
        kernel = static(wanted(inputs, 1, "kernel").shape)
        biased = optional(inputs, 2) is not None
        elements = volume(static(outputs[0].shape))
        extra = epilogue_flops(self.epilogue, outputs[0])
        return 2 * volume(x) * prod(kernel[1:]) + biased * elements + extra
