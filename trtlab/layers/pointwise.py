"""Programs of scalar functions: the POINTWISE layer, and the epilogue of other layers.

A program is a list of steps over values that are numbered from 0: first the operands, then the
result of each step. The last value is the result. Operands broadcast as in NumPy.
``relu(x0 + x1)`` is ``(Step("add", (0, 1)), Step("relu", (2,)))``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from trtlab.core.types import DataType, TensorType, static, volume
from trtlab.layers.base import Array, Op, ShapeValue, broadcast, present, require, wide
from trtlab.layers.erf import erf

_SELU_ALPHA, _SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


def _sigmoid(x: Array) -> Array:
    decay = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1 / (1 + decay), decay / (1 + decay)).astype(x.dtype)


def _softplus(x: Array) -> Array:
    return np.logaddexp(np.zeros_like(x), x)


def _tan_gelu(x: Array) -> Array:
    inner = np.asarray(sqrt(2 / np.pi), x.dtype) * (x + np.asarray(0.044715, x.dtype) * x**3)
    return x * (1 + np.tanh(inner)) / 2


def _quotient(x: Array, y: Array) -> Array:
    """The quotient; of integers rounded towards zero, and 0 where the divisor is 0."""
    if not np.issubdtype(np.result_type(x, y), np.integer):
        return np.divide(x, y)
    divisor = np.where(y == 0, 1, y)
    down = np.floor_divide(x, divisor)
    inexact = (x - down * divisor != 0) & ((x < 0) != (y < 0))
    return np.where(y == 0, 0, down + inexact)


def _power(x: Array, y: Array) -> Array:
    """The power; of integers rounded towards zero."""
    if not np.issubdtype(np.result_type(x, y), np.integer):
        return np.power(x, y)
    base = np.where(x == 0, 1, x)
    fraction = np.trunc(np.float_power(base, np.minimum(y, 0))).astype(base.dtype)
    return np.where(y < 0, np.where(x == 0, 0, fraction), np.power(x, np.maximum(y, 0)))


def _round_half_even(x: Array) -> Array:
    return np.rint(x)


@dataclass(frozen=True, slots=True)
class Function:
    """One scalar function: how many operands and parameters it takes, its cost and meaning."""

    arity: int
    params: int
    flops: int
    meaning: Callable[..., Array]
    result: DataType | None = None  # None: the type of the operands


def _table() -> dict[str, Function]:
    one: dict[str, tuple[int, Callable[[Array], Array]]] = {
        "relu": (1, lambda x: np.maximum(x, 0)),
        "sigmoid": (4, _sigmoid),
        "tanh": (4, np.tanh),
        "swish": (5, lambda x: x * _sigmoid(x)),
        "hard_swish": (4, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
        "softsign": (3, lambda x: x / (1 + np.abs(x))),
        "gelu_erf": (8, lambda x: x * (1 + erf(x / np.asarray(sqrt(2), x.dtype))) / 2),
        "gelu_tanh": (10, _tan_gelu),
        "exp": (4, np.exp),
        "log": (4, np.log),
        "sqrt": (1, np.sqrt),
        "rsqrt": (2, lambda x: 1 / np.sqrt(x)),
        "recip": (1, lambda x: 1 / x),
        "abs": (1, np.abs),
        "neg": (1, np.negative),
        "square": (1, np.square),
        "sin": (4, np.sin),
        "cos": (4, np.cos),
        "tan": (4, np.tan),
        "sinh": (4, np.sinh),
        "cosh": (4, np.cosh),
        "asin": (4, np.arcsin),
        "acos": (4, np.arccos),
        "atan": (4, np.arctan),
        "asinh": (4, np.arcsinh),
        "acosh": (4, np.arccosh),
        "atanh": (4, np.arctanh),
        "ceil": (1, np.ceil),
        "floor": (1, np.floor),
        "round": (1, _round_half_even),
        "sign": (1, np.sign),
        "erf": (6, erf),
        "identity": (0, lambda x: x),
    }
    two: dict[str, tuple[int, Callable[[Array, Array], Array]]] = {
        "add": (1, np.add),
        "sub": (1, np.subtract),
        "mul": (1, np.multiply),
        "div": (1, _quotient),
        "max": (1, np.maximum),
        "min": (1, np.minimum),
        "pow": (6, _power),
        "prelu": (2, lambda x, slope: np.where(x < 0, x * slope, x)),
    }
    one_param: dict[str, tuple[int, Callable[[Array, Array], Array]]] = {
        "leaky_relu": (2, lambda x, a: np.where(x < 0, a * x, x)),
        "elu": (5, lambda x, a: np.where(x < 0, a * np.expm1(np.minimum(x, 0)), x)),
        "thresholded_relu": (1, lambda x, a: np.where(x > a, x, 0)),
        "pow_scalar": (6, _power),
    }
    two_params: dict[str, tuple[int, Callable[[Array, Array, Array], Array]]] = {
        "selu": (
            6,
            lambda x, a, g: g * np.where(x < 0, a * np.expm1(np.minimum(x, 0)), x),
        ),
        "softplus": (6, lambda x, a, b: a * _softplus(b * x)),
        "clip": (2, lambda x, low, high: np.minimum(np.maximum(x, low), high)),
        "hard_sigmoid": (4, lambda x, a, b: np.clip(a * x + b, 0, 1)),
        "scaled_tanh": (6, lambda x, a, b: a * np.tanh(b * x)),
        "affine": (2, lambda x, a, b: a * x + b),
    }
    table = {name: Function(1, 0, cost, fn) for name, (cost, fn) in one.items()}
    table |= {name: Function(2, 0, cost, fn) for name, (cost, fn) in two.items()}
    table |= {name: Function(1, 1, cost, fn) for name, (cost, fn) in one_param.items()}
    return table | {name: Function(1, 2, cost, fn) for name, (cost, fn) in two_params.items()}


FUNCTIONS: dict[str, Function] = _table()


@dataclass(frozen=True, slots=True)
class Step:
    """One application of a scalar function.

    Attributes:
        function: A name in `FUNCTIONS`.
        operands: Numbers of earlier values.
        params: Constants of the function, such as slope or bounds.
    """

    function: str
    operands: tuple[int, ...]
    params: tuple[float, ...] = ()

    def __str__(self) -> str:
        arguments = [f"v{i}" for i in self.operands] + [repr(float(p)) for p in self.params]
        return f"{self.function}({', '.join(arguments)})"


Program = tuple[Step, ...]


def check_program(program: Program, operands: int) -> None:
    """Every step names a known function with the right operands, all of them earlier values.

    Raises:
        InvalidNetworkError: It does not.
    """
    for number, step in enumerate(program):
        function = FUNCTIONS.get(step.function)
        if function is None:
            require(False, f"unknown pointwise function {step.function!r}")  # noqa: FBT003
            continue
        require(
            len(step.operands) == function.arity and len(step.params) == function.params,
            f"{step} takes {function.arity} operands and {function.params} parameters",
        )
        require(
            all(0 <= value < operands + number for value in step.operands),
            f"{step} reads a value that does not exist yet",
        )


def run_program(program: Program, operands: Sequence[Array]) -> Array:
    """The NumPy meaning of a program; outside a function's domain NaN or infinity."""
    values = list(operands)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for step in program:
            arguments = [values[i] for i in step.operands]
            dtype = arguments[0].dtype
            params = [np.asarray(p, dtype) for p in step.params]
            result = FUNCTIONS[step.function].meaning(*arguments, *params)
            values.append(np.asarray(result, dtype))
    return values[-1]


def program_flops(program: Program) -> int:
    """Floating-point operations for one element."""
    return sum(FUNCTIONS[step.function].flops for step in program)


@dataclass(frozen=True)
class Pointwise(Op):
    """A chain or tree of scalar functions over broadcast operands (TensorRT's PWN)."""

    kind: ClassVar[str] = "POINTWISE"
    program: Program = ()

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """One output: the broadcast shape, in the operands' type."""
        del values
        types = [present(t, f"operand {i}") for i, t in enumerate(inputs)]
        require(bool(types), "a pointwise layer without operands")
        check_program(self.program, len(types))
        require(len({t.dtype for t in types}) == 1, "pointwise operands differ in type")
        return (TensorType(types[0].dtype, broadcast([t.shape for t in types])),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The program, applied to whole arrays; half precision is rounded once, at the end."""
        operands = [x for x in inputs if x is not None]
        dtype = operands[0].dtype
        shape = np.broadcast_shapes(*(x.shape for x in operands))
        widened = [x.astype(wide(x.dtype), copy=False) for x in operands]
        y = np.broadcast_to(run_program(self.program, widened), shape)
        return (y.astype(dtype),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Program cost times output elements."""
        del inputs
        return program_flops(self.program) * volume(static(outputs[0].shape))

    def attributes(self) -> dict[str, object]:
        """The steps in text form."""
        return {"program": [str(step) for step in self.program]}
