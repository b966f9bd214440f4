"""Products whose operands are matrices with a pitch: what kernels on whole rows need to know."""

from math import prod

from trtlab.core.types import DataType, StaticShape
from trtlab.kernels.cuda.contraction import Contraction, Extra, is_row, merged
from trtlab.kernels.cuda.mma_load import RUN
from trtlab.kernels.cuda.wgmma_tile import Finish
from trtlab.tactics.problem import Problem, Strides
from trtlab.tactics.tactic import Rejection


def unfit_operands(problem: Problem, form: Contraction) -> Rejection | None:
    """Why operands are no matrices of half precision, in 16-byte runs, with constant weights."""
    kinds = {form.left.dtype, form.right.dtype, form.result.dtype}
    kinds |= {extra.dtype for extra in form.extras}
    if len(kinds) > 1 or form.left.dtype not in {DataType.HALF, DataType.BF16}:
        return Rejection("works on operands of one half precision type")
    weights = problem.inputs[1]
    if weights is None or not weights.constant or prod(form.batch) != 1:
        return Rejection("works with constant weights, one matrix")
    _, _, n, k = form.sizes
    if n % RUN or k % RUN:
        return Rejection("rows are no whole 16-byte runs")
    return None


def finish_of(form: Contraction) -> Finish | Rejection:
    """What happens to the sums, if the kernel can do it."""
    if form.bias is not None and not is_row(form, form.bias):
        return Rejection("the bias is not one value a column")
    where: list[str] = []
    for operand in form.operands:
        if is_row(form, operand):
            where.append("row")
        elif pitch_of(form, operand) is not None:
            where.append("image")
        else:
            return Rejection("an operand is neither a row nor of the result's shape")
    if where.count("image") > 1:
        return Rejection("two operands have the result's shape")
    return Finish(form.program, form.alpha, form.bias is not None, tuple(where))


def image_of(form: Contraction, finish: Finish) -> Extra | None:
    """The operand that has the result's shape."""
    pairs = zip(form.operands, finish.operands, strict=True)
    return next((operand for operand, where in pairs if where == "image"), None)


def found_pitch(form: Contraction, extra: Extra) -> int:
    """The same of something that is a matrix."""
    pitch = pitch_of(form, extra)
    assert pitch is not None
    return pitch


def pitch_of(form: Contraction, extra: Extra) -> int | None:
    """Elements from row to row of something of the result's shape; None where it is no matrix."""
    return _dense(form.m, extra.m, form.n, extra.n)


def pitch_of_left(form: Contraction) -> int | None:
    """The same of the left factor; a window of one tap that moves by whole elements is none."""
    rows, inner = list(form.left.rows), list(form.left.k)
    for axis in form.left.window:
        if form.k[axis.tap] != 1 or axis.pad or axis.scattered:
            return None
        if (form.m[axis.row] - 1) * axis.stride >= axis.extent:
            return None
        rows[axis.row] += axis.step * axis.stride
    return _dense(form.m, tuple(rows), form.k, tuple(inner))


def _dense(
    rows: StaticShape, row_steps: Strides, columns: StaticShape, column_steps: Strides
) -> int | None:
    down, across = merged(rows, row_steps), merged(columns, column_steps)
    width = prod(columns)
    if across != ((width,), (1,)) or len(down[0]) > 1:
        return None
    pitch = down[1][0] if down[1] else width
    return pitch if pitch >= width and pitch % RUN == 0 else None
