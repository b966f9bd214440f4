"""Machine operations do what their docstrings say."""

import ctypes
import time

import numpy as np

from trtlab.devices.cpu.kernel import kernel
from trtlab.devices.cpu.native import (
    copy_bytes,
    float_from_bits,
    load_i8,
    load_i32,
    load_i64,
    load_u8,
    monotonic_ns,
    prefetch,
    store_f32,
    store_i32,
    store_i64,
    store_u8,
)
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import (
    vabs,
    vany,
    vceil,
    vcopysign,
    vexponent,
    vfill,
    vfloor,
    vfma,
    vgather,
    vlargest,
    vload,
    vload_first,
    vmax,
    vmin,
    vpower_of_two,
    vround,
    vselect,
    vsmallest_or_nan,
    vsqrt,
    vstore,
    vstore_first,
    vsum,
)

_CALL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def _run(native, *arrays):
    args = np.array([a.ctypes.data for a in arrays], np.int64)
    _CALL(native.address)(args.ctypes.data, 0, 1)


@kernel
def _scalars(args: int, thread: int, threads: int) -> None:
    source, target = load_i64(args), load_i64(args + 8)
    store_i64(target, load_i8(source))
    store_i64(target + 8, load_u8(source))
    store_i64(target + 16, load_i32(source))
    store_i32(target + 24, -5)
    store_u8(target + 28, 300)
    store_f32(target + 32, float_from_bits(0x40490FDB))
    store_i64(target + 40, monotonic_ns())
    prefetch(source)
    copy_bytes(target + 48, source, 8)


def test_scalars_widen_narrow_and_tell_the_time():
    source = np.array([0xF0, 1, 2, 0x80, 4, 5, 6, 7], np.uint8)
    target = np.zeros(7, np.int64)
    before = time.monotonic_ns()
    _run(_scalars, source, target)
    after = time.monotonic_ns()
    assert target[0] == -16
    assert target[1] == 240
    assert target[2] == source.view(np.int32)[0]
    assert target[3:4].view(np.int32)[0] == -5
    assert target[3:4].view(np.uint8)[4] == 300 % 256
    assert target[4:5].view(np.float32)[0] == np.float32(np.pi)
    assert before <= target[5] <= after
    assert target[6] == source.view(np.int64)[0]


@kernel
def _vectors(args: int, thread: int, threads: int) -> None:
    x, y, out = load_i64(args), load_i64(args + 8), load_i64(args + 16)
    a, b = vload(x), vload(y)
    row = 4 * LANES
    vstore(out, a + b)
    vstore(out + row, a - b)
    vstore(out + 2 * row, a * b)
    vstore(out + 3 * row, a / b)
    vstore(out + 4 * row, vfma(a, b, b))
    vstore(out + 5 * row, vmin(a, b))
    vstore(out + 6 * row, vmax(a, b))
    vstore(out + 7 * row, vselect((a < b) & (b > vfill(0.0)), a, b))
    vstore(out + 8 * row, vsqrt(vabs(a)))
    vstore(out + 9 * row, vfloor(a))
    vstore(out + 10 * row, vceil(a))
    vstore(out + 11 * row, vround(a))
    vstore(out + 12 * row, vcopysign(b, a))
    vstore(out + 13 * row, vpower_of_two(vround(a)))
    vstore(out + 14 * row, vexponent(vabs(a)))
    vstore(out + 15 * row, vgather(x, 8))
    store_f32(out + 16 * row, vsum(a))
    store_f32(out + 16 * row + 4, vlargest(a))
    store_f32(out + 16 * row + 8, vsmallest_or_nan(a))
    store_f32(out + 16 * row + 12, 1.0 if vany(a > vfill(1e30)) else 0.0)


def test_vectors_agree_with_numpy():
    rng = np.random.default_rng(7)
    x = rng.normal(size=2 * LANES).astype(np.float32) * 9
    y = rng.normal(size=LANES).astype(np.float32)
    out = np.full((17, LANES), np.nan, np.float32)
    _run(_vectors, x, y, out)
    a, b = x[:LANES], y
    exact = (a.astype(np.float64) * b + b).astype(np.float32)
    expected = [a + b, a - b, a * b, a / b, exact, np.minimum(a, b), np.maximum(a, b)]
    expected += [np.where((a < b) & (b > 0), a, b), np.sqrt(abs(a)), np.floor(a), np.ceil(a)]
    expected += [np.rint(a), np.copysign(b, a), np.exp2(np.rint(a))]
    expected += [np.floor(np.log2(abs(a))), x[::2]]
    np.testing.assert_allclose(out[:16], expected, rtol=1e-7, atol=0)
    np.testing.assert_allclose(out[16, 0], a.sum(), rtol=1e-5)
    assert list(out[16, 1:4]) == [a.max(), a.min(), 0.0]


@kernel
def _tails(args: int, thread: int, threads: int) -> None:
    x, out = load_i64(args), load_i64(args + 8)
    for count in range(LANES + 1):
        vstore_first(out + 4 * LANES * count, vload_first(x, count) + vfill(1.0), count)


def test_partial_vectors_touch_nothing_beyond():
    x = np.arange(LANES, dtype=np.float32)
    out = np.full((LANES + 1, LANES), -7, np.float32)
    _run(_tails, x, out)
    for count in range(LANES + 1):
        assert (out[count, :count] == x[:count] + 1).all()
        assert (out[count, count:] == -7).all()


@kernel
def _nan(args: int, thread: int, threads: int) -> None:
    x, out = load_i64(args), load_i64(args + 8)
    vstore(out, vmax(vload(x), vfill(0.0)))
    vstore(out + 4 * LANES, vmin(vload(x), vfill(0.0)))


def test_minimum_and_maximum_keep_a_nan_of_the_first_operand():
    x = np.full(LANES, np.nan, np.float32)
    out = np.zeros((2, LANES), np.float32)
    _run(_nan, x, out)
    assert np.isnan(out).all()
