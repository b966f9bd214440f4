"""Winograd convolutions against the layer's NumPy meaning in float64."""

import numpy as np
import pytest

from trtlab.devices.cpu.program import Program
from trtlab.devices.cpu.team import shared_team
from trtlab.kernels.cpu.bind_convolution import Convolve, Image, Window, pack_group_bias
from trtlab.kernels.cpu.bind_winograd import bind_winograd, pack_winograd, plan_winograd
from trtlab.kernels.cpu.finishing import Finish, Rows
from trtlab.kernels.cpu.pointwise_code import encode
from trtlab.layers.convolution import Convolution
from trtlab.layers.pointwise import Step

_RNG = np.random.default_rng(3)


def _image(values, extra=0):
    last = np.moveaxis(values, 1, -1)
    memory = np.full((*last.shape[:-1], last.shape[-1] + extra), np.nan, np.float32)
    memory[..., : last.shape[-1]] = last
    return memory


def _described(memory):
    return Image(memory.ctypes.data, memory.shape[-1], len(memory), (1, *memory.shape[1:3]))


def _run(x, w, finish, pads, m, fused, threads, extra=0):
    """[N, C, H, W] in and out."""
    op = Convolution(pre_padding=pads[:2], post_padding=pads[2:])
    (exact,) = op.evaluate([x.astype(np.float64), w.astype(np.float64), None])
    source, target = _image(x, extra), _image(np.full(exact.shape, np.nan, np.float32), extra)
    packed = pack_winograd(w, m)
    maps, channels = w.shape[:2]
    window = Window((1, 3, 3), pad=(0, *pads[:2]))
    job = Convolve(
        _described(source),
        _described(target),
        window,
        channels,
        maps,
        packed.ctypes.data,
        finish=finish,
    )
    plan = plan_winograd(len(x), exact.shape[2:], channels, maps, m, fused=fused)
    workspace = np.full(plan.workspace_bytes // 4 + 16, np.nan, np.float32)
    address = -(-workspace.ctypes.data // 64) * 64
    Program(shared_team(threads), bind_winograd(job, plan, address)).run()
    assert np.isnan(target[..., maps:]).all()
    return np.moveaxis(target[..., :maps], -1, 1), exact


_SHAPES = [
    # images, channels, maps, height, width, pads
    (1, 16, 32, 8, 8, (1, 1, 1, 1)),
    (2, 3, 17, 7, 13, (1, 1, 1, 1)),
    (1, 40, 70, 14, 14, (1, 1, 1, 1)),
    (1, 1, 1, 3, 3, (0, 0, 0, 0)),
    (1, 64, 100, 30, 5, (0, 1, 2, 0)),
    (1, 256, 48, 33, 29, (1, 1, 1, 1)),
]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("shape", _SHAPES)
def test_error_is_small(shape, m, fused, threads):
    images, channels, maps, height, width, pads = shape
    x = _RNG.standard_normal((images, channels, height, width), dtype=np.float32)
    w = _RNG.standard_normal((maps, channels, 3, 3), dtype=np.float32)
    got, exact = _run(x, w, Finish(), pads, m, fused, threads, extra=2)
    error = np.linalg.norm(got - exact) / np.linalg.norm(exact)
    assert error < (1e-6 if m == 2 else 4e-6)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("m", [2, 4])
def test_bias_residual_clip_and_program(m, fused):
    x = _RNG.standard_normal((1, 20, 9, 10), dtype=np.float32)
    w = _RNG.standard_normal((36, 20, 3, 3), dtype=np.float32) / 10
    bias = _RNG.standard_normal(36, dtype=np.float32)
    other = _RNG.standard_normal((1, 36, 9, 10), dtype=np.float32)
    packed, added = pack_group_bias(bias), _image(other, 4)
    rows = Rows(added.ctypes.data, added.shape[-1])
    finish = Finish(packed.ctypes.data, rows, (-0.5, 1.0))
    got, exact = _run(x, w, finish, (1, 1, 1, 1), m, fused, 2)
    wanted = np.clip(exact + bias.reshape(1, -1, 1, 1) + other, -0.5, 1.0)
    np.testing.assert_allclose(got, wanted, atol=2e-5)
    program = encode((Step("mul", (0, 1)), Step("sigmoid", (2,))), 2)
    finish = Finish(packed.ctypes.data, program=program, operands=(rows,))
    got, exact = _run(x, w, finish, (1, 1, 1, 1), m, fused, 2)
    wanted = 1 / (1 + np.exp(-(exact + bias.reshape(1, -1, 1, 1)) * other))
    np.testing.assert_allclose(got, wanted, atol=2e-5)
