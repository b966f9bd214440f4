"""Scalar functions against Python's own, and programs of them."""

import math

import numpy as np
import pytest

from trtlab.core.enums import ActivationType, ElementWiseOperation, UnaryOperation
from trtlab.core.types import DataType, TensorType
from trtlab.layers.activation import Activation, Unary
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.erf import erf
from trtlab.layers.pointwise import (
    FUNCTIONS,
    Pointwise,
    Step,
    check_program,
    program_flops,
    run_program,
)

SCALARS = {
    "relu": lambda x: max(x, 0),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "swish": lambda x: x / (1 + math.exp(-x)),
    "hard_swish": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "softsign": lambda x: x / (1 + abs(x)),
    "gelu_erf": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: (
        0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    ),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "recip": lambda x: 1 / x,
    "abs": abs,
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "asinh": math.asinh,
    "acosh": math.acosh,
    "atanh": math.atanh,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
    "sign": lambda x: int(x > 0) - int(x < 0),
    "erf": math.erf,
    "identity": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "max": max,
    "min": min,
    "pow": math.pow,
    "prelu": lambda x, slope: x * slope if x < 0 else x,
    "leaky_relu": lambda x, a: a * x if x < 0 else x,
    "elu": lambda x, a: a * (math.exp(x) - 1) if x < 0 else x,
    "selu": lambda x, a, g: g * (a * (math.exp(x) - 1) if x < 0 else x),
    "softplus": lambda x, a, b: a * math.log(1 + math.exp(b * x)),
    "clip": lambda x, low, high: min(max(x, low), high),
    "hard_sigmoid": lambda x, a, b: min(max(a * x + b, 0), 1),
    "scaled_tanh": lambda x, a, b: a * math.tanh(b * x),
    "thresholded_relu": lambda x, a: x if x > a else 0,
    "affine": lambda x, a, b: a * x + b,
    "pow_scalar": math.pow,
}
POSITIVE = {"log", "sqrt", "rsqrt", "pow", "pow_scalar"}
INSIDE = {"asin", "acos", "atanh"}


def samples(name):
    values = np.array([-3.7, -2.5, -0.5, -0.01, 0.3, 0.5, 1.5, 2.5, 6.2])
    if name in POSITIVE:
        return np.abs(values)
    if name in INSIDE:
        return values / 7
    return np.abs(values) + 1 if name == "acosh" else values


def test_every_function_has_a_reference():
    assert set(SCALARS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_means_what_its_name_says(name):
    function = FUNCTIONS[name]
    params = (0.25, 0.75)[: function.params]
    columns = [samples(name), samples(name)[::-1]][: function.arity]
    step = Step(name, tuple(range(function.arity)), params)
    expected = [SCALARS[name](*row, *params) for row in zip(*columns, strict=True)]
    np.testing.assert_allclose(run_program((step,), columns), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if f.arity == 1])
def test_extremes_do_not_warn_and_nan_stays(name):
    function = FUNCTIONS[name]
    x = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0], np.float32)
    step = Step(name, (0,), (0.5, 2.0)[: function.params])
    y = run_program((step,), [x])
    assert y.dtype == np.float32
    # ONNX defines the threshold by a comparison, which a NaN fails.
    assert np.isnan(y[0]) or name == "thresholded_relu"


@pytest.mark.parametrize("kind", ActivationType)
def test_activation_is_its_program(kind):
    x = samples("relu").astype(np.float32)
    op = Activation(kind, 0.25, 0.75)
    (y,) = op.evaluate((x,))
    np.testing.assert_array_equal(y, run_program(op.program(), [x]))


def test_programs_of_unary_and_elementwise():
    assert Unary(UnaryOperation.NOT).program() is None
    assert Unary(UnaryOperation.EXP).program() == (Step("exp", (0,)),)
    assert ElementWise(ElementWiseOperation.EQUAL).program() is None
    assert ElementWise(ElementWiseOperation.FLOOR_DIV).program() is None
    x, y = samples("log"), samples("log")[::-1]
    for op in ElementWiseOperation:
        program = ElementWise(op).program()
        if program is not None:
            (direct,) = ElementWise(op).evaluate((x, y))
            np.testing.assert_array_equal(run_program(program, [x, y]), direct)


def test_error_function_is_accurate_everywhere():
    x = np.concatenate([np.linspace(-7, 7, 20001), np.logspace(-300, 1, 500)])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=5e-16, atol=0)
    ends = erf(np.array([np.inf, -np.inf, -0.0]))
    assert list(ends) == [1, -1, 0]
    assert np.signbit(ends[2])


def test_integer_division_and_power_are_exact():
    big = np.array([2**62 + 1, -(2**62) - 1, 7, -7, 5])
    (quotient,) = ElementWise(ElementWiseOperation.DIV).evaluate(
        (big, np.array([3, 3, -2, 2, 0]))
    )
    assert list(quotient) == [(2**62 + 1) // 3, -((2**62 + 1) // 3), -3, -3, 0]
    base, power = np.array([3, 2, 1, -1, 0]), np.array([39, -1, -5, -3, -1])
    (result,) = ElementWise(ElementWiseOperation.POW).evaluate((base, power))
    assert list(result) == [3**39, 0, 1, -1, 0]


def test_half_precision_programs_round_once():
    program = (Step("mul", (0, 0)), Step("sub", (1, 0)))
    x = np.array([255.25], np.float16)
    (y,) = Pointwise(program).evaluate((x,))
    assert y[0] == np.float16(255.25 * 255.25 - 255.25)


def test_cost_and_type_of_a_program():
    program = (Step("add", (0, 1)), Step("exp", (2,)))
    assert program_flops(program) == 5
    types = (TensorType(DataType.HALF, (4, 1)), TensorType(DataType.HALF, (3,)))
    (out,) = Pointwise(program).infer(types, (None, None))
    assert out == TensorType(DataType.HALF, (4, 3))
    assert Pointwise(program).flops(types, (out,)) == 60
    check_program((), 1)
