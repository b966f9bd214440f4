"""Tactics for CONVOLUTION in channels-last memory."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from trtlab.devices.cpu.isa import target_isa
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu.bind_convolution import (
    Convolve,
    Window,
    bind_convolve,
    pack_filters,
    pack_group_bias,
)
from trtlab.kernels.cpu.bind_depthwise import bind_depthwise, pack_depthwise
from trtlab.kernels.cpu.bind_gemm import Product, bind_product
from trtlab.kernels.cpu.bind_winograd import Plan, bind_winograd, pack_winograd, plan_winograd
from trtlab.kernels.cpu.border import bordered
from trtlab.kernels.cpu.convolution_shape import FIRST_EXTRA, Shape, describe, is_pointwise
from trtlab.kernels.cpu.convolve import MAX_TAPS
from trtlab.kernels.cpu.depthwise import MAX_TAPS as DEPTHWISE_TAPS
from trtlab.kernels.cpu.epilogue import pack_splats
from trtlab.kernels.cpu.finishing import Rows
from trtlab.kernels.cpu.packing import pack_bias
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ISA = target_isa().name
_KERNEL, _BIAS = 1, 2  # problem inputs
_FEW_CHANNELS = 8
"""Up to here a tap's run of k is too short for the tile's loop."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Images that one round of commands computes."""

    shape: Shape
    first: int
    images: int
    buffers: Buffers

    def job(self) -> Convolve:
        """The part for the kernels."""
        shape, buffers = self.shape, self.buffers
        offsets = [self.first * step for _, step in shape.extra_steps]
        steps = [(pitch, 0, 0) for pitch, _ in shape.extra_steps]
        bias = (buffers.inputs[_BIAS] or 0) if len(buffers.inputs) > _BIAS else 0
        return Convolve(
            shape.x.image(buffers.inputs[0] or 0, self.first, self.images),
            shape.y.image(buffers.outputs[0], self.first, self.images),
            shape.window,
            shape.channels,
            shape.maps,
            buffers.inputs[_KERNEL] or 0,
            shape.groups,
            shape.ending.finish(buffers.inputs, steps, bias, offsets),
        )


class _ConvolutionTactic(Tactic):
    """What the tactics share: geometry, packing and the split into images."""

    def check(self, problem: Problem) -> Rejection | None:
        """Declines what is not float32 channels-last with constant weights."""
        shape = describe(problem)
        return shape if isinstance(shape, Rejection) else self.refuse(shape)

    @abstractmethod
    def refuse(self, shape: Shape) -> Rejection | None:
        """Why this method cannot compute the geometry; None when it can."""

    @abstractmethod
    def commands(self, job: Convolve, buffers: Buffers, shape: Shape) -> Sequence[Command]:
        """The commands for some images."""

    def pack_kernel(self, kernel: Array, groups: int) -> Array:
        """The filters as this method reads them."""
        return pack_filters(kernel, groups)

    def pack_bias(self, bias: Array, groups: int) -> Array:
        """The bias as this method reads it."""
        return pack_group_bias(bias, groups)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Filters, bias and single-value epilogue operands."""
        op = problem.op
        assert isinstance(op, Convolution)
        packed = pack_splats(problem, constants, FIRST_EXTRA)
        packed[_KERNEL] = self.pack_kernel(constants[_KERNEL], op.num_groups)
        if _BIAS in constants:
            packed[_BIAS] = self.pack_bias(constants[_BIAS], op.num_groups)
        return packed

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """All images at once where memory allows, else one after the other."""
        shape = describe(problem)
        assert not isinstance(shape, Rejection)
        rounds = (
            [(0, shape.x.images)] if shape.at_once else [(i, 1) for i in range(shape.x.images)]
        )
        commands: list[Command] = []
        for first, images in rounds:
            job = _Part(shape, first, images, buffers).job()
            commands += self.commands(job, buffers, shape)
        return commands


class IndirectConvolution(_ConvolutionTactic):
    """Any window, stride, dilation and groups: pixels are read in place, tap by tap."""

    name = f"cpu.convolution.indirect/{_ISA}"

    def refuse(self, shape: Shape) -> Rejection | None:
        """Declines windows whose pointers do not fit."""
        taps = prod(shape.window.taps)
        return Rejection(f"{taps} taps; {MAX_TAPS} fit") if taps > MAX_TAPS else None

    def commands(self, job: Convolve, buffers: Buffers, shape: Shape) -> Sequence[Command]:
        """One command."""
        del buffers, shape
        return [bind_convolve(job)]


class MatrixConvolution(_ConvolutionTactic):
    """1 × 1 with stride 1: the pixels are the rows of one matrix product."""

    name = f"cpu.convolution.matrix/{_ISA}"

    def refuse(self, shape: Shape) -> Rejection | None:
        """Declines other windows, and groups."""
        return (
            None if is_pointwise(shape) else Rejection("not 1 × 1 with stride 1 and one group")
        )

    def commands(self, job: Convolve, buffers: Buffers, shape: Shape) -> Sequence[Command]:
        """One product."""
        del buffers, shape
        return [bind_product(as_product(job))]


def as_product(job: Convolve) -> Product:
    """A 1 × 1 convolution as a product of pixels and filters."""
    return Product(
        job.y.images * prod(job.y.size),
        job.maps,
        job.channels,
        Rows(job.x.address, job.x.pitch),
        Rows(job.weights, 0),
        Rows(job.y.address, job.y.pitch),
        finish=job.finish,
    )


class DepthwiseConvolution(_ConvolutionTactic):
    """A filter of its own for each channel, vectorized over the channels."""

    name = f"cpu.convolution.depthwise/{_ISA}"

    def refuse(self, shape: Shape) -> Rejection | None:
        """Declines groups of several channels or maps, and a third dimension."""
        if shape.channels != 1 or shape.maps != 1:
            return Rejection("groups have several channels or maps")
        if shape.x.size[0] != 1 or shape.window.taps[0] != 1:
            return Rejection("three spatial dimensions")
        taps = prod(shape.window.taps)
        return (
            Rejection(f"{taps} taps; {DEPTHWISE_TAPS} fit") if taps > DEPTHWISE_TAPS else None
        )

    def pack_kernel(self, kernel: Array, groups: int) -> Array:
        """Tap by tap, channels last."""
        del groups
        return pack_depthwise(kernel)

    def pack_bias(self, bias: Array, groups: int) -> Array:
        """As it is, filled up to a vector."""
        del groups
        return pack_bias(bias)

    def commands(self, job: Convolve, buffers: Buffers, shape: Shape) -> Sequence[Command]:
        """One command."""
        del buffers, shape
        return [bind_depthwise(job)]


class LineConvolution(_ConvolutionTactic):
    """Few channels: a copy with a border makes the taps of a line one long run of k."""

    name = f"cpu.convolution.lines/{_ISA}"

    def refuse(self, shape: Shape) -> Rejection | None:
        """Declines groups, other dimensions, dilated lines, and many channels."""
        window = shape.window
        if shape.groups != 1 or shape.x.size[0] != 1 or window.taps[0] != 1:
            return Rejection("groups, or not two spatial dimensions")
        if window.taps[2] == 1 or window.dilation[2] != 1:
            return Rejection("the taps of a line do not lie together")
        if shape.channels > _FEW_CHANNELS:
            return Rejection(f"{shape.channels} channels are worth a tap each")
        return None

    def workspace_bytes(self, problem: Problem) -> int:
        """The copy."""
        shape = describe(problem)
        if isinstance(shape, Rejection):
            return 0
        height, width = _bordered_size(shape)
        return 4 * shape.x.images * height * width * shape.channels

    def commands(self, job: Convolve, buffers: Buffers, shape: Shape) -> Sequence[Command]:
        """The copy, then the convolution of its lines."""
        window = job.window
        height, width = _bordered_size(shape)
        border = (window.pad[1], window.pad[2])
        copy, image = bordered(job.x, job.channels, height, width, *border, buffers.workspace)
        lines = Window(
            (1, window.taps[1], 1), window.stride, (0, 0, 0), (1, window.dilation[1], 1)
        )
        long = replace(job, x=image, window=lines, channels=window.taps[2] * job.channels)
        return [copy, bind_convolve(long)]


def _bordered_size(shape: Shape) -> tuple[int, int]:
    """Height and width that the windows reach over."""
    window = shape.window
    height, width = (
        (shape.y.size[a] - 1) * window.stride[a]
        + window.dilation[a] * (window.taps[a] - 1)
        + 1
        for a in (1, 2)
    )
    return height, width


class WinogradConvolution(_ConvolutionTactic):
    """3 × 3 with stride 1: fewer multiplications, slightly larger rounding errors.

    Args:
        m: Side of an output tile, 2 or 4.
        fused: Blocks of tiles go through all steps in the cache; otherwise all threads meet
            between the steps.
    """

    def __init__(self, m: int, *, fused: bool) -> None:
        self._m = m
        self._fused = fused
        way = "fused" if fused else "phases"
        self.name = f"cpu.convolution.winograd/{way},m{m},{_ISA}"

    def refuse(self, shape: Shape) -> Rejection | None:
        """Declines other windows, and groups."""
        window = shape.window
        fits = window.taps == (1, 3, 3) and window.stride == window.dilation == (1, 1, 1)
        if fits and shape.groups == 1:
            return None
        return Rejection("not 3 × 3 with stride 1, dilation 1 and one group")

    def workspace_bytes(self, problem: Problem) -> int:
        """Transformed input and products."""
        shape = describe(problem)
        return 0 if isinstance(shape, Rejection) else self._plan(shape).workspace_bytes

    def pack_kernel(self, kernel: Array, groups: int) -> Array:
        """Transformed filters."""
        del groups
        return pack_winograd(kernel, self._m)

    def commands(self, job: Convolve, buffers: Buffers, shape: Shape) -> Sequence[Command]:
        """One command fused, else one a phase."""
        return bind_winograd(job, self._plan(shape), buffers.workspace)

    def _plan(self, shape: Shape) -> Plan:
        images = shape.x.images if shape.at_once else 1
        channels, maps = shape.channels, shape.maps
        return plan_winograd(images, shape.spatial, channels, maps, self._m, fused=self._fused)
