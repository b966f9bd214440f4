"""Expressions of scalar functions while they are rewritten: build, join, prune.

A `Program` numbers operands first and steps after them, so every new operand shifts the steps.
A `Builder` keeps the two apart (operands negative, steps from 0) and renumbers at the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_fields

from trtlab.core.errors import InternalError
from trtlab.layers.activation import Activation, ParametricReLU, Unary
from trtlab.layers.base import Op
from trtlab.layers.convolution import Convolution, Deconvolution
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.pointwise import Pointwise, Program, Step
from trtlab.network.graph import Layer, Tensor
from trtlab.passes.look import scalar

MOST_OPERANDS = 16
MOST_STEPS = 64

PointwiseLike = (Pointwise, Activation, ElementWise, Unary, ParametricReLU)
Accumulating = (Convolution, Deconvolution, MatrixMultiply)  # layers that take an epilogue

Ref = int  # ~k is operand k, k ≥ 0 is the result of step k
StepMaker = Callable[["Builder", str, tuple[Ref, ...], tuple[float, ...]], Ref | None]


class Builder:
    """A growing program over tensors; equal operands and equal steps exist once.

    Args:
        peephole: Asked before each step is added: the value of a simpler expression, or None.
    """

    def __init__(self, peephole: StepMaker | None = None) -> None:
        self.operands: list[Tensor] = []
        self.steps: list[Step] = []  # operands of these steps are Refs
        self._known: dict[Step, Ref] = {}
        self._peephole = peephole

    def operand(self, tensor: Tensor) -> Ref:
        """The value of a tensor."""
        for number, known in enumerate(self.operands):
            if known is tensor:
                return ~number
        self.operands.append(tensor)
        return ~(len(self.operands) - 1)

    def step(
        self, function: str, refs: tuple[Ref, ...], params: tuple[float, ...] = ()
    ) -> Ref:
        """The value of a function of earlier values."""
        if self._peephole is not None:
            simpler = self._peephole(self, function, refs, params)
            if simpler is not None:
                return simpler
        step = Step(function, refs, params)
        if step not in self._known:
            self.steps.append(step)
            self._known[step] = len(self.steps) - 1
        return self._known[step]

    def inline(self, program: Program, values: Sequence[Ref]) -> Ref:
        """The value of a whole program applied to earlier values."""
        known = list(values)
        for step in program:
            refs = tuple(known[i] for i in step.operands)
            known.append(self.step(step.function, refs, step.params))
        return known[-1]

    def made(self, ref: Ref) -> Step | None:
        """The step that made a value; None for an operand."""
        return self.steps[ref] if ref >= 0 else None

    def finish(self, result: Ref) -> "Expression":
        """The steps that a value needs, in program form."""
        needed: set[Ref] = set()
        stack = [result]
        while stack:
            ref = stack.pop()
            if ref in needed:
                continue
            needed.add(ref)
            if ref >= 0:
                stack.extend(self.steps[ref].operands)
        tensors = [(~k, t) for k, t in enumerate(self.operands) if ~k in needed]
        number = {ref: i for i, (ref, _) in enumerate(tensors)}
        program: list[Step] = []
        for ref in sorted(r for r in needed if r >= 0):
            step = self.steps[ref]
            number[ref] = len(tensors) + len(program)
            moved = tuple(number[r] for r in step.operands)
            program.append(Step(step.function, moved, step.params))
        if not program or number[result] != len(tensors) + len(program) - 1:
            program.append(Step("identity", (number[result],)))
        return Expression(tuple(program), tuple(t for _, t in tensors))


@dataclass(frozen=True)
class Expression:
    """A program and the tensors it reads."""

    program: Program
    operands: tuple[Tensor, ...]

    @property
    def fits(self) -> bool:
        """Whether one layer may hold it."""
        return len(self.operands) <= MOST_OPERANDS and len(self.program) <= MOST_STEPS


def expression_of(layer: Layer) -> Expression | None:
    """A pointwise layer of floats as an expression, constants of one element as parameters."""
    program = _program(layer)
    tensors = tuple(t for t in layer.inputs if t is not None)
    if program is None or not all(t.dtype.is_float for t in (*tensors, *layer.outputs)):
        return None
    wide = [t.type.rank for t in tensors if scalar(t) is None]
    builder = Builder(scalar_parameters if wide else None)
    # A one-element constant of higher rank would raise the result's rank: it stays a tensor.
    builder_refs = [builder.operand(t) for t in tensors]
    if wide and any(t.type.rank > max(wide) for t in tensors):
        builder = Builder()
        builder_refs = [builder.operand(t) for t in tensors]
    return builder.finish(builder.inline(program, builder_refs))


def _program(layer: Layer) -> Program | None:
    op = layer.op
    if isinstance(op, Pointwise):
        return op.program
    if isinstance(op, ParametricReLU):
        return (Step("prelu", (0, 1)),)
    if isinstance(op, Activation | ElementWise | Unary):
        return op.program()
    return None


def scalar_parameters(
    builder: Builder, function: str, refs: tuple[Ref, ...], params: tuple[float, ...]
) -> Ref | None:
    """Two-operand steps with a one-element constant become one-operand steps."""
    del params
    if len(refs) != 2:
        return None
    left, right = (scalar(builder.operands[~r]) if r < 0 else None for r in refs)
    if right is not None:
        made = _with_right(function, right)
        return None if made is None else builder.step(made[0], refs[:1], made[1])
    if left is None:
        return None
    if function in {"add", "mul", "max", "min"}:
        made = _with_right(function, left)
        return None if made is None else builder.step(made[0], refs[1:], made[1])
    if function == "sub":
        return builder.step("affine", refs[1:], (-1.0, left))
    if function == "div":
        inverse = builder.step("recip", refs[1:])
        return inverse if left == 1 else builder.step("affine", (inverse,), (left, 0.0))
    return None


_POWERS = {2.0: "square", 0.5: "sqrt", -1.0: "recip", -0.5: "rsqrt", 1.0: "identity"}


def _with_right(function: str, value: float) -> tuple[str, tuple[float, ...]] | None:
    """``function(x, value)`` as a function of x alone."""
    if function == "pow":
        return (_POWERS[value], ()) if value in _POWERS else ("pow_scalar", (value,))
    if function == "max" and value == 0:
        return "relu", ()
    affine = {
        "add": (1.0, value),
        "sub": (1.0, -value),
        "mul": (value, 0.0),
        "div": (1 / value if value else 0.0, 0.0),
    }.get(function)
    if affine is None or (function == "div" and value == 0):
        return None
    return "affine", affine


MAIN_INPUTS = 3  # convolution: x, kernel, bias; matrix multiply: a, b, bias; then operands


def held_expression(layer: Layer) -> Expression | None:
    """The expression inside a layer: a Pointwise's own, or an epilogue.

    In an epilogue the layer's own output stands for the main result, which has no tensor.
    """
    op = layer.op
    if isinstance(op, Pointwise):
        return Expression(op.program, tuple(t for t in layer.inputs if t is not None))
    if isinstance(op, Accumulating) and op.epilogue:
        rest = (t for t in layer.inputs[MAIN_INPUTS:] if t is not None)
        return Expression(op.epilogue, (layer.output, *rest))
    return None


def with_expression(
    layer: Layer, expression: Expression
) -> tuple[Op, tuple[Tensor | None, ...]]:
    """Operator and inputs of a layer when its held expression becomes another."""
    if isinstance(layer.op, Accumulating):
        return with_epilogue(layer, expression, layer.output)
    return Pointwise(expression.program), expression.operands


def with_epilogue(
    layer: Layer, expression: Expression, main: Tensor
) -> tuple[Op, tuple[Tensor | None, ...]]:
    """Operator and inputs of a convolution or multiplication with an epilogue.

    Args:
        layer: Gives the operator and the main inputs.
        expression: Reads ``main``.
        main: What stands for the main result in the expression; becomes value 0.
    """
    builder = Builder()
    builder.operand(main)
    values = [builder.operand(t) for t in expression.operands]
    made = builder.finish(builder.inline(expression.program, values))
    op, inputs = layer.op, (*layer.inputs, *([None] * MAIN_INPUTS))[:MAIN_INPUTS]
    if not isinstance(op, Accumulating) or made.operands[0] is not main:
        raise InternalError(f"layer {layer.name} cannot take the epilogue {made.program}")
    return with_fields(op, epilogue=made.program), (*inputs, *made.operands[1:])
