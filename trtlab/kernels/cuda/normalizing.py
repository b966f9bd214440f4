"""SOFTMAX and NORMALIZATION: every element of a row by what the row has in common."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from trtlab.core.types import StaticShape
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.rows import (
    RowPlan,
    begin_rows,
    each_chunk,
    load_chunk,
    plan_rows,
    store_chunk,
)
from trtlab.kernels.cuda.text import Writer
from trtlab.layers.base import axes_in
from trtlab.layers.normalization import Normalization
from trtlab.layers.reduction import SoftMax
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Shape, axes of a row, and strides: result, data, then weights."""

    shape: StaticShape
    axes: tuple[int, ...]
    strides: tuple[Strides, ...]


class RowTactic(Tactic):
    """Rows whose elements are all written."""

    function: str = "rows"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types that no kernel loads."""
        return unknown_types(problem)

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory."""
        return cost_us(problem, 1.5e6)

    @abstractmethod
    def describe(self, problem: Problem) -> RowProblem:
        """The problem as rows."""

    @abstractmethod
    def passes(self, writer: Writer, problem: Problem, plan: RowPlan) -> None:
        """Statements; ``x`` and ``y`` are the row's pointers, ``w0``, ``w1`` the weights'."""

    def kernel(self, problem: Problem, *, aligned: bool) -> Kernel:
        """The kernel."""
        rows = self.describe(problem)
        operands = [problem.outputs[0], *(o for o in problem.inputs if o is not None)]
        size = max(int(o.dtype.itemsize) for o in operands)
        plan = plan_rows(rows.shape, rows.strides, rows.axes, size, (0, 1), aligned=aligned)
        writer = Writer(self.name, problem)
        names = ["xx", *(f"ww{n}" for n in range(len(operands) - 2))]
        for name, operand in zip(names, operands[1:], strict=True):
            writer.pointer(name, operand.dtype)
        writer.pointer("yy", operands[0].dtype, written=True)
        bases = ["b_y", "b_x", *(f"b_w{n}" for n in range(len(operands) - 2))]
        begin_rows(writer, plan, bases)
        for name, base, operand in zip(names, bases[1:], operands[1:], strict=True):
            kind = C_TYPES[operand.dtype]
            writer.add(f"const {kind}* {name[1:]} = {name} + {base};")
        writer.add(f"{C_TYPES[operands[0].dtype]}* y = yy + b_y;")
        self.passes(writer, problem, plan)
        block = plan.threads * plan.rows_per_block
        return writer.kernel(self.function, (plan.blocks, 1, 1), (block, 1, 1))

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch; none for an empty result."""
        if 0 in problem.outputs[0].shape:
            return ()
        addresses = (*(a for a in buffers.inputs if a is not None), buffers.outputs[0])
        aligned = addresses[0] % _ALIGN == 0 and addresses[-1] % _ALIGN == 0
        return (KernelLaunch(self.kernel(problem, aligned=aligned), addresses),)


def cached_load(writer: Writer, problem: Problem, plan: RowPlan) -> None:
    """Load the row into ``c[j][v]`` where it is kept; declares it."""
    if not plan.keeps:
        return
    kind = C_TYPES[given(problem, 0).dtype]
    writer.add(f"float c[{plan.chunks}][{plan.width}];")
    writer.add(*each_chunk(plan, load_chunk(plan, kind, "x", 1, "c[j]"), (1,)))


def over_row(
    problem: Problem, plan: RowPlan, lines: Sequence[str], tensors: Sequence[int] = ()
) -> list[str]:
    """A pass over the row: ``lines`` see the elements as ``d[v]``."""
    kind = C_TYPES[given(problem, 0).dtype]
    if plan.keeps:
        fetch = ["const float* d = c[j];"]
    else:
        fetch = [f"float d[{plan.width}];", *load_chunk(plan, kind, "x", 1, "d")]
    needed = sorted({*tensors} | (set() if plan.keeps else {1}))
    return each_chunk(plan, [*fetch, *lines], needed)


class SoftMaxTactic(RowTactic):
    """Maximum, sum of exponentials, quotient."""

    name = "cuda.softmax.rows"
    function = "softmax"

    def describe(self, problem: Problem) -> RowProblem:
        """Rows along the axes."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, SoftMax)
        axes = axes_in(op.axes, len(x.shape))
        return RowProblem(x.shape, axes, (out.strides, x.strides))

    def passes(self, writer: Writer, problem: Problem, plan: RowPlan) -> None:
        """Three passes."""
        op = problem.op
        assert isinstance(op, SoftMax)
        w, t = plan.width, plan.threads
        cached_load(writer, problem, plan)
        writer.add(
            "float top = __int_as_float(0xff800000);",
            *over_row(
                problem, plan, [f"for (int v = 0; v < {w}; ++v) top = max_nan(top, d[v]);"]
            ),
            f"top = across_row<Most, {t}>(top);",
            "if (fabsf(top) == __int_as_float(0x7f800000)) top = 0.0f;",
            "float total = 0.0f;",
            *over_row(
                problem, plan, [f"for (int v = 0; v < {w}; ++v) total += expf(d[v] - top);"]
            ),
            f"total = across_row<Sum, {t}>(total);",
            "const float shift = logf(total) + top;"
            if op.log
            else "const float f = 1.0f / total;",
        )
        value = "d[v] - shift" if op.log else "expf(d[v] - top) * f"
        out = C_TYPES[problem.outputs[0].dtype]
        writer.add(*over_row(problem, plan, store_chunk(plan, out, "y", 0, value), (0,)))


class NormalizationTactic(RowTactic):
    """Mean, variance, quotient and weights; two passes for the statistics."""

    name = "cuda.normalization.rows"
    function = "normalization"

    def describe(self, problem: Problem) -> RowProblem:
        """Rows along the axes; with groups the channels are split in two axes."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Normalization)
        axes = axes_in(op.axes, len(x.shape))
        weights = [o for o in (optional(problem, 1), optional(problem, 2)) if o is not None]
        if op.num_groups == 1:
            spread = [broadcast_strides(w, x.shape) for w in weights]
            return RowProblem(x.shape, axes, (out.strides, x.strides, *spread))
        each = x.shape[1] // op.num_groups
        shape = (x.shape[0], op.num_groups, each, *x.shape[2:])

        def split(strides: Strides) -> Strides:
            return (strides[0], strides[1] * each, *strides[1:])

        spread = [_group_strides(w, x, op.num_groups, each) for w in weights]
        grown = (2, *(axis + 1 for axis in axes))
        return RowProblem(shape, grown, (split(out.strides), split(x.strides), *spread))

    def passes(self, writer: Writer, problem: Problem, plan: RowPlan) -> None:
        """Mean, then variance around it, then the result."""
        op = problem.op
        assert isinstance(op, Normalization)
        w, t, n = plan.width, plan.threads, literal(1.0 / plan.length)
        cached_load(writer, problem, plan)
        loop = f"for (int v = 0; v < {w}; ++v)"
        writer.add("float mean = 0.0f, square = 0.0f;")
        if not op.rms:
            writer.add(
                *over_row(problem, plan, [f"{loop} mean += d[v];"]),
                f"mean = across_row<Sum, {t}>(mean) * {n};",
            )
        centred = "d[v]" if op.rms else "(d[v] - mean)"
        writer.add(
            *over_row(problem, plan, [f"{loop} square += {centred} * {centred};"]),
            f"square = across_row<Sum, {t}>(square) * {n};",
            f"const float f = 1.0f / sqrtf(square + {literal(op.epsilon)});",
        )
        lines: list[str] = []
        value, number, tensors = f"{centred} * f", 2, [0]
        for place, sign in ((1, "*"), (2, "+")):
            operand = optional(problem, place)
            if operand is None:
                continue
            name = f"g{place}"
            kind = C_TYPES[operand.dtype]
            lines += [
                f"float {name}[{w}];",
                "{",
                *load_chunk(plan, kind, f"w{number - 2}", number, name),
                "}",
            ]
            value = f"({value}) {sign} {name}[v]"
            tensors.append(number)
            number += 1
        out = C_TYPES[problem.outputs[0].dtype]
        lines += store_chunk(plan, out, "y", 0, value)
        writer.add(*over_row(problem, plan, lines, tensors))


def _group_strides(weights: Operand, x: Operand, groups: int, each: int) -> Strides:
    """Weights a channel or a group, along batch, group, channel in the group, and space."""
    rank = len(x.shape)
    if len(weights.shape) == rank and weights.shape[1] == groups != x.shape[1]:
        step = weights.strides[1]
        return (0, step, 0, *(0,) * (rank - 2))
    plain = broadcast_strides(weights, x.shape)
    return (plain[0], plain[1] * each, *plain[1:])
