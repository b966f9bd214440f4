"""Convolutions of images with few channels that move on by two columns, straight from the image.

A block brings the part of the image that its results need into shared memory, rounded, as it
lies. Where windows move on by two columns, a pair of neighbouring columns is one register of the
tensor cores' left factor in every window that it belongs to: nothing is copied or turned.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from trtlab.core.enums import PaddingMode
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.contraction import runs_fit
from trtlab.kernels.cuda.forms import form_of
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.window_stem_text import Window, window_kernel
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_RANK = 4
_FEW = 8
_RUN = 8
_ALIGN = 16
_SLOTS = 8  # pairs of columns in a step of the tensor cores
_WIDEST = 8  # tiles of sixteen columns in a block
_MOST_WARPS = 16
_MOST_SHARED = 216 << 10  # of a multiprocessor, and a little for each block
_MOST_STEPS = 48
_SAME = {PaddingMode.SAME_UPPER, PaddingMode.SAME_LOWER}


def window_of(problem: Problem, rows: int, tiles: int, blocks: int = 1) -> Window | Rejection:
    """The kernel's extents, or why it cannot compute the problem."""
    op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
    assert isinstance(op, Convolution)
    if kernel.dtype not in {DataType.HALF, DataType.BF16}:
        return Rejection(f"tensor cores multiply fp16 and bf16, not {kernel.dtype.value}")
    if len(x.shape) != _RANK or op.num_groups != 1 or not kernel.constant:
        return Rejection("works on images with constant weights and one group")
    if not 0 < x.shape[1] < _FEW or problem.has_empty_operand:
        return Rejection("works on images of less than eight channels")
    window = op.window(kernel.shape[2:])
    if window.dilation != (1, 1) or window.stride[1] != 2:
        return Rejection("windows do not move on by two columns")
    if op.padding_mode in _SAME:
        return Rejection("the padding depends on the image's size")
    (top, _), (left, _) = window.padding(x.shape[2:])
    lead = left % 2
    needed = -(-(kernel.shape[3] + lead) // 2)
    pairs = next((p for p in (1, 2, 4) if p >= needed), 0)
    if not pairs:
        return Rejection("a row of a window is wider than eight columns")
    steps = -(-x.shape[1] * kernel.shape[2] * pairs // _SLOTS)
    columns = -(-problem.outputs[0].shape[3] // 16)
    wide = -(-columns // -(-columns // _WIDEST))
    used = 16 * wide + pairs - 1
    # Lanes of one load read 4 / pairs rows: these must lie in different banks.
    apart = {1: 8, 2: 16, 4: 0}[pairs]
    pitch = used if not apart else used + (apart - used) % 32
    found = Window(
        rows=rows,
        wide=wide,
        tiles=tiles,
        blocks=blocks,
        maps=32 if kernel.shape[0] <= 32 else 64,
        pairs=pairs,
        steps=steps,
        lead=lead,
        left=left + lead,
        top=top,
        down=window.stride[0],
        pitch=pitch,
        taps=kernel.shape[2],
        channels=x.shape[1],
    )
    shared = blocks * (found.shared_bytes + 1024)
    if shared > _MOST_SHARED or steps > _MOST_STEPS or found.warps > _MOST_WARPS:
        return Rejection("a block's part of image and weights is too large")
    return found


class WindowStemTactic(Tactic):
    """One launch: image, windows and all that follows.

    Args:
        rows: Result rows of a part of the results.
        tiles: Tiles of sixteen results of a warp.
        blocks: That a multiprocessor holds at once.
    """

    def __init__(self, rows: int, tiles: int, blocks: int) -> None:
        self._extents = rows, tiles, blocks
        self.name = f"cuda.stem.window/{rows}x{tiles}x{blocks}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types, windows, and results whose channels are not side by side."""
        found = window_of(problem, *self._extents)
        if isinstance(found, Rejection):
            return found
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        if not runs_fit(form, _RUN):
            return Rejection("results do not lie in runs of eight channels")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """A third of the tensor cores' rate."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return 3.0 + flops / 2e8

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Weights in the order in which lanes load them, zeros where windows have no tap."""
        packed = dict(constants)
        found = window_of(problem, *self._extents)
        assert not isinstance(found, Rejection)
        if 1 in packed:
            packed[1] = _packed(packed[1], found)
        return packed

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch."""
        found = window_of(problem, *self._extents)
        form = form_of(problem)
        assert not isinstance(found, Rejection)
        assert not isinstance(form, Rejection)
        addresses = [a for a in buffers.inputs if a is not None]
        addresses.append(buffers.outputs[0])
        image, _, *others = addresses
        kernel = window_kernel(
            problem,
            form,
            found,
            self.name,
            image_aligned=image % _ALIGN == 0,
            aligned=all(a % _ALIGN == 0 for a in others),
        )
        return (KernelLaunch(kernel, tuple(addresses)),)


def _packed(kernel: Array, found: Window) -> Array:
    """[blocks of maps, steps, pairs of tiles, lanes, 2 tiles · 2 halves · 2 columns]."""
    maps, channels, taps, width = kernel.shape  # [K, C, R, S]
    blocks, tiles = -(-maps // found.maps), found.maps // 8
    rows = found.steps * _SLOTS // found.pairs
    whole = np.zeros((blocks * found.maps, rows, 2 * found.pairs), kernel.dtype)
    lines = kernel.reshape(maps, channels * taps, width)
    whole[:maps, : channels * taps, found.lead : found.lead + width] = lines
    # Maps are dealt so that a lane ends up with runs of eight, and four lanes with 32.
    split = whole.reshape(blocks, tiles // 4, 4, 2, 2, 2, found.steps, 2, 4, 2)
    # axes: block, run, quad, pair, tile, odd, step, half, quarter, column
    return np.ascontiguousarray(split.transpose(0, 6, 1, 3, 2, 5, 8, 4, 7, 9))
