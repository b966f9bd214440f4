"""Tactic for MATRIX_MULTIPLY: all leading dimensions become at most two batch loops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from trtlab.core.enums import MatrixOperation
from trtlab.core.types import DataType, StaticShape
from trtlab.devices.cpu.isa import target_isa
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu.bind_gemm import Product, bind_product
from trtlab.kernels.cpu.epilogue import (
    Ending,
    extras_of,
    pack_splats,
    row_steps,
    take_apart,
    with_bias,
)
from trtlab.kernels.cpu.finishing import Rows
from trtlab.kernels.cpu.gemm import PACKED, ROW_MAJOR, TRANSPOSED
from trtlab.kernels.cpu.packing import pack_columns, padded_columns
from trtlab.kernels.cpu.strided import Loops, nest
from trtlab.layers.base import Array
from trtlab.layers.linear import MatrixMultiply
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_BIAS, _FIRST_EXTRA = 2, 3
_VECTOR, _TRANSPOSE = MatrixOperation.VECTOR, MatrixOperation.TRANSPOSE
_LOOPS = 3  # outer batch, inner batch, rows


@dataclass(frozen=True, slots=True)
class _Factor:
    """One side of the product: shape and strides as [batch…, rows, columns]."""

    shape: StaticShape
    strides: Strides


@dataclass(frozen=True, slots=True)
class _Shape:
    """The product with its loops.

    Attributes:
        n: Columns of the result.
        k: Inner extent.
        loops: Outer, inner and row loop of result, left and right factor, epilogue operands.
        left_step: Elements between neighbouring k of a transposed left factor; 0 otherwise.
        right_pitch: Elements between rows of the right factor as it lies in memory.
        mode: How the right factor lies.
        ending: The epilogue, with the bias in it.
    """

    n: int
    k: int
    loops: Loops
    left_step: int
    right_pitch: int
    mode: int
    ending: Ending


class MatrixProduct(Tactic):
    """Constant right factors are packed while building, computed ones block by block."""

    name = f"cpu.matrix.product/{target_isa().name}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types, strides without unit steps, and too many batch loops."""
        shape = _describe(problem)
        return shape if isinstance(shape, Rejection) else None

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """The right factor in panels, times alpha; single-value operands as vectors."""
        op = problem.op
        assert isinstance(op, MatrixMultiply)
        packed = pack_splats(problem, constants, _BIAS)
        if 0 in constants:
            packed[0] = np.ascontiguousarray(constants[0], np.float32)
        if 1 in constants:
            packed[1] = _pack_right(constants[1], op)
        return packed

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """One command."""
        shape = _describe(problem)
        op = problem.op
        assert isinstance(op, MatrixMultiply)
        assert not isinstance(shape, Rejection)
        (row, outer, inner), left, right, *extras = row_steps(
            shape.loops, 0, len(shape.loops.strides)
        )
        a, b = buffers.inputs[0] or 0, buffers.inputs[1] or 0
        product = Product(
            m=shape.loops.shape[2],
            n=shape.n,
            k=shape.k,
            a=Rows(a, shape.left_step or left[0], left[1], left[2]),
            b=Rows(b, shape.right_pitch, right[1], right[2]),
            c=Rows(buffers.outputs[0], row, outer, inner),
            b_mode=shape.mode,
            finish=shape.ending.finish(buffers.inputs, extras),
            batches=(shape.loops.shape[0], shape.loops.shape[1]),
            alpha=1.0 if shape.mode == PACKED else op.alpha,
            a_transposed=shape.left_step != 0,
        )
        return [bind_product(product)]


def _pack_right(matrix: Array, op: MatrixMultiply) -> Array:
    """[…, K, N] after the operation → panels, one matrix after the other."""
    wide = matrix.astype(np.float64) * op.alpha
    if op.op1 is _VECTOR:
        wide = wide[..., None]
    elif op.op1 is _TRANSPOSE:
        wide = wide.swapaxes(-1, -2)
    flat = wide.reshape(-1, *wide.shape[-2:]).astype(np.float32)
    return np.concatenate([pack_columns(part) for part in flat])


def _factor(operand: Operand, op: MatrixOperation, *, left: bool) -> _Factor:
    shape, strides = operand.shape, operand.strides
    if op is _VECTOR:
        at = len(shape) - 1 if left else len(shape)
        step = 1 if not left else shape[-1]
        return _Factor((*shape[:at], 1, *shape[at:]), (*strides[:at], step, *strides[at:]))
    if op is _TRANSPOSE:
        return _Factor(
            (*shape[:-2], shape[-1], shape[-2]), (*strides[:-2], strides[-1], strides[-2])
        )
    return _Factor(shape, strides)


def _describe(problem: Problem) -> _Shape | Rejection:
    op = problem.op
    a, b, y = problem.inputs[0], problem.inputs[1], problem.outputs[0]
    if not isinstance(op, MatrixMultiply) or a is None or b is None:
        return Rejection(f"{op.kind} is not a matrix product of two tensors")
    wrong = {o.dtype.value for o in (a, b, y) if o.dtype is not DataType.FLOAT}
    if wrong:
        return Rejection(f"works on fp32, not on {', '.join(sorted(wrong))}")
    if prod(y.shape) == 0 or prod(a.shape) == 0:
        return Rejection("there are no elements")
    if a.constant and not a.is_dense:
        return Rejection("a constant left factor with holes")
    left, right = _factor(a, op.op0, left=True), _factor(b, op.op1, left=False)
    result = _result(op, y)
    lying = _lying(b.constant, left, right)
    if isinstance(lying, Rejection):
        return lying
    left_step, right_pitch, mode = lying
    if result.shape[-1] != 1 and result.strides[-1] != 1:
        return Rejection("the columns of the result do not lie together")
    ending = _ending(problem, op, result.shape)
    if isinstance(ending, Rejection):
        return ending
    loops = _loops(result, left, right, ending, packed=b.constant)
    if isinstance(loops, Rejection):
        return loops
    if left_step and loops.shape[2] != 1 and loops.strides[1][2] != 1:
        return Rejection("the rows of a transposed left factor do not lie together")
    return _Shape(
        result.shape[-1], left.shape[-1], loops, left_step, right_pitch, mode, ending
    )


def _result(op: MatrixMultiply, y: Operand) -> _Factor:
    """The result with the axes that VECTOR operands lack."""
    shape, strides = y.shape, y.strides
    if op.op1 is _VECTOR:
        shape, strides = (*shape, 1), (*strides, 1)
    if op.op0 is _VECTOR:
        shape = (*shape[:-1], 1, shape[-1])
        strides = (*strides[:-1], 0, strides[-1])
    return _Factor(shape, strides)


def _lying(
    constant: bool,  # noqa: FBT001  (of the right factor)
    left: _Factor,
    right: _Factor,
) -> tuple[int, int, int] | Rejection:
    """Step of a transposed left factor, pitch and mode of the right one."""
    (m, k), (row, column) = left.shape[-2:], left.strides[-2:]
    left_step = 0
    if k != 1 and column != 1:
        if m != 1 and row != 1:
            return Rejection("neither rows nor columns of the left factor lie together")
        left_step = column
    if constant:
        return left_step, 0, PACKED
    n, (row, column) = right.shape[-1], right.strides[-2:]
    if n == 1 or column == 1:
        # one column is a matrix of one element a row
        return left_step, row if n != 1 or row != 1 else 1, ROW_MAJOR
    if k == 1 or row == 1:
        return left_step, column, TRANSPOSED
    return Rejection("neither rows nor columns of the right factor lie together")


def _ending(problem: Problem, op: MatrixMultiply, shape: StaticShape) -> Ending | Rejection:
    """The epilogue behind the bias, over the result with all its axes."""
    whole = Problem(op, problem.inputs, (Operand(problem.outputs[0].dtype, shape),))
    biased = len(problem.inputs) > _BIAS and problem.inputs[_BIAS] is not None
    first = _BIAS if biased else _FIRST_EXTRA
    inputs = [_aligned(o, op) if i >= first else o for i, o in enumerate(whole.inputs)]
    aligned = Problem(op, tuple(inputs), whole.outputs)
    extras = extras_of(aligned, first, len(shape) - 1)
    if isinstance(extras, Rejection):
        return extras
    program = with_bias(op.epilogue, len(extras) - 1) if biased else op.epilogue
    return take_apart(program, extras, len(shape) - 1)


def _aligned(operand: Operand | None, op: MatrixMultiply) -> Operand | None:
    """An epilogue operand with the axes that VECTOR factors lack in the result."""
    if operand is None:
        return None
    shape, strides = operand.shape, operand.strides
    if op.op1 is _VECTOR:
        shape, strides = (*shape, 1), (*strides, 1)
    if op.op0 is _VECTOR and len(shape) > 0:
        shape = (*shape[:-1], 1, shape[-1])
        strides = (*strides[:-1], 0, strides[-1])
    return Operand(operand.dtype, shape, operand.format, strides, operand.constant)


def _loops(
    result: _Factor, left: _Factor, right: _Factor, ending: Ending, *, packed: bool
) -> Loops | Rejection:
    rank = len(result.shape) - 1
    if packed:
        # packed matrices follow each other
        size = right.shape[-2] * padded_columns(right.shape[-1])
        lead = right.shape[:-2]
        steps = [size * prod(lead[i + 1 :]) for i in range(len(lead))]
    else:
        lead, steps = right.shape[:-2], list(right.strides[:-2])
    tensors = [
        result.strides[:-1],
        _spread(left.shape[:-1], left.strides[:-1], rank),
        (*_spread(lead, steps, rank - 1), 0),
        *ending.row_strides(),
    ]
    loops = nest(result.shape[:-1], tensors, reorder=False)
    if not loops.shape or loops.strides[2][-1] != 0:
        # the innermost loop walks matrices: their rows are a loop of one turn
        loops = Loops((*loops.shape, 1), tuple((*s, 0) for s in loops.strides))
    if len(loops.shape) > _LOOPS:
        return Rejection(f"{len(loops.shape) - 1} batch loops; the kernel has {_LOOPS - 1}")
    return loops.padded(_LOOPS)


def _spread(shape: Sequence[int], strides: Sequence[int], rank: int) -> Strides:
    missing = rank - len(shape)
    own = (0 if extent == 1 else s for extent, s in zip(shape, strides, strict=True))
    return (*((0,) * missing), *own)
