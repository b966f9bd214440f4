"""Programs of scalar functions as tables for the pointwise machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trtlab.kernels.cpu.machine import SCRATCH_BYTES
from trtlab.layers.pointwise import Program, Step

OPCODES: Final = (
    # 0: arithmetic
    *("identity", "add", "sub", "mul", "div", "max", "min", "relu", "neg", "abs", "square"),
    *("sqrt", "rsqrt", "recip", "clip", "affine"),
    # 16: piecewise; muladd, add_relu, select and comparisons exist in the machine only
    *("muladd", "add_relu", "prelu", "leaky_relu", "ceil", "floor", "round", "sign", "select"),
    *(
        "equal",
        "greater",
        "less",
        "hard_sigmoid",
        "hard_swish",
        "softsign",
        "thresholded_relu",
    ),
    # 32: transcendental
    *("exp", "log", "sigmoid", "tanh", "swish", "gelu_erf", "gelu_tanh", "erf", "elu", "selu"),
    *("softplus", "scaled_tanh", "sin", "cos", "cube", "is_nan"),
    # 48: one element at a time, through the C library
    *("pow", "pow_scalar", "tan", "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh"),
    "atanh",
)
"""The function of each operation code; every group of 16 has a routine of its own."""

# fmt: off
(
    IDENTITY, ADD, SUB, MUL, DIV, MAX, MIN, RELU, NEG, ABS, SQUARE, SQRT, RSQRT, RECIP,
    CLIP, AFFINE,
    MULADD, ADD_RELU, PRELU, LEAKY_RELU, CEIL, FLOOR, ROUND, SIGN, SELECT, EQUAL, GREATER,
    LESS, HARD_SIGMOID, HARD_SWISH, SOFTSIGN, THRESHOLDED_RELU,
    EXP, LOG, SIGMOID, TANH, SWISH, GELU_ERF, GELU_TANH, ERF, ELU, SELU, SOFTPLUS,
    SCALED_TANH, SIN, COS, CUBE, IS_NAN,
    POW, POW_SCALAR, TAN, SINH, COSH, ASIN, ACOS, ATAN, ASINH, ACOSH, ATANH,
) = range(len(OPCODES))
# fmt: on

TILE: Final = 512
"""Elements that a step works on: 2 KiB a value, so that a dozen values fit in 32 KiB."""
TILE_BYTES: Final = 4 * TILE
MAX_OPERANDS: Final = 62
MAX_TEMPORARIES: Final = min(24, SCRATCH_BYTES // TILE_BYTES - 5)

# A table in int64 values: this header, then one row a step. Offsets are bytes.
STEPS_AT, OPERANDS_AT, SPLATS_AT, TEMPORARIES_AT = 0, 8, 16, 24
FIRST_STEP_BYTES: Final = 32
STEP_BYTES: Final = 80
# Within a row: operation, numbers of the target and of three operands, 1 or 0 a operand (a
# row or a single value), two float32 parameters.
A_STEP_AT, B_STEP_AT, C_STEP_AT, P_AT, Q_AT = 40, 48, 56, 64, 72

_POWERS = {
    1.0: "identity",
    2.0: "square",
    3.0: "cube",
    0.5: "sqrt",
    -0.5: "rsqrt",
    -1.0: "recip",
}


def obstacle(program: Program, operands: int) -> str | None:
    """Why the machine cannot run a program; None when it can."""
    unknown = sorted({step.function for step in program} - set(OPCODES))
    if unknown:
        return f"the pointwise machine lacks {', '.join(unknown)}"
    if operands > MAX_OPERANDS:
        return f"{operands} operands; the pointwise machine holds {MAX_OPERANDS}"
    if _allocate(_fuse(program, operands), operands)[1] > MAX_TEMPORARIES:
        return f"more than {MAX_TEMPORARIES} values live at once"
    return None


def encode(program: Program, operands: int, splats: Sequence[int] = ()) -> NDArray[np.int64]:
    """The table that the machine runs.

    Args:
        program: `obstacle` has none for it.
        operands: How many values the program starts from.
        splats: Operands that are one value for a whole row.
    """
    fused = _fuse(program, operands)
    targets, temporaries = _allocate(fused, operands)
    table = np.zeros((FIRST_STEP_BYTES + STEP_BYTES * len(fused)) // 8, np.int64)
    table[:4] = len(fused), operands, sum(1 << i for i in set(splats)), temporaries
    rows = table[FIRST_STEP_BYTES // 8 :].reshape(len(fused), STEP_BYTES // 8)
    for row, step, target in zip(rows, fused, targets, strict=True):
        row[:2] = OPCODES.index(step.function), target
        for place, value in enumerate(step.operands):
            row[2 + place] = value if value < operands else targets[value - operands]
            row[5 + place] = value not in splats
        for place, parameter in enumerate(step.params):
            row[8 + place : 9 + place].view(np.float32)[0] = parameter
    return table


@dataclass(slots=True)
class _Draft:
    """A program while it is being rewritten: value numbers stay, steps may disappear."""

    steps: dict[int, Step]  # by the number of the value that the step makes
    readers: dict[int, int]

    def sole_maker(self, value: int, function: str) -> Step | None:
        """The step that makes a value for one reader only, if it is that function."""
        step = self.steps.get(value)
        fits = step is not None and step.function == function and self.readers[value] == 1
        return step if fits else None


def _fuse(program: Program, operands: int) -> Program:
    """The program with combined steps where the machine has them, and without dead ones."""
    steps = program or (Step("identity", (operands - 1,)),)
    draft = _Draft({operands + i: _simplified(step) for i, step in enumerate(steps)}, {})
    for step in draft.steps.values():
        for value in step.operands:
            draft.readers[value] = draft.readers.get(value, 0) + 1
    for number, step in list(draft.steps.items()):
        _combine(draft, number, step)
    return _renumbered(draft, operands)


def _simplified(step: Step) -> Step:
    if step.function == "pow_scalar" and step.params[0] in _POWERS:
        return Step(_POWERS[step.params[0]], step.operands)
    return step


def _combine(draft: _Draft, number: int, step: Step) -> None:
    if step.function == "relu":
        maker = draft.sole_maker(step.operands[0], "add")
        if maker is not None:
            del draft.steps[step.operands[0]]
            draft.steps[number] = replace(maker, function="add_relu")
    elif step.function == "add":
        for product, other in (step.operands, step.operands[::-1]):
            maker = draft.sole_maker(product, "mul")
            if maker is not None:
                del draft.steps[product]
                draft.steps[number] = Step("muladd", (*maker.operands, other))
                return


def _renumbered(draft: _Draft, operands: int) -> Program:
    last = max(draft.steps)
    needed = {last}
    for number in sorted(draft.steps, reverse=True):
        if number in needed:
            needed.update(draft.steps[number].operands)
    names = {value: value for value in range(operands)}
    result: list[Step] = []
    for number in sorted(needed & draft.steps.keys()):
        step = draft.steps[number]
        result.append(replace(step, operands=tuple(names[value] for value in step.operands)))
        names[number] = operands + len(result) - 1
    return tuple(result)


def _allocate(program: Program, operands: int) -> tuple[list[int], int]:
    """Where each step's result goes, and how many temporaries that takes.

    Numbers below ``operands`` are the operands, then comes the result, then temporaries. Only
    the last step writes the result: it may lie on an operand that is still needed.
    """
    last_use = {value: i for i, step in enumerate(program) for value in step.operands}
    free: list[int] = []
    targets: list[int] = []
    count = 0
    for i, step in enumerate(program):
        ended = {v for v in step.operands if v >= operands and last_use[v] == i}
        free += [targets[value - operands] for value in ended]  # elementwise: in place is safe
        if i == len(program) - 1:
            targets.append(operands)
            continue
        if not free:
            count += 1
            free.append(operands + count)
        targets.append(free.pop())
    return targets, count
