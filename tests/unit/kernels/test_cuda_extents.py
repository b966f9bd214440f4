"""Extents that a launch cannot have are declined: profiles grow beyond what was timed."""

import pytest

from trtlab.core.types import DataType, TensorFormat
from trtlab.kernels.cuda.flash import FlashAttentionTactic
from trtlab.kernels.cuda.mma_load import MmaTile
from trtlab.kernels.cuda.stem import StemTactic
from trtlab.kernels.cuda.wgmma_product import wgmma_tactics
from trtlab.layers.convolution import Convolution
from trtlab.layers.fused import Attention
from trtlab.layers.linear import MatrixMultiply
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers

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


def rows(count):
    weights = Operand(HALF, (64, 96), constant=True)
    out = Operand(HALF, (count, 96))
    return Problem(MatrixMultiply(), (Operand(HALF, (count, 64)), weights), (out,))


@pytest.mark.parametrize(
    ("count", "grid", "place"),
    [
        (64 * 65535, (2, 65535, 1), "m0 = blockIdx.y * 64, n0 = blockIdx.x * 64;"),
        (
            64 * 65535 + 1,
            (2 * 65536, 1, 1),
            "m0 = blockIdx.x / 2 * 64, n0 = blockIdx.x % 2 * 64;",
        ),
    ],
)
@pytest.mark.parametrize("addresses", [(2, 0, 0), (0, 0, 2)])
def test_unaligned_rows_are_as_many_as_aligned_ones(count, grid, place, addresses):
    tactic, problem = wgmma_tactics()[0], rows(count)
    assert tactic.check(problem) is None
    first, second, out = ((1 << 40) + address for address in addresses)
    (launch,) = tactic.bind(problem, Buffers((first, second), (out,), 0))
    assert launch.kernel.grid == grid
    assert f"const int {place}" in launch.kernel.text
