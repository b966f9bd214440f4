"""Tactic for DECONVOLUTION in channels-last memory: one matrix product a tap.

The input pixels that a tap sends somewhere form a rectangle, and so do the output pixels that
receive them, ``stride`` apart. Line by line that is a batch of matrix products. Where taps do
not overlap, each product ends in bias and epilogue; else the products add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from trtlab.devices.cpu.isa import target_isa
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu.bind_gemm import Product, bind_product
from trtlab.kernels.cpu.convolution_shape import (
    FIRST_EXTRA,
    Layout,
    finish_rows,
    layout_of,
    operands_of,
    triple,
)
from trtlab.kernels.cpu.epilogue import Ending, pack_splats
from trtlab.kernels.cpu.finishing import Finish, Rows
from trtlab.kernels.cpu.moving import Side, bind_move
from trtlab.kernels.cpu.packing import pack_bias, pack_columns, padded_columns
from trtlab.layers.base import Array
from trtlab.layers.convolution import Deconvolution
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_KERNEL, _BIAS = 1, 2  # problem inputs
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Span:
    """Input and output coordinates of a tap along one axis."""

    source: int
    target: int
    count: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """A deconvolution's geometry; pairs are height and width."""

    x: Layout
    y: Layout
    taps: Pair
    stride: Pair
    dilation: Pair
    before: Pair
    groups: int
    ending: Ending
    extra_steps: tuple[tuple[int, int], ...]

    @property
    def apart(self) -> bool:
        """Every output pixel is reached by exactly one tap."""
        tight = self.taps == self.stride and self.dilation == (1, 1) and self.before == (0, 0)
        full = all(
            out == size * stride
            for out, size, stride in zip(
                self.y.size[1:], self.x.size[1:], self.stride, strict=True
            )
        )
        return tight and full

    def span(self, axis: int, tap: int) -> _Span:
        """Where a tap of an axis (0: height, 1: width) goes."""
        stride = self.stride[axis]
        shift = tap * self.dilation[axis] - self.before[axis]
        size, out = self.x.size[1 + axis], self.y.size[1 + axis]
        first = max(0, -(shift // stride))  # the first input whose target is not negative
        last = min(size - 1, (out - 1 - shift) // stride)
        return _Span(first, first * stride + shift, max(0, last - first + 1))


class TapDeconvolution(Tactic):
    """Any window, stride, dilation and groups, in up to two dimensions."""

    name = f"cpu.deconvolution.taps/{target_isa().name}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines what is not float32 channels-last, and epilogues of overlapping taps."""
        shape = _describe(problem)
        return shape if isinstance(shape, Rejection) else None

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """A packed matrix for each tap and group, and the bias."""
        op = problem.op
        assert isinstance(op, Deconvolution)
        packed = pack_splats(problem, constants, FIRST_EXTRA)
        kernel = constants[_KERNEL]
        groups = op.num_groups
        channels, maps = kernel.shape[0] // groups, kernel.shape[1]
        parts = kernel.reshape(groups, channels, maps, -1)
        packed[_KERNEL] = np.concatenate(
            [
                pack_columns(parts[g, :, :, t])
                for t in range(parts.shape[3])
                for g in range(groups)
            ]
        )
        if _BIAS in constants:
            bias = constants[_BIAS].reshape(groups, maps)
            packed[_BIAS] = np.concatenate([pack_bias(part) for part in bias])
        return packed

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """A product for each tap, image and group."""
        shape = _describe(problem)
        assert not isinstance(shape, Rejection)
        commands: list[Command] = []
        for image in range(shape.x.images):
            if not shape.apart:
                commands += _fill(shape, buffers, image)
            for tap in range(prod(shape.taps)):
                for group in range(shape.groups):
                    commands += _tap(shape, buffers, image, tap, group)
        return commands


def _describe(problem: Problem) -> _Shape | Rejection:
    op = problem.op
    if not isinstance(op, Deconvolution):
        return Rejection(f"{op.kind} is not a deconvolution")
    operands = operands_of(problem)
    if isinstance(operands, Rejection):
        return operands
    x, kernel, y = operands
    size = kernel.shape[2:]
    if len(size) > 2:
        return Rejection("more than two spatial dimensions")
    source, target = layout_of(x), layout_of(y)
    if source is None or target is None:
        return Rejection("the channels of a pixel do not lie together")
    rows = finish_rows(problem, op)
    if isinstance(rows, Rejection):
        return rows
    window = op.window(size)
    before = op.padding_before(window, x.shape[2:])
    shape = _Shape(
        source,
        target,
        _pair(size, 1),
        _pair(window.stride, 1),
        _pair(window.dilation, 1),
        _pair(before, 0),
        op.num_groups,
        rows[0],
        rows[2],
    )
    if op.epilogue and not shape.apart:
        return Rejection("the taps overlap: the epilogue cannot join a product")
    if rows[0].program and shape.groups > 1:
        return Rejection("an epilogue program with groups")
    return shape


def _pair(values: Sequence[int], fill: int) -> Pair:
    _, height, width = triple(tuple(values), fill)
    return height, width


def _tap(shape: _Shape, buffers: Buffers, image: int, tap: int, group: int) -> list[Command]:
    """The product of one tap, image and group: a batch of lines."""
    row, column = divmod(tap, shape.taps[1])
    h, w = shape.span(0, row), shape.span(1, column)
    if not h.count or not w.count:
        return []
    channels, maps = shape.x.channels // shape.groups, shape.y.channels // shape.groups
    x_line, y_line = shape.x.size[2] * shape.x.pitch, shape.y.size[2] * shape.y.pitch
    source = image * shape.x.image_step + h.source * x_line + w.source * shape.x.pitch
    target = image * shape.y.image_step + h.target * y_line + w.target * shape.y.pitch
    filled = padded_columns(maps)
    result = Rows(
        buffers.outputs[0] + 4 * (target + group * maps),
        shape.stride[1] * shape.y.pitch,
        shape.stride[0] * y_line,
    )
    weights = (tap * shape.groups + group) * channels * filled
    product = Product(
        m=w.count,
        n=maps,
        k=channels,
        a=Rows(
            (buffers.inputs[0] or 0) + 4 * (source + group * channels), shape.x.pitch, x_line
        ),
        b=Rows((buffers.inputs[_KERNEL] or 0) + 4 * weights, 0),
        c=result,
        batches=(h.count, 1),
    )
    if not shape.apart:
        product = replace(product, finish=Finish(residual=result))
        return [bind_product(product)]
    finish = _finish(shape, buffers, image, (h.target, w.target), group * maps)
    return [bind_product(replace(product, finish=finish))]


def _finish(shape: _Shape, buffers: Buffers, image: int, at: Pair, first_map: int) -> Finish:
    """Bias and epilogue of the output pixels that a tap reaches."""
    wide = shape.y.size[2]
    offsets = [
        image * image_step + (at[0] * wide + at[1]) * pitch + (first_map if not e.splat else 0)
        for e, (pitch, image_step) in zip(shape.ending.extras, shape.extra_steps, strict=True)
    ]
    steps = [
        (shape.stride[1] * pitch, shape.stride[0] * wide * pitch, 0)
        for pitch, _ in shape.extra_steps
    ]
    maps = shape.y.channels // shape.groups
    bias = _bias(buffers)
    own_bias = bias + 4 * (first_map // maps * padded_columns(maps)) if bias else 0
    return shape.ending.finish(buffers.inputs, steps, own_bias, offsets)


def _bias(buffers: Buffers) -> int:
    return (buffers.inputs[_BIAS] or 0) if len(buffers.inputs) > _BIAS else 0


def _fill(shape: _Shape, buffers: Buffers, image: int) -> list[Command]:
    """Every output pixel begins with the bias, or with zeros."""
    pixels, maps = prod(shape.y.size), shape.y.channels // shape.groups
    zero = np.zeros(1, np.float32)
    bias = _bias(buffers)
    commands: list[Command] = []
    for group in range(shape.groups):
        place = buffers.outputs[0] + 4 * (image * shape.y.image_step + group * maps)
        target = Side(place, (4 * shape.y.pitch, 4))
        source = (
            Side(bias + 4 * group * padded_columns(maps), (0, 4))
            if bias
            else Side(zero.ctypes.data, (0, 0))
        )
        commands.append(bind_move((pixels, maps), target, source, 4, keep=(zero,)))
    return commands
