"""Vector functions against float64 on dense samples, with the errors that they promise."""

import ctypes
import math

import numpy as np
import pytest

from trtlab.kernels.cpu.pointwise_code import MAX_TEMPORARIES, TILE, encode, obstacle
from trtlab.kernels.cpu.pointwise_vm import MACHINE
from trtlab.layers.pointwise import FUNCTIONS, Step

_NATIVE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def _apply(program, *operands, splats=()):
    """Run a program over contiguous float32 operands; the result's surroundings stay NaN."""
    count = max(x.size for x in operands)
    table = encode(program, len(operands), splats)
    result = np.full(count + 64, np.nan, np.float32)
    values = np.array([x.ctypes.data for x in operands] + [result.ctypes.data], np.int64)
    _NATIVE(MACHINE.address)(table.ctypes.data, values.ctypes.data, count)
    assert np.isnan(result[count:]).all()
    return result[:count]


def _float32(x):
    return np.asarray(x, np.float32)


def _both_signs(low, high, count=200_000):
    sizes = np.geomspace(low, high, count)
    return _float32(np.concatenate([-sizes[::-1], sizes]))


_EXACT = {
    "exp": np.exp,
    "log": np.log,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "erf": np.vectorize(math.erf),
    "sin": np.sin,
    "cos": np.cos,
}


@pytest.mark.parametrize(
    ("name", "domain", "relative"),
    [
        ("exp", _both_signs(1e-6, 87.3), 2e-7),
        ("log", _float32(np.geomspace(2e-38, 0.9, 200_000)), 2e-7),
        ("log", _float32(np.geomspace(1.1, 3e38, 200_000)), 2e-7),
        ("sigmoid", _both_signs(1e-6, 87), 3e-7),
        ("tanh", _both_signs(1e-6, 50), 4e-7),
        ("erf", _both_signs(1e-6, 10, 20_000), 4e-7),
    ],
)
def test_relative_error(name, domain, relative):
    exact = _EXACT[name](domain.astype(np.float64))
    error = np.abs(_apply((Step(name, (0,)),), domain) - exact) / np.abs(exact)
    assert error.max() <= relative


@pytest.mark.parametrize("name", ["sin", "cos"])
@pytest.mark.parametrize(
    ("low", "high"), [(1e-4, 1e4), (1e4, 2e6), (1e6, 1e12), (1e12, 3.4e38)]
)
def test_angles_of_any_size(name, low, high):
    domain = _both_signs(low, high, 50_000)
    exact = _EXACT[name](domain.astype(np.float64))
    error = np.abs(_apply((Step(name, (0,)),), domain) - exact)
    assert (error / np.spacing(np.abs(exact).astype(np.float32))).max() <= 1.6
    assert error.max() <= 1e-7


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_an_angle_does_not_change_beside_large_ones(name):
    near, far = _float32(np.linspace(-1e5, 1e5, 1000)), _float32([7.77e8, -np.inf, np.nan])
    mixed = np.insert(near, range(0, 1000, 7), np.resize(far, 143))
    together = _apply((Step(name, (0,)),), mixed)
    places = np.isin(mixed, near)
    np.testing.assert_array_equal(together[places], _apply((Step(name, (0,)),), near))
    exact = _EXACT[name](np.where(np.isinf(mixed), np.nan, mixed).astype(np.float64))
    np.testing.assert_allclose(together, exact, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["gelu_erf", "gelu_tanh", "swish", "softplus"])
def test_activations(name):
    domain = _float32(np.linspace(-20, 20, 40_001))
    step = Step(name, (0,), (1.0, 1.0) if name == "softplus" else ())
    exact = FUNCTIONS[name].meaning(domain.astype(np.float64), *step.params)
    error = np.abs(_apply((step,), domain) - exact)
    above = domain >= -3
    assert (error[above] <= 1e-6 * np.abs(exact[above]) + 1e-9).all()
    assert error[~above].max() <= 2e-7


def test_limits():
    x = _float32([-np.inf, -1000, -100, 0, 89, 1000, np.inf, np.nan] * 3)
    with np.errstate(over="ignore"):
        wide = np.exp(x)
    wide[1::8] = wide[2::8] = 0  # below the smallest normal number: flushed
    np.testing.assert_array_equal(_apply((Step("exp", (0,)),), x), wide)
    y = _apply((Step("log", (0,)),), _float32([0, -1, np.inf, np.nan, 1] * 4))
    np.testing.assert_array_equal(y[:5], _float32([-np.inf, np.nan, np.inf, np.nan, 0]))
    for name, ends in (("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("erf", (-1, 1))):
        y = _apply((Step(name, (0,)),), x)
        np.testing.assert_allclose(y[[0, 6]], ends, rtol=2e-7, atol=1e-37)
        assert np.isnan(y[7])
    relu = _apply((Step("relu", (0,)),), x)
    assert np.isnan(relu[7])
    assert relu[0] == 0


@pytest.mark.parametrize("name", ["max", "min", "relu", "clip"])
def test_nan_stays_whichever_operand_it_is(name):
    values = _float32([np.nan, -np.inf, -1, 0, 2, np.inf])
    function = FUNCTIONS[name]
    operands = [values, values] if function.arity == 1 else np.meshgrid(values, values)
    operands = [np.ascontiguousarray(x).ravel() for x in operands[: function.arity]]
    step = Step(name, tuple(range(function.arity)), (-0.5, 1.5)[: function.params])
    expected = function.meaning(*operands, *step.params)
    np.testing.assert_array_equal(_apply((step,), *operands), expected)


@pytest.mark.parametrize("count", [1, 15, 16, 17, TILE - 1, TILE, TILE + 1, 3 * TILE + 5])
def test_row_of_any_length_in_place_with_a_splat(count):
    rng = np.random.default_rng(count)
    x = rng.standard_normal(count).astype(np.float32)
    splat = np.full(64, 0.25, np.float32)
    program = (Step("mul", (0, 1)), Step("add", (2, 0)), Step("abs", (3,)))
    table = encode(program, 2, [1])
    y = x.copy()
    values = np.array([y.ctypes.data, splat.ctypes.data, y.ctypes.data], np.int64)
    _NATIVE(MACHINE.address)(table.ctypes.data, values.ctypes.data, count)
    np.testing.assert_allclose(y, np.abs(1.25 * x), rtol=2e-7)


def test_combined_steps_keep_values_that_others_read():
    x, y = _float32(np.linspace(-2, 2, 100)), _float32(np.linspace(3, -1, 100))
    # the sum is read twice and must not vanish into add_relu; nor the product into muladd
    program = (
        Step("add", (0, 1)),
        Step("relu", (2,)),
        Step("mul", (2, 3)),
        Step("add", (4, 0)),
        Step("sub", (5, 4)),
    )
    total = x + y
    product = total * np.maximum(total, 0)
    np.testing.assert_allclose(_apply(program, x, y), product + x - product, atol=2e-6)


def test_dead_steps_and_empty_programs():
    x = _float32(np.linspace(-2, 2, 77))
    dead = (Step("exp", (0,)), Step("neg", (0,)))
    np.testing.assert_array_equal(_apply(dead, x), -x)
    np.testing.assert_array_equal(_apply((), x), x)


def test_obstacles():
    assert obstacle((Step("add", (0, 1)),), 2) is None
    assert "lacks" in (obstacle((Step("no_such", (0,)),), 1) or "")
    leaves = 2 * MAX_TEMPORARIES
    wide = [Step("affine", (0,), (1.0, float(k))) for k in range(leaves)]
    total = 1
    for k in range(1, leaves):
        wide.append(Step("max", (total, 1 + k)))
        total = leaves + k
    assert "live at once" in (obstacle(tuple(wide), 1) or "")
