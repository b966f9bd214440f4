"""Strided convolutions of images with few channels as dense ones: space to depth.

A window that moves on by two pixels moves on by one block of two times two pixels. With the
pixels of a block as channels, 7 x 7 taps over 3 channels become 4 x 4 taps over 12, and patches
become single pixels: no strides, no padding, and channels enough for tensor cores. The copy that
turns the image also rounds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

import numpy as np

from trtlab.core.enums import PaddingMode
from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer, blocks_for
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Rejection

_RANK = 4
_FEW = 8
_RUN = 8
_MOST_CHANNELS = 4096
_VECTOR_BYTES = 16
_THREADS = 256
_BIG = (1 << 31) - _THREADS
_SAME = {PaddingMode.SAME_UPPER, PaddingMode.SAME_LOWER}


@dataclass(frozen=True, slots=True)
class Blocks:
    """The copy [batch, rows, columns, channels], whose pixels are blocks of the image.

    Attributes:
        batch: Images.
        rows: Of blocks; those of zeros around the image included.
        columns: Likewise.
        channels: Of a block: the image's channels, rows and columns in it, zeros up to eight.
        block: Height and width in pixels.
        before: Blocks of zeros above and left of the image.
        lead: Taps of zeros before the first, so that windows begin where blocks do.
        taps: Blocks under a window, down and right.
    """

    batch: int
    rows: int
    columns: int
    channels: int
    block: tuple[int, int]
    before: tuple[int, int]
    lead: tuple[int, int]
    taps: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Of two-byte elements."""
        return 2 * self.batch * self.rows * self.columns * self.channels


def blocks_of(problem: Problem) -> Blocks | Rejection:
    """The copy that a convolution can run over."""
    op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
    assert isinstance(op, Convolution)
    if x.dtype not in C_TYPES or kernel.dtype.itemsize != 2:
        return Rejection("the copy is fp16 or bf16")
    if len(x.shape) != _RANK or op.num_groups != 1 or not kernel.constant:
        return Rejection("works on images with constant weights and one group")
    if not 0 < x.shape[1] < _FEW or problem.has_empty_operand:
        return Rejection("works on images of less than eight channels")
    window = op.window(kernel.shape[2:])
    if window.dilation != (1, 1) or min(window.stride) == 1:
        return Rejection("windows do not move on by blocks of pixels")
    if op.padding_mode in _SAME:
        return Rejection("the padding depends on the image's size")
    high, wide = window.stride
    own = x.shape[1] * high * wide
    if own > _MOST_CHANNELS:
        return Rejection("a block has more pixels than fit channels")
    pads = [before for before, _ in window.padding(x.shape[2:])]
    lead = (-pads[0] % high, -pads[1] % wide)
    taps = (-(-(lead[0] + kernel.shape[2]) // high), -(-(lead[1] + kernel.shape[3]) // wide))
    _, _, rows, columns = problem.outputs[0].shape
    return Blocks(
        batch=x.shape[0],
        rows=rows - 1 + taps[0],
        columns=columns - 1 + taps[1],
        channels=-(-own // _RUN) * _RUN,
        block=(high, wide),
        before=((pads[0] + lead[0]) // high, (pads[1] + lead[1]) // wide),
        lead=lead,
        taps=taps,
    )


def pack_blocks(problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
    """Weights as [maps, taps down, taps right, channels of a block]."""
    packed, found = dict(constants), blocks_of(problem)
    assert not isinstance(found, Rejection)
    if 1 in packed:
        kernel = packed[1]  # [K, C, R, S]
        maps, own, *size = kernel.shape
        pairs = zip(found.taps, found.block, found.lead, size, strict=True)
        pads = [(lead, taps * block - lead - extent) for taps, block, lead, extent in pairs]
        whole = np.pad(kernel, ((0, 0), (0, 0), *pads))
        (down, right), (high, wide) = found.taps, found.block
        split = whole.reshape(maps, own, down, high, right, wide).transpose(0, 2, 4, 1, 3, 5)
        joined = split.reshape(maps, down, right, own * high * wide)
        missing = found.channels - joined.shape[-1]
        packed[1] = np.ascontiguousarray(
            np.pad(joined, ((0, 0), (0, 0), (0, 0), (0, missing)))
        )
    return packed


def blocks_kernel(problem: Problem, found: Blocks, name: str, *, aligned: bool) -> Kernel:
    """Eight channels of a block a thread; a block's channels are [C, high, wide].

    Args:
        problem: The convolution.
        found: The copy.
        name: Of the tactic.
        aligned: The image's address is a multiple of 16 bytes.
    """
    x, result = given(problem, 0), given(problem, 1).dtype
    source, kind = C_TYPES[x.dtype], C_TYPES[result]
    high, wide = found.block
    run = gcd(wide, _VECTOR_BYTES // int(x.dtype.itemsize), _RUN)
    steps = (*x.strides[:3], x.shape[3])
    if not aligned or x.strides[3] != 1 or any(step % run for step in steps):
        run = 1
    chunks = found.channels // _RUN
    count = found.batch * found.rows * found.columns * chunks
    index = "int" if count < _BIG else "i64"
    element = "s.v[r]"
    stored = element if x.dtype is result else f"Narrow<{kind}>::of(wide({element}))"
    writer = Writer(name, problem)
    writer.pointer("x", x.dtype)
    writer.pointer("y", result, written=True)
    writer.add(
        f"const {index} t = ({index})blockIdx.x * {_THREADS} + threadIdx.x;",
        f"if (t >= {count}) return;",
        f"const int first = t % {chunks} * {_RUN};",
        f"const {index} pixel = t / {chunks};",
        f"const int j0 = ((int)(pixel % {found.columns}) - {found.before[1]}) * {wide};",
        f"const int i0 = ((int)(pixel / {found.columns} % {found.rows}) - {found.before[0]}) "
        f"* {high};",
        f"const {source}* from = x + (i64)(pixel / {found.columns * found.rows}) "
        f"* {x.strides[0]};",
        f"Vec<{kind}, {_RUN}> v = {{}};",
        "#pragma unroll",
        f"for (int e = 0; e < {_RUN}; e += {run}) {{",
        f"  const int k = first + e, c = k / {high * wide};",
        f"  const int i = i0 + k / {wide} % {high}, j = j0 + k % {wide};",
        f"  if (c < {x.shape[1]} && i >= 0 && i < {x.shape[2]} && j >= 0 "
        f"&& j < {x.shape[3]}) {{",
        f"    const Vec<{source}, {run}> s = *reinterpret_cast<const Vec<{source}, {run}>*>"
        f"(from + (i64)c * {x.strides[1]} + (i64)i * {x.strides[2]} + (i64)j * "
        f"{x.strides[3]});",
        "    #pragma unroll",
        f"    for (int r = 0; r < {run}; ++r) v.v[e + r] = {stored};",
        "  }",
        "}",
        f"*reinterpret_cast<Vec<{kind}, {_RUN}>*>(y + (i64)t * {_RUN}) = v;",
    )
    return writer.kernel("image_blocks", (blocks_for(count, _THREADS), 1, 1), (_THREADS, 1, 1))
