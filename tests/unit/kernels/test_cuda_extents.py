"""Extents that a launch cannot have are declined: profiles grow beyond what was timed."""

import pytest

from trtlab.core.types import DataType, TensorFormat
from trtlab.kernels.cuda.flash import FlashAttentionTactic
from trtlab.kernels.cuda.mma_load import MmaTile
from trtlab.kernels.cuda.stem import StemTactic
from trtlab.layers.convolution import Convolution
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem

HALF, HWC = DataType.HALF, TensorFormat.HWC


def attention(sequences):
    x = Operand(HALF, (sequences, 1, 64, 32))
    return Problem(Attention(), (x, x, x), (x,))


def stem(images):
    x = Operand(HALF, (images, 3, 224, 224))
    weights = Operand(HALF, (64, 3, 7, 7), constant=True)
    op = Convolution(
        num_output_maps=64,
        kernel_size_nd=(7, 7),
        stride_nd=(2, 2),
        pre_padding=(3, 3),
        post_padding=(3, 3),
    )
    return Problem(op, (x, weights), (Operand(HALF, (images, 64, 112, 112), HWC),))


@pytest.mark.parametrize(
    ("tactic", "problem", "few", "many"),
    [
        (FlashAttentionTactic(keys=32, rows=1, blocks=3), attention, 65535, 65536),
        (StemTactic(MmaTile(64, 64, 32, 32, 32, 4)), stem, 334, 335),
    ],
)
def test_grids_have_limits(tactic, problem, few, many):
    assert tactic.check(problem(few)) is None
    assert "than a grid has" in tactic.check(problem(many)).reason
