"""Convolutions whose windows do not overlap, as one product: the patch embedding of transformers.

Copied in blocks, each window is one row of a matrix; the image is rounded on the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.kernels.cuda.blocks import Blocks, blocks_kernel, blocks_of, pack_blocks
from trtlab.kernels.cuda.contraction import Contraction, Extra, Reader
from trtlab.kernels.cuda.cublaslt import (
    RankedProductTactic,
    available,
    product_launches,
    product_of,
)
from trtlab.kernels.cuda.forms import form_of
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.layers.base import Array
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Launch, Rejection

_ALIGN = 16
_FIRST_EXTRA = 3


class PatchesTactic(RankedProductTactic):
    """A copy in blocks, and one of the products that cuBLASLt ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "patches"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines windows that overlap, and results that are no rows of maps."""
        if not available():
            return Rejection("the package nvmath-python is not installed")
        found = blocks_of(problem)
        if isinstance(found, Rejection):
            return found
        if found.taps != (1, 1):
            return Rejection("windows overlap")
        form = _over(problem, found)
        if isinstance(form, Rejection):
            return form
        product = product_of(form)
        return product if isinstance(product, Rejection) else None

    def workspace_bytes(self, problem: Problem) -> int:
        """The copy."""
        found = blocks_of(problem)
        return 0 if isinstance(found, Rejection) else found.nbytes

    def cost_hint_us(self, problem: Problem) -> float:
        """Near the tensor cores' rate, and the copy; worse with the rank."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return 2.0 + (2.5 + flops / 6e8) * (1 + 0.1 * self._rank)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Weights as [maps, channels of a block]."""
        return pack_blocks(problem, constants)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """Copy, then product."""
        found = blocks_of(problem)
        assert not isinstance(found, Rejection)
        form = _over(problem, found)
        assert not isinstance(form, Rejection)
        image, *rest = (a for a in buffers.inputs if a is not None)
        copy = blocks_kernel(problem, found, self.name, aligned=image % _ALIGN == 0)
        addresses = (buffers.workspace, *rest, buffers.outputs[0])
        return (
            KernelLaunch(copy, (image, buffers.workspace)),
            *product_launches(form, self._rank, addresses, self.name, problem),
        )


def _over(problem: Problem, found: Blocks) -> Contraction | Rejection:
    """The product: rows are the images' windows, or batches of rows where results have holes."""
    form = form_of(problem)
    if isinstance(form, Rejection):
        return form
    out, bias = problem.outputs[0], optional(problem, 2)
    others = [o for o in problem.inputs[_FIRST_EXTRA:] if o is not None]
    if out.strides[1] != 1 or any(o.shape != out.shape for o in others):
        return Rejection("works with channels fastest, and on operands like the result")
    images, maps, down, right = out.shape
    if any(o.strides[2] != right * o.strides[3] for o in (out, *others)):
        return Rejection("the result's rows lie apart")
    whole = all(o.strides[0] == down * o.strides[2] for o in (out, *others))
    batch, rows = (1, images * down * right) if whole else (images, down * right)
    width, kind = found.channels, given(problem, 1).dtype

    def extra(operand: Operand) -> Extra:
        first = 0 if whole else operand.strides[0]
        return Extra(operand.dtype, (first,), (operand.strides[3],), (operand.strides[1],))

    return replace(
        form,
        batch=(batch,),
        m=(rows,),
        n=(maps,),
        k=(width,),
        left=Reader(kind, (0 if whole else rows * width,), (width,), (1,)),
        right=Reader(kind, (0,), (width,), (1,)),
        result=extra(out),
        bias=None if bias is None else Extra(bias.dtype, (0,), (0,), (bias.strides[0],)),
        operands=tuple(extra(o) for o in others),
    )
