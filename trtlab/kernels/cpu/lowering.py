"""Layers that are functions of each element, as programs of the pointwise machine."""

from dataclasses import dataclass
from typing import Final

from trtlab.core.enums import ElementWiseOperation, ScaleMode, UnaryOperation
from trtlab.core.types import DataType
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Op
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.pointwise import Pointwise, Program, Step
from trtlab.layers.scale import Identity, Scale
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Rejection

_E = ElementWiseOperation
_TRUTHS: Final = {
    _E.EQUAL: "equal",
    _E.GREATER: "greater",
    _E.LESS: "less",
    _E.AND: "min",
    _E.OR: "max",
}
_TYPES: Final = (DataType.FLOAT, DataType.BOOL)


@dataclass(frozen=True, slots=True)
class Lowered:
    """A program, and for each of its operands the problem input and its strides."""

    program: Program
    inputs: tuple[int, ...]
    strides: tuple[Strides, ...]


def lower(problem: Problem) -> Lowered | Rejection:
    """The problem as a pointwise program over float32 and BOOL tensors."""
    operands = [*problem.inputs, *problem.outputs]
    wrong = {o.dtype.value for o in operands if o is not None and o.dtype not in _TYPES}
    if wrong:
        return Rejection(f"works on fp32 and bool, not on {', '.join(sorted(wrong))}")
    if isinstance(problem.op, Scale):
        return _lower_scale(problem, problem.op)
    program = _program(problem.op)
    if program is None:
        return Rejection(f"{problem.op.kind} with these options is no pointwise program")
    inputs = tuple(i for i, operand in enumerate(problem.inputs) if operand is not None)
    shape = problem.outputs[0].shape
    strides = tuple(broadcast_strides(o, shape) for o in problem.inputs if o is not None)
    return Lowered(program, inputs, strides)


def _program(op: Op) -> Program | None:
    if isinstance(op, Pointwise):
        return op.program
    if isinstance(op, Activation):
        return op.program()
    if isinstance(op, ElementWise):
        return _of_two(op)
    if isinstance(op, Unary):
        return _of_one(op)
    if isinstance(op, Identity):
        return (Step("identity", (0,)),) if op.to_type is None else None
    if isinstance(op, ParametricReLU):
        return (Step("prelu", (0, 1)),)
    return (Step("select", (0, 1, 2)),) if isinstance(op, Select) else None


def _of_two(op: ElementWise) -> Program | None:
    if op.op in _TRUTHS:
        return (Step(_TRUTHS[op.op], (0, 1)),)
    if op.op is _E.XOR:
        return Step("sub", (0, 1)), Step("abs", (2,))
    if op.op is _E.FLOOR_DIV:
        return Step("div", (0, 1)), Step("floor", (2,))
    return op.program()


def _of_one(op: Unary) -> Program | None:
    if op.op is UnaryOperation.NOT:
        return (Step("affine", (0,), (-1.0, 1.0)),)
    if op.op is UnaryOperation.ISNAN:
        return (Step("is_nan", (0,)),)
    return op.program()


def _lower_scale(problem: Problem, op: Scale) -> Lowered:
    """(x·scale + shift)^power; weights are spread as the layer's mode says."""
    shape = problem.outputs[0].shape
    inputs, strides = [0], [broadcast_strides(_given(problem, 0), shape)]
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
    return Lowered(tuple(steps) or (Step("identity", (0,)),), tuple(inputs), tuple(strides))


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
