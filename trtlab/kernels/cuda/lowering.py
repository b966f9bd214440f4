"""Layers that are functions of each element, as programs over tensors of any type."""

from dataclasses import dataclass
from typing import Final

from trtlab.core.enums import (
    ElementWiseOperation,
    ReduceOperation,
    ScaleMode,
    UnaryOperation,
)
from trtlab.core.types import DataType
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.program import obstacle
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Op
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.fused import Reformat
from trtlab.layers.pointwise import Pointwise, Program, Step
from trtlab.layers.reduction import Reduce
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Rejection

_E = ElementWiseOperation
_TRUTHS: Final = {
    _E.EQUAL: "equal",
    _E.GREATER: "greater",
    _E.LESS: "less",
    _E.AND: "and",
    _E.OR: "or",
    _E.XOR: "xor",
}
_TESTS: Final = {
    UnaryOperation.NOT: "not",
    UnaryOperation.ISNAN: "is_nan",
    UnaryOperation.ISINF: "is_inf",
}


@dataclass(frozen=True, slots=True)
class Lowered:
    """A program, and for each of its operands the problem input and its strides.

    Attributes:
        dtype: Element type that is computed with.
    """

    program: Program
    inputs: tuple[int, ...]
    strides: tuple[Strides, ...]
    dtype: DataType


def unknown_types(problem: Problem) -> Rejection | None:
    """Refuses element types that kernels do not load."""
    operands = [o for o in (*problem.inputs, *problem.outputs) if o is not None]
    wrong = {o.dtype.value for o in operands if o.dtype not in C_TYPES}
    return Rejection(f"no kernel loads {', '.join(sorted(wrong))}") if wrong else None


def lower(problem: Problem) -> Lowered | Rejection:
    """The problem as a pointwise program."""
    refused = unknown_types(problem)
    if refused is not None:
        return refused
    if isinstance(problem.op, Scale):
        found = _lower_scale(problem, problem.op)
    else:
        program = _program(problem.op)
        if program is None:
            return Rejection(f"{problem.op.kind} with these options is no pointwise program")
        shape = problem.outputs[0].shape
        given = [(i, o) for i, o in enumerate(problem.inputs) if o is not None]
        found = Lowered(
            program,
            tuple(i for i, _ in given),
            tuple(broadcast_strides(o, shape) for _, o in given),
            given[1 if isinstance(problem.op, Select) else 0][1].dtype,
        )
    reason = obstacle(found.program, found.dtype)
    return found if reason is None else Rejection(reason)


def _program(op: Op) -> Program | None:
    if isinstance(op, Pointwise):
        return op.program
    if isinstance(op, Activation):
        return op.program()
    if isinstance(op, ParametricReLU):
        return (Step("prelu", (0, 1)),)
    if isinstance(op, Select):
        return (Step("select", (0, 1, 2)),)
    if isinstance(op, Identity | Cast | Reformat):
        return (Step("identity", (0,)),)
    if isinstance(op, Reduce):
        return (Step("identity", (0,)),) if op.op is ReduceOperation.NONE else None
    if isinstance(op, ElementWise):
        if op.op in _TRUTHS:
            return (Step(_TRUTHS[op.op], (0, 1)),)
        return (Step("floor_div", (0, 1)),) if op.op is _E.FLOOR_DIV else op.program()
    if isinstance(op, Unary):
        return (Step(_TESTS[op.op], (0,)),) if op.op in _TESTS else op.program()
    return None


def _lower_scale(problem: Problem, op: Scale) -> Lowered:
    """(x·scale + shift)^power; weights are spread as the layer's mode says."""
    shape = problem.outputs[0].shape
    x = _given(problem, 0)
    inputs, strides = [0], [broadcast_strides(x, shape)]
    steps: list[Step] = []
    value = 0
    named = [(2, "mul"), (1, "add"), (3, "pow")]  # inputs: data, shift, scale, power
    present = [
        (i, f) for i, f in named if i < len(problem.inputs) and problem.inputs[i] is not None
    ]
    for number, (index, function) in enumerate(present, start=1):
        inputs.append(index)
        strides.append(_spread(op, _given(problem, index), shape))
        steps.append(Step(function, (value, number)))
        value = len(present) + number
    program = tuple(steps) or (Step("identity", (0,)),)
    return Lowered(program, tuple(inputs), tuple(strides), x.dtype)


def _given(problem: Problem, index: int) -> Operand:
    operand = problem.inputs[index]
    assert operand is not None  # the layer's type rule saw to it
    return operand


def _spread(op: Scale, weights: Operand, shape: tuple[int, ...]) -> Strides:
    if op.mode is ScaleMode.UNIFORM:
        return (0,) * len(shape)
    if op.mode is ScaleMode.CHANNEL:
        axis = op.channel_axis % len(shape)
        steps = [s for s, e in zip(weights.strides, weights.shape, strict=True) if e != 1]
        step = steps[0] if steps else 0
        return tuple(step if i == axis else 0 for i in range(len(shape)))
    return broadcast_strides(weights, shape)
