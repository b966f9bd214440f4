"""Convolutions against the layer's NumPy meaning in float64, with poisoned outputs."""

import numpy as np
import pytest

from trtlab.devices.cpu.program import Program
from trtlab.devices.cpu.team import shared_team
from trtlab.kernels.cpu.bind_convolution import (
    Convolve,
    Image,
    Window,
    bind_convolve,
    pack_filters,
    pack_group_bias,
)
from trtlab.kernels.cpu.finishing import Finish, Rows
from trtlab.kernels.cpu.pointwise_code import encode
from trtlab.layers.convolution import Convolution
from trtlab.layers.pointwise import Step

_RNG = np.random.default_rng(5)


def _image(values, extra=0):
    """[N, C, S…] → channels-last memory with ``extra`` NaN elements behind each pixel."""
    last = np.moveaxis(values, 1, -1)
    memory = np.full((*last.shape[:-1], last.shape[-1] + extra), np.nan, np.float32)
    memory[..., : last.shape[-1]] = last
    return memory


def _described(memory):
    size = (1, 1, 1, *memory.shape[1:-1])[-3:]
    return Image(memory.ctypes.data, memory.shape[-1], memory.shape[0], size)


def _triple(values, fill):
    return (fill, fill, *values)[-3:] if len(values) < 3 else tuple(values)


# channels, maps, groups, input size, taps, stride, pads before, pads behind, dilation
_CASES = {
    "3x3 padded": (17, 33, 1, (7, 13), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "3x3 stride 2": (16, 64, 1, (14, 13), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
    "1x1": (40, 24, 1, (7, 7), (1, 1), (1, 1), (0, 0), (0, 0), (1, 1)),
    "1x1 stride 2": (32, 48, 1, (9, 8), (1, 1), (2, 2), (0, 0), (0, 0), (1, 1)),
    "5x3 asymmetric": (3, 5, 1, (13, 11), (5, 3), (2, 1), (2, 0), (1, 2), (1, 1)),
    "dilated": (6, 20, 1, (15, 15), (3, 3), (1, 1), (2, 3), (2, 3), (2, 3)),
    "one channel": (1, 1, 1, (9, 9), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "grouped": (24, 40, 4, (7, 6), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "two groups": (32, 64, 2, (9, 9), (5, 5), (1, 1), (2, 2), (2, 2), (1, 1)),
    "1-D": (12, 18, 1, (37,), (5,), (2,), (2,), (2,), (1,)),
    "3-D": (5, 7, 1, (5, 6, 7), (3, 2, 3), (1, 2, 1), (1, 0, 1), (1, 1, 0), (1, 1, 2)),
    "all padding": (4, 4, 1, (2, 2), (3, 3), (1, 1), (3, 3), (3, 3), (1, 1)),
}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("case", _CASES)
def test_against_float64(case, threads):
    channels, maps, groups, size, taps, stride, pre, post, dilation = _CASES[case]
    x = _RNG.standard_normal((2, channels, *size), dtype=np.float32)
    w = _RNG.standard_normal((maps, channels // groups, *taps), dtype=np.float32)
    bias = _RNG.standard_normal(maps, dtype=np.float32)
    op = Convolution(
        stride_nd=stride,
        dilation_nd=dilation,
        pre_padding=pre,
        post_padding=post,
        num_groups=groups,
    )
    (exact,) = op.evaluate(
        [x.astype(np.float64), w.astype(np.float64), bias.astype(np.float64)]
    )
    residual = _RNG.standard_normal(exact.shape, dtype=np.float32)
    source, added = _image(x, 3), _image(residual, 1)
    target = _image(np.full(exact.shape, np.nan, np.float32), 2)
    filters, packed_bias = pack_filters(w, groups), pack_group_bias(bias, groups)
    finish = Finish(
        packed_bias.ctypes.data, Rows(added.ctypes.data, added.shape[-1]), (0.0, np.inf)
    )
    window = Window(
        _triple(taps, 1), _triple(stride, 1), _triple(pre, 0), _triple(dilation, 1)
    )
    job = Convolve(
        _described(source),
        _described(target),
        window,
        channels // groups,
        maps // groups,
        filters.ctypes.data,
        groups,
        finish,
    )
    Program(shared_team(threads), [bind_convolve(job)]).run()
    got = np.moveaxis(target[..., :maps], -1, 1)
    wanted = np.maximum(exact + residual, 0)
    assert np.isfinite(got).all()
    assert np.abs(got - wanted).max() <= 2e-6 * max(np.abs(exact).max(), 1)
    assert np.isnan(target[..., maps:]).all()


def test_epilogue_program_over_groups():
    x = _RNG.standard_normal((1, 12, 5, 5), dtype=np.float32)
    w = _RNG.standard_normal((36, 4, 3, 3), dtype=np.float32)
    gate = _RNG.standard_normal((1, 36, 5, 5), dtype=np.float32)
    op = Convolution(pre_padding=(1, 1), post_padding=(1, 1), num_groups=3)
    (exact,) = op.evaluate([x.astype(np.float64), w.astype(np.float64), None])
    source, gates, target = _image(x), _image(gate), _image(np.full_like(gate, np.nan))
    filters = pack_filters(w, 3)
    program = encode((Step("sigmoid", (0,)), Step("mul", (2, 1))), 2)
    finish = Finish(program=program, operands=(Rows(gates.ctypes.data, 36),))
    window = Window((1, 3, 3), pad=(0, 1, 1))
    job = Convolve(
        _described(source), _described(target), window, 4, 12, filters.ctypes.data, 3, finish
    )
    Program(shared_team(2), [bind_convolve(job)]).run()
    wanted = gate / (1 + np.exp(-exact))
    np.testing.assert_allclose(np.moveaxis(target, -1, 1), wanted, rtol=2e-5, atol=1e-6)
