"""What a layer's epilogue becomes: residual and clip in registers, or a program on rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from trtlab.core.errors import InternalError
from trtlab.core.types import DataType
from trtlab.devices.cpu.operation import LANES
from trtlab.kernels.cpu import finish
from trtlab.kernels.cpu.finishing import Finish, Rows
from trtlab.kernels.cpu.pointwise_code import encode, obstacle
from trtlab.kernels.cpu.strided import Loops, broadcast_strides
from trtlab.layers.base import Array
from trtlab.layers.pointwise import Program, Step
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Rejection


@dataclass(frozen=True, slots=True)
class Extra:
    """An epilogue operand, broadcast to the result.

    Attributes:
        index: Of the problem's input.
        strides: Elements along the result's dimensions; 0 where it is broadcast.
        constant: Known while building.
    """

    index: int
    strides: Strides
    constant: bool

    @property
    def splat(self) -> bool:
        """One value for the whole result."""
        return not any(self.strides)


@dataclass(frozen=True, slots=True)
class Ending:
    """An epilogue, taken apart.

    Attributes:
        residual: Added first.
        clip: Bounds that follow.
        program: What the pointwise machine does instead; operand i + 1 is ``extras[i]``.
        extras: All operands.
        columns: Dimension of the result that runs along a row.
    """

    residual: Extra | None
    clip: tuple[float, float] | None
    program: Program
    extras: tuple[Extra, ...]
    columns: int

    def row_strides(self) -> tuple[Strides, ...]:
        """Strides of every operand without the column, for flattening rows."""
        return tuple(without(e.strides, self.columns) for e in self.extras)

    def finish(
        self,
        addresses: Sequence[int | None],
        steps: Sequence[tuple[int, int, int]],
        bias: int = 0,
        offset: Sequence[int] = (),
    ) -> Finish:
        """The finish of a driver.

        Args:
            addresses: Of the problem's inputs.
            steps: For each operand, elements between rows, outer and inner batches.
            bias: Address of a packed bias, or 0.
            offset: For each operand, elements to skip; empty means none.
        """
        rows = {
            extra.index: Rows(
                (addresses[extra.index] or 0) + 4 * (offset[i] if offset else 0),
                steps[i][0],
                steps[i][1],
                steps[i][2],
                0 if extra.splat else 1,
            )
            for i, extra in enumerate(self.extras)
        }
        if not self.program:
            residual = rows[self.residual.index] if self.residual else None
            return Finish(bias, residual, self.clip)
        splats = [i + 1 for i, extra in enumerate(self.extras) if extra.splat]
        table = encode(self.program, 1 + len(self.extras), splats)
        operands = tuple(rows[extra.index] for extra in self.extras)
        return Finish(bias, program=table, operands=operands)


def without(values: Strides, axis: int) -> Strides:
    """All entries but one."""
    return values[:axis] + values[axis + 1 :]


def extras_of(problem: Problem, first: int, columns: int) -> list[Extra] | Rejection:
    """The epilogue operands from input ``first`` on."""
    shape = problem.outputs[0].shape
    found: list[Extra] = []
    for index in range(first, len(problem.inputs)):
        operand = problem.inputs[index]
        if operand is None:
            raise InternalError(f"epilogue operand {index} is missing")
        strides = broadcast_strides(operand, shape)
        if shape[columns] == 1 and not operand.constant and not any(strides):
            # A single column: the one value lies along the row as well as any other would.
            strides = (*strides[:columns], 1, *strides[columns + 1 :])
        extra = Extra(index, strides, operand.constant)
        refused = _refusal(operand, extra, shape[columns], columns)
        if refused is not None:
            return refused
        found.append(extra)
    return found


def _refusal(operand: Operand, extra: Extra, extent: int, columns: int) -> Rejection | None:
    if operand.dtype is not DataType.FLOAT:
        return Rejection(f"an epilogue operand is {operand.dtype.value}, not fp32")
    if extra.splat:
        # a constant is spread over a vector when it is packed
        return (
            None if extra.constant else Rejection("an epilogue operand is one computed value")
        )
    if extent != 1 and extra.strides[columns] != 1:
        return Rejection("an epilogue operand does not lie along the result's rows")
    return None


def with_bias(program: Program, extras: int) -> Program:
    """A program whose operand 1 is a bias that is added first; its others move up by one."""

    def moved(value: int) -> int:
        if value == 0:
            return extras + 2
        return value + 1 if value <= extras else value + 2

    rest = tuple(replace(s, operands=tuple(moved(v) for v in s.operands)) for s in program)
    return (Step("add", (0, 1)), *rest)


def take_apart(program: Program, extras: Sequence[Extra], columns: int) -> Ending | Rejection:
    """Recognize ``clip(y + residual)`` and its parts; everything else stays a program."""
    residual: Extra | None = None
    clip: tuple[float, float] | None = None
    current, rest = 0, list(program)
    if rest and rest[0].function == "add" and 0 in rest[0].operands:
        other = max(rest[0].operands)
        if 0 < other <= len(extras) and not extras[other - 1].splat:
            residual, current = extras[other - 1], 1 + len(extras)
            rest.pop(0)
    if rest and rest[0].operands == (current,):
        clip = _bounds(rest[0])
        rest = rest[1:] if clip else rest
    if not rest:
        return Ending(residual, clip, (), tuple(extras), columns)
    reason = obstacle(program, 1 + len(extras))
    if reason is None and len(extras) > finish.MAX_OPERANDS:
        reason = f"{len(extras)} epilogue operands; {finish.MAX_OPERANDS} fit"
    return Rejection(reason) if reason else Ending(None, None, program, tuple(extras), columns)


def _bounds(step: Step) -> tuple[float, float] | None:
    if step.function == "relu":
        return (0.0, inf)
    if step.function == "clip":
        return (step.params[0], step.params[1])
    return None


def pack_splats(
    problem: Problem, constants: Mapping[int, Array], first: int
) -> dict[int, Array]:
    """Constant epilogue operands; a single value fills a vector."""
    del problem
    return {
        index: np.full(LANES, array.reshape(-1)[0], np.float32)
        if array.size == 1
        else np.ascontiguousarray(array, np.float32)
        for index, array in constants.items()
        if index >= first
    }


def row_steps(loops: Loops, first: int, count: int) -> list[tuple[int, int, int]]:
    """For tensors from ``first`` on in three loops: steps of row, outer and inner batch."""
    return [(s[2], s[0], s[1]) for s in loops.strides[first : first + count]]
