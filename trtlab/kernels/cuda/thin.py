"""Products of many short rows with few weights: as fast as memory sends and takes the rows.

The expanding and projecting convolutions of mobile networks multiply pixels of a few channels.
Tiles of a common product would be mostly padding; here all weights stay in shared memory, and each
warp takes some rows at a time, whole (see `thin_text`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.contraction import Contraction
from trtlab.kernels.cuda.forms import form_of, pack_rows
from trtlab.kernels.cuda.matrices import (
    finish_of,
    found_pitch,
    image_of,
    pitch_of,
    pitch_of_left,
    unfit_operands,
)
from trtlab.kernels.cuda.text import MULTIPROCESSORS
from trtlab.kernels.cuda.thin_rows import Thin
from trtlab.kernels.cuda.thin_text import thin_kernel
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.layers.linear import MatrixMultiply
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16
_MOST_SHARED = 100 << 10
_MOST_K, _MOST_N = 160, 256


class ThinTactic(Tactic):
    """A product whose weights fit into every block.

    Args:
        warps: Of a block.
    """

    def __init__(self, warps: int) -> None:
        self._warps = warps
        self.name = f"cuda.product.thin/{warps}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines what is no dense matrix of half precision, and large weights."""
        found = self._found(problem)
        return found if isinstance(found, Rejection) else None

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory; common tiles suit few rows better."""
        found = self._found(problem)
        if isinstance(found, Rejection):
            return float("inf")
        thin, _ = found
        moved = 2.0 * thin.m * (thin.k + (1 + thin.finish.image) * thin.n)
        few = thin.parts < 4 * MULTIPROCESSORS
        return 1.5 + moved / 4.5e6 + (1.0 if few else 0.0)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Weights in the order in which lanes load them, zeros up to whole steps."""
        packed = pack_rows(problem, constants)
        if 1 in packed:
            found = self._found(problem)
            assert not isinstance(found, Rejection)
            thin, _ = found
            whole = np.zeros((thin.n, 16 * thin.steps), packed[1].dtype)
            whole[:, : thin.k] = packed[1].reshape(thin.n, thin.k)
            # axes: tile, column, step, half, quarter, pair
            split = whole.reshape(thin.n // 8, 8, thin.steps, 2, 4, 2)
            packed[1] = np.ascontiguousarray(split.transpose(2, 0, 1, 4, 3, 5))
        return packed

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch."""
        found = self._found(problem)
        assert not isinstance(found, Rejection)
        thin, form = found
        addresses = [*(a for a in buffers.inputs if a is not None), buffers.outputs[0]]
        aligned = all(a % _ALIGN == 0 for a in addresses)
        kernel = thin_kernel(thin, form, self.name, problem, aligned=aligned)
        return (KernelLaunch(kernel, tuple(addresses)),)

    def _found(self, problem: Problem) -> tuple[Thin, Contraction] | Rejection:
        """The kernel's extents, or why it cannot compute the problem."""
        if problem.has_empty_operand or not isinstance(
            problem.op, MatrixMultiply | Convolution
        ):
            return Rejection("works on matrix products and convolutions, not empty ones")
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        refused = unfit_operands(problem, form)
        if refused is not None:
            return refused
        _, m, n, k = form.sizes
        if n > _MOST_N or k > _MOST_K:
            return Rejection("rows are too long for all weights to fit a block")
        pitch, stored = pitch_of_left(form), pitch_of(form, form.result)
        if pitch is None or stored is None:
            return Rejection("left factor or result is no matrix whose rows are dense")
        finish = finish_of(form)
        if isinstance(finish, Rejection):
            return finish
        image = image_of(form, finish)
        added = 0 if image is None else found_pitch(form, image)
        for rows in (32, 16):
            thin = Thin(
                m, n, k, form.left.dtype, finish, (pitch, stored, added), rows, self._warps
            )
            if thin.shared_bytes <= _MOST_SHARED:
                return thin, form
        return Rejection("weights and rows do not fit the shared memory")
