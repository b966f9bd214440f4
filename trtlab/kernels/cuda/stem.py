"""Convolutions of images with few channels: a padded copy first, then one strided product.

An image of three channels does not load in runs of eight elements. Copied with four channels and
with its borders of zeros, a whole row of taps lies in one run, and the convolution is a matrix
product whose rows overlap: no bounds are left to check.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.contraction import Contraction, Reader
from trtlab.kernels.cuda.forms import form_of
from trtlab.kernels.cuda.mma import mma_kernel
from trtlab.kernels.cuda.mma_load import MmaTile
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import MOST_BLOCKS, Writer, blocks_for
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.tactics.problem import Problem, dense_strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_RANK = 4
_RUN = 8
_ALIGN = 16
_THREADS = 256
_BIG = (1 << 31) - _THREADS


@dataclass(frozen=True, slots=True)
class Padded:
    """The copy: [N, H, W, C] with zeros around, and how long a row of taps is in it."""

    shape: tuple[int, int, int, int]
    top: int
    left: int
    row: int  # elements of a row of taps, a multiple of eight

    @property
    def nbytes(self) -> int:
        """Of two-byte elements, and one run that the last row of taps may touch."""
        return 2 * (prod(self.shape) + self.row)


def _padded(problem: Problem) -> Padded | Rejection:
    op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
    assert isinstance(op, Convolution)
    if len(x.shape) != _RANK or op.num_groups != 1 or not kernel.constant:
        return Rejection("works on images with constant weights and one group")
    channels = next((c for c in (1, 2, 4, 8) if c >= x.shape[1]), 0)
    if not channels or x.shape[1] == _RUN:
        return Rejection("works on images of less than eight channels")
    window = op.window(kernel.shape[2:])
    if window.dilation != (1, 1):
        return Rejection("taps lie apart")
    while window.stride[1] * channels % _RUN:
        channels *= 2
    (top, _), (left, _) = window.padding(x.shape[2:])
    row = -(-kernel.shape[3] * channels // _RUN) * _RUN
    _, _, rows, columns = problem.outputs[0].shape
    height = (rows - 1) * window.stride[0] + kernel.shape[2]
    width = (columns - 1) * window.stride[1] + -(-row // channels)
    width = -(-width * channels // _RUN) * _RUN // channels
    return Padded((x.shape[0], height, width, channels), top, left, row)


class StemTactic(Tactic):
    """A padded copy and a product on the tensor cores.

    Args:
        tile: Of the product.
    """

    def __init__(self, tile: MmaTile) -> None:
        self._tile = tile
        self.name = f"cuda.contract.stem/{tile}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types, channels, dilation."""
        kind = given(problem, 1).dtype
        if kind not in {DataType.HALF, DataType.BF16}:
            return Rejection(f"tensor cores multiply fp16 and bf16, not {kind.value}")
        if problem.has_empty_operand:
            return Rejection("a factor is empty")
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        if -(-form.sizes[1] // self._tile.m) > MOST_BLOCKS:
            return Rejection("more tiles than a grid has")
        found = _padded(problem)
        return found if isinstance(found, Rejection) else None

    def workspace_bytes(self, problem: Problem) -> int:
        """The copy."""
        found = _padded(problem)
        return 0 if isinstance(found, Rejection) else found.nbytes

    def cost_hint_us(self, problem: Problem) -> float:
        """A quarter of the tensor cores' rate, and the copy."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return 4.0 + flops / 1e8

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Weights as [maps, rows of taps, run], zeros where the copy has padding."""
        packed = dict(constants)
        found = _padded(problem)
        assert not isinstance(found, Rejection)
        if 1 in packed:
            kernel = packed[1]  # [K, C, R, S]
            maps, own, height, width = kernel.shape
            runs = np.zeros((maps, height, found.row), kernel.dtype)
            view = runs[:, :, : width * found.shape[3]].reshape(maps, height, width, -1)
            view[..., :own] = kernel.transpose(0, 2, 3, 1)
            runs[:, :, : width * found.shape[3]] = view.reshape(maps, height, -1)
            packed[1] = runs
        return packed

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """Copy, then product."""
        found = _padded(problem)
        assert not isinstance(found, Rejection)
        addresses = [a for a in buffers.inputs if a is not None]
        out = buffers.outputs[0]
        aligned = all(a % _ALIGN == 0 for a in (*addresses[1:], out, buffers.workspace))
        form = _over_copy(problem, found)
        product = mma_kernel(form, self._tile, self.name, problem, aligned=aligned)
        return (
            KernelLaunch(
                pad_kernel(problem, found, self.name), (addresses[0], buffers.workspace)
            ),
            KernelLaunch(product, (buffers.workspace, *addresses[1:], out)),
        )


def pad_kernel(problem: Problem, found: Padded, name: str) -> Kernel:
    """One thread a pixel of the copy, which has the weights' type."""
    x, result = given(problem, 0), given(problem, 1).dtype
    source, kind = C_TYPES[x.dtype], C_TYPES[result]
    value = f"from[c * {x.strides[1]}]"
    value = value if x.dtype is result else f"Narrow<{kind}>::of(wide({value}))"
    n, height, width, channels = found.shape
    own = x.shape[1]
    tail = found.row
    writer = Writer(name, problem)
    writer.pointer("x", x.dtype)
    writer.pointer("y", result, written=True)
    count = n * height * width
    index = "int" if count < _BIG else "i64"
    writer.add(
        f"const {index} t = ({index})blockIdx.x * {_THREADS} + threadIdx.x;",
        f"if (t < {tail}) y[{count * channels} + t].bits = 0;",
        f"if (t >= {count}) return;",
        f"const int w = t % {width} - {found.left}, "
        f"h = t / {width} % {height} - {found.top}, b = t / {width * height};",
        f"Vec<{kind}, {channels}> v = {{}};",
        f"if (w >= 0 && w < {x.shape[3]} && h >= 0 && h < {x.shape[2]}) {{",
        f"  const {source}* from = x + (i64)b * {x.strides[0]} + (i64)h * {x.strides[2]} "
        f"+ (i64)w * {x.strides[3]};",
        "  #pragma unroll",
        f"  for (int c = 0; c < {own}; ++c) v.v[c] = {value};",
        "}",
        f"*reinterpret_cast<Vec<{kind}, {channels}>*>(y + (i64)t * {channels}) = v;",
    )
    return writer.kernel("pad_image", (blocks_for(count, _THREADS), 1, 1), (_THREADS, 1, 1))


def _over_copy(problem: Problem, found: Padded) -> Contraction:
    """The convolution as a product over the copy: no windows, rows of taps as runs."""
    op, kernel = problem.op, given(problem, 1)
    assert isinstance(op, Convolution)
    form = form_of(problem)
    assert isinstance(form, Contraction)
    down, right = op.window(kernel.shape[2:]).stride
    _, height, width, channels = found.shape
    line = width * channels
    maps, taps = kernel.shape[0], kernel.shape[2]
    steps = dense_strides((maps, taps, found.row))
    dtype = kernel.dtype
    return replace(
        form,
        k=(taps, found.row),
        left=Reader(dtype, (0,), (height * line, down * line, right * channels), (line, 1)),
        right=Reader(dtype, (0,), steps[:1], steps[1:]),
    )
