"""Tactics on Hopper's warp groups: products with constant weights, and convolutions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import ceil, prod
from typing import ClassVar

from trtlab.devices.cuda.kernel import Argument, Kernel, KernelLaunch
from trtlab.devices.cuda.tensor_map import TensorMap
from trtlab.kernels.cuda.contraction import Contraction, Extra, Reader
from trtlab.kernels.cuda.forms import form_of, pack_rows
from trtlab.kernels.cuda.matrices import (
    finish_of,
    found_pitch,
    image_of,
    pitch_of,
    pitch_of_left,
    unfit_operands,
)
from trtlab.kernels.cuda.mma import mma_kernel
from trtlab.kernels.cuda.mma_load import MmaTile
from trtlab.kernels.cuda.text import MULTIPROCESSORS
from trtlab.kernels.cuda.wgmma import wgmma_kernel
from trtlab.kernels.cuda.wgmma_text import DEEP
from trtlab.kernels.cuda.wgmma_tile import ROWS, Finish, WgmmaTile, Window, Work
from trtlab.kernels.cuda.wgmma_window import left_map, window_of
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.layers.linear import MatrixMultiply
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16
_LEAST_STEPS = 2
_NEAR = 1.2
_OUT_OF_THE_RACE = 1e3
_FLOPS_PER_US = 8e8 / MULTIPROCESSORS
_FILL_PER_US = 1.05e5  # bytes that the L2 cache sends one multiprocessor
_BYTES_PER_US = 4.2e6
_BEGIN_US, _JOIN_US = 0.6, 0.3  # of a block's first tile; of each block that shares a sum
_UNALIGNED = MmaTile(64, 64, 64, 32, 32, 3)
_TILES = (
    WgmmaTile(3, 192, 3, 2),
    WgmmaTile(2, 256, 3, 4),
    WgmmaTile(2, 256, 2, 8),
    WgmmaTile(2, 192, 4, 4),
    WgmmaTile(2, 128, 4, 4),
    WgmmaTile(2, 128, 5, 2, high=2, turns=True),
    WgmmaTile(2, 128, 3, 1, 2),
    WgmmaTile(2, 128, 2, 2, 2),
    WgmmaTile(2, 64, 3, 2, 2),
    WgmmaTile(2, 64, 6, 2),
    WgmmaTile(1, 64, 4, 2, 2),
    WgmmaTile(2, 128, 6, 0, 1, 2),
    WgmmaTile(4, 64, 4, 0, 1, 2),
    WgmmaTile(4, 64, 4, 0, 1, 8),
    WgmmaTile(1, 64, 6, 0, 2, 4),
    WgmmaTile(1, 64, 6, 0, 2, 8),
    WgmmaTile(2, 64, 4, 0, 2, 4),
    WgmmaTile(2, 64, 4, 0, 2, 8),
)


class WgmmaTactic(Tactic):
    """A product in tiles of warp groups.

    Args:
        tile: Tile extents.
    """

    arch: ClassVar[str] = "sm_90"

    def __init__(self, tile: WgmmaTile) -> None:
        self._tile = tile
        self.name = f"cuda.product.wgmma/{tile}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines what is no dense matrix, and finishes with images of another shape."""
        if problem.has_empty_operand:
            return Rejection("a factor is empty")
        if not isinstance(problem.op, MatrixMultiply | Convolution):
            return Rejection("works on matrix products and convolutions")
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        return self._refuse(problem, form)

    def _refuse(self, problem: Problem, form: Contraction) -> Rejection | None:
        refused = unfit_operands(problem, form)
        if refused is not None:
            return refused
        k = form.sizes[3]
        left = _left(form)
        if isinstance(left, Rejection):
            return left
        if pitch_of(form, form.result) is None:
            return Rejection("the result is no matrix whose rows are dense")
        finish = finish_of(form)
        if isinstance(finish, Rejection):
            return finish
        if not self._tile.fits(finish.rows):
            return Rejection("too many operands for the shared memory")
        if self._tile.splits > 1 and ceil(k / DEEP) < _LEAST_STEPS * self._tile.splits:
            return Rejection("the sum is too short to be shared")
        if finish.image and self._tile.chunks == 1:
            return Rejection("one chunk cannot load ahead what is added")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """The multiprocessors' shares of tiles; tiles far from the best for the sizes need not be timed."""
        form = form_of(problem)
        if isinstance(form, Rejection):
            return float("inf")
        finish = finish_of(form)
        image = not isinstance(finish, Rejection) and finish.image
        taps = prod(form.k[:-1]) if form.left.window else 1
        costs = {tile: _cost_us(tile, form.sizes[1:], taps, image=image) for tile in _TILES}
        own = costs[self._tile]
        return own * (_OUT_OF_THE_RACE if own > _NEAR * min(costs.values()) else 1.0)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Weights as [n, k]."""
        return pack_rows(problem, constants)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch."""
        form = form_of(problem)
        assert not isinstance(form, Rejection)
        given = [a for a in buffers.inputs if a is not None]
        out = buffers.outputs[0]
        if any(a % _ALIGN for a in (*given, out)):
            packed = replace(form, right=_packed(form))
            kernel = mma_kernel(packed, _UNALIGNED, self.name, problem, aligned=False)
            return (KernelLaunch(kernel, (*given, out)),)
        finish = finish_of(form)
        assert not isinstance(finish, Rejection)
        maps, rows = self._operands(form, finish, given, out)
        return (KernelLaunch(self.kernel(form, finish, problem), (*maps, *rows)),)

    def kernel(self, form: Contraction, finish: Finish, problem: Problem) -> Kernel:
        """The kernel."""
        window, _ = _found_left(form)
        split = self._tile.splits > 1  # then addresses lie in the text, not in maps
        image = image_of(form, finish) if split else None
        work = Work(
            *form.sizes[1:],
            form.left.dtype,
            self._tile,
            finish,
            window,
            found_pitch(form, form.result) if split else 0,
            0 if image is None else found_pitch(form, image),
        )
        return wgmma_kernel(work, self.name, problem)

    def _operands(
        self, form: Contraction, finish: Finish, given: Sequence[int], out: int
    ) -> tuple[list[Argument], list[int]]:
        """Maps of matrices, or addresses where the copy engine does not write; row operands."""
        _, m, n, k = form.sizes
        kind, split = form.left.dtype, self._tile.splits > 1

        def of_result(extra: Extra, address: int) -> Argument:
            if split:
                return address
            return TensorMap(address, kind, m, n, found_pitch(form, extra), ROWS)

        window, pitch = _found_left(form)
        found: list[Argument] = [
            left_map(form, window, pitch, given[0], self._tile.m),
            TensorMap(given[1], kind, n, k, k, self._tile.n),
            of_result(form.result, out),
        ]
        rows: list[int] = []
        where = (*(("row",) if finish.biased else ()), *finish.operands)
        for extra, place, address in zip(form.extras, where, given[2:], strict=True):
            if place == "row":
                rows.append(address)
            else:
                found.append(of_result(extra, address))
        return found, rows


def wgmma_tactics() -> list[WgmmaTactic]:
    """All tiles."""
    return [WgmmaTactic(tile) for tile in _TILES]


@cache
def _cost_us(tile: WgmmaTile, sizes: tuple[int, int, int], taps: int, *, image: bool) -> float:
    """A multiprocessor's share of tiles, step by step: they are multiplied, or they arrive."""
    m, n, k = sizes
    blocks = ceil(m / tile.m) * ceil(n / tile.n) * tile.splits
    share = ceil(blocks / MULTIPROCESSORS)
    steps = ceil(ceil(k / DEEP) / tile.splits)
    step = max(2.0 * tile.m * tile.n * DEEP / _FLOPS_PER_US, tile.stage_bytes / _FILL_PER_US)
    moved = 2.0 * (m * k / taps + n * k + (1 + image) * m * n)
    joined = _JOIN_US * tile.splits if tile.splits > 1 else 0.0
    begun = _BEGIN_US * ceil(share / tile.blocks)
    return 2.0 + joined + max(share * steps * step + begun, moved / _BYTES_PER_US)


def _left(form: Contraction) -> tuple[Window | None, int] | Rejection:
    """How the left factor's rows lie: windows of images, or so many elements apart."""
    pitch = pitch_of_left(form)
    if pitch is not None:
        return None, pitch
    if not form.left.window:
        return Rejection("the left factor is no matrix whose rows are dense")
    window = window_of(form)
    return window if isinstance(window, Rejection) else (window, 0)


def _found_left(form: Contraction) -> tuple[Window | None, int]:
    left = _left(form)
    assert not isinstance(left, Rejection)
    return left


def _packed(form: Contraction) -> Reader:
    """The right factor as `WgmmaTactic.pack` lays it."""
    if form.left.window:
        return form.right
    return Reader(form.right.dtype, form.right.batch, (prod(form.k),), (1,))
