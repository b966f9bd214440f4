"""Which attentions go to cuDNN, and how their masks are described to it; needs no GPU."""

import pytest

from trtlab.core.types import DataType
from trtlab.kernels.cuda import cudnn_attention
from trtlab.kernels.cuda.cudnn_attention import CudnnAttentionTactic, mask_view
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem

HALF = DataType.HALF


def problem(mask=None, *, op=None, dtype=HALF, width=64, pitch=None):
    pitch = pitch or 3 * 4 * width
    x = Operand(dtype, (2, 4, 50, width), strides=(50 * pitch, width, pitch, 1))
    inputs = (x, x, x) if mask is None else (x, x, x, mask)
    return Problem(op or Attention(0.125), inputs, (Operand(dtype, (2, 4, 50, width)),))


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(cudnn_attention, "available", lambda: True)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "accepted",
    [
        problem(),
        problem(op=Attention(0.125, causal=True)),
        problem(Operand(HALF, (2, 1, 1, 50))),
        problem(Operand(HALF, (50, 50))),
        problem(dtype=DataType.BF16, width=128),
    ],
)
def test_packed_views_with_masks_are_taken(accepted):
    assert CudnnAttentionTactic(0).check(accepted) is None


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (problem(dtype=DataType.FLOAT), "fp16 and bf16"),
        (problem(op=Attention(-0.125)), "positive"),
        (problem(op=Attention(0.125, k_transposed=True)), "features inside"),
        (problem(Operand(DataType.BOOL, (2, 1, 1, 50))), "not bool"),
        (problem(Operand(HALF, (2, 1, 50, 1))), "keys inside"),
        (problem(width=144), "up to 128"),
        (problem(pitch=3 * 4 * 64 + 4), "16-byte"),
    ],
)
def test_the_rest_is_declined_with_a_reason(refused, reason):
    found = CudnnAttentionTactic(0).check(refused)
    assert found is not None
    assert reason in found.reason


def test_without_the_library_it_declines(monkeypatch):
    monkeypatch.setattr(cudnn_attention, "available", lambda: False)
    found = CudnnAttentionTactic(0).check(problem())
    assert found is not None
    assert "not installed" in found.reason


@pytest.mark.parametrize(
    ("shape", "strides", "expected"),
    [
        ((2, 1, 1, 50), (50, 50, 50, 1), ([2, 1, 1, 50], [50, 50, 50, 1])),
        ((50, 50), (50, 1), ([1, 1, 50, 50], [2500, 2500, 50, 1])),
        ((4, 1, 50), (50, 50, 1), ([1, 4, 1, 50], [200, 50, 50, 1])),
        ((1, 1, 1, 50), (0, 0, 0, 1), ([1, 1, 1, 50], [50, 50, 50, 1])),
        ((2, 4, 50, 50), (20000, 5000, 100, 1), ([2, 4, 50, 50], [20000, 5000, 100, 1])),
    ],
)
def test_a_mask_has_one_element_where_it_repeats(shape, strides, expected):
    mask = Operand(HALF, shape, strides=strides)
    assert mask_view(problem(mask), mask) == expected
