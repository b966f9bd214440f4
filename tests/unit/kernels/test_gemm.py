"""Matrix products against float64 NumPy, with poisoned outputs and odd sizes."""

from dataclasses import replace

import numpy as np
import pytest

from trtlab.devices.cpu.program import Program
from trtlab.devices.cpu.team import shared_team
from trtlab.kernels.cpu.bind_gemm import Product, bind_product
from trtlab.kernels.cpu.finishing import Finish, Rows
from trtlab.kernels.cpu.gemm import PACKED, ROW_MAJOR, TRANSPOSED
from trtlab.kernels.cpu.packing import pack_bias, pack_columns
from trtlab.kernels.cpu.pointwise_code import encode
from trtlab.layers.pointwise import Step

_RNG = np.random.default_rng(11)
_SIZES = [(1, 1, 1), (5, 17, 3), (13, 33, 64), (49, 100, 31), (25, 96, 1000), (3, 48, 2049)]


def _random(*shape):
    return _RNG.standard_normal(shape, dtype=np.float32)


def _rows(array, **steps):
    """The last two axes of a strided array as a matrix."""
    assert array.strides[-1] == 4
    return Rows(array.ctypes.data, array.strides[-2] // 4, **steps)


def _pitched(rows, columns, extra=5):
    """NaN all around: what is written or read beyond the columns is seen."""
    return np.full((rows, columns + extra), np.nan, np.float32)[:, :columns]


def _run(product, threads):
    Program(shared_team(threads), [bind_product(product)]).run()


def _close(got, wanted, scale=0.0):
    assert np.isfinite(got).all()
    assert np.abs(got - wanted).max() <= 2e-6 * max(np.abs(wanted).max(), scale, 1.0)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("size", _SIZES)
def test_packed_constant_with_bias_residual_and_clip(size, threads):
    m, n, k = size
    a, c, r = _pitched(m, k), _pitched(m, n), _pitched(m, n, 3)
    b, bias = _random(k, n), _random(n)
    a[:], r[:] = _random(m, k), _random(m, n)
    packed, packed_bias = pack_columns(b), pack_bias(bias)
    plain = Product(m, n, k, _rows(a), Rows(packed.ctypes.data, 0), _rows(c))
    exact = a.astype(np.float64) @ b
    _run(plain, threads)
    _close(c, exact)
    assert np.isnan(c.base[:, n:]).all()
    finish = Finish(packed_bias.ctypes.data, _rows(r), (-1.0, 2.5))
    c[:] = np.nan
    _run(replace(plain, finish=finish), threads)
    _close(c, np.clip(exact + bias + r, -1.0, 2.5), np.abs(exact).max())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("mode", [ROW_MAJOR, TRANSPOSED])
@pytest.mark.parametrize("size", [*_SIZES, (40, 64, 48), (24, 32, 64), (128, 70, 300)])
def test_activations_on_both_sides_in_batches(size, mode, threads):
    m, n, k = size
    a, b = _random(2, 3, m, k), _random(3, 2, k, n)
    stored = b if mode == ROW_MAJOR else np.ascontiguousarray(b.swapaxes(-1, -2))
    c = np.full((2, 3, m, n), np.nan, np.float32)
    product = Product(
        m,
        n,
        k,
        _rows(a, outer=3 * m * k, inner=m * k),
        # b's batch axes lie the other way round in memory
        _rows(stored, outer=k * n, inner=2 * k * n),
        _rows(c, outer=3 * m * n, inner=m * n),
        b_mode=mode,
        batches=(2, 3),
        alpha=0.125,
    )
    _run(product, threads)
    _close(c, 0.125 * (a.astype(np.float64) @ b.swapaxes(0, 1)))
    one = replace(product, batches=(1, 1), alpha=1.0)
    c.fill(np.nan)
    _run(one, threads)
    _close(c[0, 0], a[0, 0].astype(np.float64) @ b[0, 0])
    assert np.isnan(c[0, 1:]).all()


@pytest.mark.parametrize("size", [(7, 40, 5), (64, 65, 500)])
def test_transposed_left_operand(size):
    m, n, k = size
    a, b, c = _random(k, m), _random(k, n), np.full((m, n), np.nan, np.float32)
    packed = pack_columns(b)
    left, right = _rows(a), Rows(packed.ctypes.data, 0)
    _run(Product(m, n, k, left, right, _rows(c), b_mode=PACKED, a_transposed=True), 2)
    _close(c, a.T.astype(np.float64) @ b)


def test_rows_a_cache_way_apart_are_copied():
    a, b = _random(50, 1024), _random(1024, 160)
    c = np.full((50, 160), np.nan, np.float32)
    packed = pack_columns(b)
    _run(Product(50, 160, 1024, _rows(a), Rows(packed.ctypes.data, 0), _rows(c)), 2)
    _close(c, a.astype(np.float64) @ b)


@pytest.mark.parametrize("threads", [1, 2])
def test_epilogue_program_with_operands(threads):
    m, n, k = 37, 70, 400
    a, b = _random(m, k), _random(k, n) / 20
    full, column = _random(m, n), _random(n)
    scalar = np.full(16, 0.5, np.float32)
    c = np.full((m, n), np.nan, np.float32)
    packed = pack_columns(b)
    # sigmoid((c · full + column) − scalar)
    steps = (
        Step("mul", (0, 1)),
        Step("add", (4, 2)),
        Step("sub", (5, 3)),
        Step("sigmoid", (6,)),
    )
    program = encode(steps, 4, splats=(3,))
    operands = (
        _rows(full),
        Rows(column.ctypes.data, 0),
        Rows(scalar.ctypes.data, 0, column=0),
    )
    finish = Finish(program=program, operands=operands)
    _run(
        Product(m, n, k, _rows(a), Rows(packed.ctypes.data, 0), _rows(c), finish=finish),
        threads,
    )
    exact = (a.astype(np.float64) @ b) * full + column - 0.5
    _close(c, 1 / (1 + np.exp(-exact)))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_run_computes_all_parts(threads):
    a, b, c = _random(300, 200), _random(200, 260), np.empty((300, 260), np.float32)
    packed = pack_columns(b)
    product = Product(300, 260, 200, _rows(a), Rows(packed.ctypes.data, 0), _rows(c))
    program = Program(shared_team(threads), [bind_product(product)] * 2)
    results = []
    for _ in range(4):
        c.fill(np.nan)
        program.run()
        results.append(c.copy())
    _close(c, a.astype(np.float64) @ b)
    assert all(np.array_equal(result, c) for result in results)
