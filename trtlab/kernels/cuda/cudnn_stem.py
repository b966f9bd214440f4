"""Convolutions of images with few channels by NVIDIA's cuDNN library, over a padded copy.

The library's tensor-core kernels load eight channels at a time. A copy of the image with zeros
for the channels that are missing lets them run; the zeros' products cost less than slow loads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import ClassVar

import numpy as np

from trtlab.core.types import TensorFormat
from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.cudnn_conv import CudnnConvolutionTactic, convolution_graph
from trtlab.kernels.cuda.cudnn_launch import CudnnLaunch, workspace_of
from trtlab.kernels.cuda.cudnn_tactic import CudnnTactic
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.stem import Padded, pad_kernel
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Launch, Rejection

_RANK = 4
_CHANNELS = 8


class CudnnStemTactic(CudnnTactic):
    """A copy with eight channels, and one of the plans that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "stem"

    def __init__(self, rank: int) -> None:
        super().__init__(rank)
        self._inner = CudnnConvolutionTactic(rank)

    def check(self, problem: Problem) -> Rejection | None:
        """Declines what the library's own convolutions decline, but for the channels."""
        op, x = problem.op, given(problem, 0)
        assert isinstance(op, Convolution)
        if x.dtype not in C_TYPES:
            return Rejection(f"no kernel loads {x.dtype.value}")
        if len(x.shape) != _RANK or op.num_groups != 1 or not 0 < x.shape[1] < _CHANNELS:
            return Rejection("works on images of less than eight channels")
        if problem.has_empty_operand:
            return Rejection("a factor is empty")
        return self._inner.check(_widened(problem))

    def workspace_bytes(self, problem: Problem) -> int:
        """The copy, and the plan's own."""
        n, _, height, width = given(problem, 0).shape
        copy = 2 * n * height * width * _CHANNELS
        return copy + self._inner.workspace_bytes(_widened(problem))

    def cost_hint_us(self, problem: Problem) -> float:
        """As if there were eight channels; worse with the rank."""
        return 2.0 + self._inner.cost_hint_us(_widened(problem))

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Kernels with the channel fastest, and zeros for the channels that are missing."""
        widened = dict(constants)
        if 1 in widened:
            missing = _CHANNELS - widened[1].shape[1]
            widened[1] = np.pad(widened[1], ((0, 0), (0, missing), (0, 0), (0, 0)))
        return self._inner.pack(_widened(problem), widened)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """Copy, then convolution."""
        n, _, height, width = given(problem, 0).shape
        padded = Padded((n, height, width, _CHANNELS), 0, 0, 0)
        assert prod(padded.shape) * 2 == padded.nbytes
        image, *rest = (a for a in buffers.inputs if a is not None)
        addresses = (buffers.workspace, *rest, buffers.outputs[0])
        copy = pad_kernel(problem, padded, self.name)
        return (
            KernelLaunch(copy, (image, buffers.workspace)),
            CudnnLaunch(
                _widened(problem), self._rank, addresses, convolution_graph,
                workspace_of(buffers).behind(padded.nbytes),
            ),
        )  # fmt: skip


def _widened(problem: Problem) -> Problem:
    """The problem with eight channels, channels fastest."""
    x, kernel = given(problem, 0), given(problem, 1)
    n, _, height, width = x.shape
    image = Operand(kernel.dtype, (n, _CHANNELS, height, width), TensorFormat.HWC)
    maps, _, *taps = kernel.shape
    weights = Operand(
        kernel.dtype, (maps, _CHANNELS, *taps), kernel.format, constant=kernel.constant
    )
    op = problem.op
    assert isinstance(op, Convolution)
    whole = replace(op, rounds_data=False)
    return replace(problem, op=whole, inputs=(image, weights, *problem.inputs[2:]))
