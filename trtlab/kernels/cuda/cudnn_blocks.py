"""Strided convolutions of images with few channels by NVIDIA's cuDNN library, over blocks.

A copy turns and rounds the image; then follows a dense convolution without padding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from trtlab.core.enums import PaddingMode
from trtlab.core.types import TensorFormat
from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.blocks import Blocks, blocks_kernel, blocks_of, pack_blocks
from trtlab.kernels.cuda.cudnn_conv import CudnnConvolutionTactic, convolution_graph
from trtlab.kernels.cuda.cudnn_launch import CudnnLaunch
from trtlab.kernels.cuda.cudnn_tactic import CudnnTactic
from trtlab.kernels.cuda.per_element import given
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Launch, Rejection

_ALIGN = 16


class CudnnBlocksTactic(CudnnTactic):
    """A copy in blocks, and one of the plans that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "stem.s2d"

    def __init__(self, rank: int) -> None:
        super().__init__(rank)
        self._inner = CudnnConvolutionTactic(rank)

    def check(self, problem: Problem) -> Rejection | None:
        """Declines what cannot be told as blocks, and what the library declines."""
        found = blocks_of(problem)
        if isinstance(found, Rejection):
            return found
        return self._inner.check(_over(problem, found))

    def workspace_bytes(self, problem: Problem) -> int:
        """The copy."""
        found = blocks_of(problem)
        return 0 if isinstance(found, Rejection) else found.nbytes

    def cost_hint_us(self, problem: Problem) -> float:
        """Of the convolution over the copy; worse with the rank."""
        found = blocks_of(problem)
        if isinstance(found, Rejection):
            return float("inf")
        over = _over(problem, found)
        return 2.0 + self._inner.cost_hint_us(over)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Weights by blocks."""
        return pack_blocks(problem, constants)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """Copy, then convolution."""
        found = blocks_of(problem)
        assert not isinstance(found, Rejection)
        image, *rest = (a for a in buffers.inputs if a is not None)
        copy = blocks_kernel(problem, found, self.name, aligned=image % _ALIGN == 0)
        addresses = (buffers.workspace, *rest, buffers.outputs[0])
        over = _over(problem, found)
        return (
            KernelLaunch(copy, (image, buffers.workspace)),
            CudnnLaunch(over, self._rank, addresses, convolution_graph),
        )


def _over(problem: Problem, found: Blocks) -> Problem:
    """The convolution over the copy: windows move on by one block, and none leaves it."""
    op, kernel = problem.op, given(problem, 1)
    assert isinstance(op, Convolution)
    shape = (found.batch, found.channels, found.rows, found.columns)
    image = Operand(kernel.dtype, shape, TensorFormat.HWC)
    weights = (kernel.shape[0], found.channels, *found.taps)
    plain = replace(
        op,
        kernel_size_nd=found.taps,
        stride_nd=(1, 1),
        dilation_nd=(1, 1),
        pre_padding=(0, 0),
        post_padding=(0, 0),
        padding_mode=PaddingMode.EXPLICIT_ROUND_DOWN,
        rounds_data=False,
    )
    taps = Operand(kernel.dtype, weights, constant=True)
    return replace(problem, op=plain, inputs=(image, taps, *problem.inputs[2:]))
