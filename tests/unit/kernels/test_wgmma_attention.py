"""Which attentions go to Hopper's warp groups, and how their work is divided; needs no GPU."""

import re
from dataclasses import replace

import pytest
from cuda_conformance import bound_kernels

from trtlab.core.enums import AttentionNormalizationOp
from trtlab.core.types import DataType
from trtlab.devices.cuda.nvrtc import compile_cubin
from trtlab.devices.cuda.tensor_map import HeadsMap
from trtlab.kernels.cuda.wgmma_attention import WgmmaAttentionTactic, wgmma_attention_tactics
from trtlab.kernels.cuda.wgmma_attention_tile import MOST_SHARED, AttentionTile, AttentionWork
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers

HALF = DataType.HALF
ONE, TWO = AttentionTile(1, 256), AttentionTile(2, 128)


def problem(mask=None, *, op=None, dtype=HALF, width=64, pitch=None, length=197, batch=2):
    pitch = pitch or 3 * 4 * width
    x = Operand(dtype, (batch, 4, length, width), strides=(length * pitch, width, pitch, 1))
    inputs = (x, x, x) if mask is None else (x, x, x, mask)
    out = Operand(dtype, (batch, 4, length, width))
    return Problem(op or Attention(0.125), inputs, (out,))


@pytest.mark.parametrize(
    "accepted",
    [
        problem(),
        problem(op=Attention(0.125, causal=True)),
        problem(op=Attention(-0.125)),
        problem(Operand(HALF, (2, 1, 1, 197))),
        problem(Operand(DataType.BOOL, (197, 197))),
        problem(dtype=DataType.BF16, width=128),
        problem(width=8),
        problem(length=700),
    ],
)
def test_packed_views_with_masks_are_taken(accepted):
    for tactic in wgmma_attention_tactics():
        assert tactic.check(accepted) is None
        assert tactic.arch == "sm_90"


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (problem(dtype=DataType.FLOAT), "fp16 and bf16"),
        (problem(op=Attention(0.125, k_transposed=True)), "features inside"),
        (problem(op=Attention(norm_op=AttentionNormalizationOp.NONE)), "softmax"),
        (problem(Operand(DataType.FLOAT, (2, 1, 1, 197))), "mask of fp32"),
        (problem(width=136), "up to 128"),
        (problem(width=20), "multiples of 8"),
        (problem(pitch=3 * 4 * 64 + 4), "16-byte"),
        (problem(pitch=32), "one behind the other"),
        (problem(length=1000), "do not fit"),
        (problem(length=0), "with elements"),
        (problem(batch=1 << 16, length=8), "grid"),
    ],
)
def test_the_rest_is_declined_with_a_reason(refused, reason):
    found = WgmmaAttentionTactic(ONE).check(refused)
    assert found is not None
    assert reason in found.reason


def test_few_queries_are_left_to_a_smaller_block():
    found = WgmmaAttentionTactic(TWO).check(problem(length=64))
    assert found is not None
    assert "smaller block" in found.reason
    assert WgmmaAttentionTactic(TWO).check(problem(length=65)) is None


def work(queries, keys, tile=ONE, *, batch=32, heads=12, d=64, dv=64, adding=False):
    return AttentionWork(batch, heads, queries, keys, d, dv, HALF, tile, adding)


@pytest.mark.parametrize(
    ("keys", "tile", "n", "tiles"),
    [
        (197, ONE, 208, 1),
        (256, ONE, 256, 1),
        (257, ONE, 144, 2),
        (197, TWO, 112, 2),
        (128, TWO, 128, 1),
        (300, TWO, 112, 3),
        (1, ONE, 16, 1),
    ],
)
def test_keys_are_divided_evenly(keys, tile, n, tiles):
    divided = work(64, keys, tile)
    assert (divided.n, divided.tiles) == (n, tiles)


@pytest.mark.parametrize("tile", [ONE, TWO])
@pytest.mark.parametrize("keys", [1, 77, 128, 197, 256, 333])
@pytest.mark.parametrize("widths", [(64, 64), (128, 32), (16, 80)])
def test_every_tile_covers_keys_and_lies_where_swizzled_rows_repeat(tile, keys, widths):
    divided = work(200, keys, tile, d=widths[0], dv=widths[1], adding=True)
    assert divided.n % 16 == 0
    assert divided.n <= tile.most_keys
    assert (divided.tiles - 1) * divided.n < keys <= divided.tiles * divided.n
    sizes = (divided.k_bytes // divided.deep, divided.v_bytes // divided.wide)
    assert all(size % 1024 == 0 for size in (*sizes, divided.at_v, divided.at_q))
    assert divided.at_barriers % 8 == 0
    assert divided.shared_bytes <= MOST_SHARED
    assert divided.blocks * (divided.shared_bytes + 1024) <= 228 * 1024


def test_many_heads_share_what_a_block_loads_and_few_are_spread():
    assert work(197, 197).passes == 4
    assert work(197, 197, batch=1).passes == 1
    assert work(128, 128, TWO).passes == 1


def test_a_map_ends_with_its_head():
    """Rows beyond a sequence are no rows of the next one, whatever the strides."""
    given = problem(length=197, batch=2)
    (launch,) = WgmmaAttentionTactic(ONE).bind(given, Buffers((1 << 20,) * 3, (1 << 21,)))
    queries, keys, values, out = launch.arguments
    assert isinstance(queries, HeadsMap)
    assert (queries.rows, queries.box_rows, keys.box_rows) == (197, 64, 208)
    assert (keys.pitch, keys.heads, keys.batches) == (768, (4, 64), (2, 197 * 768))
    assert values == keys
    assert out == 1 << 21


def test_odd_addresses_go_to_the_general_kernel():
    (launch,) = WgmmaAttentionTactic(ONE).bind(
        problem(), Buffers(((1 << 20) + 2, 1 << 20, 1 << 20), (1 << 21,))
    )
    assert launch.kernel.name == "attention"


def test_keys_beyond_the_last_are_hidden_where_a_tile_has_them():
    (odd,) = bound_kernels(WgmmaAttentionTactic(ONE), problem(length=197))
    (even,) = bound_kernels(WgmmaAttentionTactic(ONE), problem(length=192))
    assert re.search(r"if \(t >= 197\) s\[i\] = ", odd)
    assert "if (t >=" not in even


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [HALF, DataType.BF16])
@pytest.mark.parametrize("tile", [ONE, TWO])
def test_the_text_compiles(tile, dtype):
    given = problem(dtype=dtype)
    mask = Operand(dtype, (2, 1, 1, 197))
    for each in (given, replace(given, inputs=(*given.inputs, mask))):
        (text,) = bound_kernels(WgmmaAttentionTactic(tile), each)
        kind = "bf16" if dtype is DataType.BF16 else "f16"
        count = 208 if tile is ONE else 112
        assert f"m64n{count}k16.f32.{kind}.{kind}" in text
        code = compile_cubin(text, "sm_90", ("--Ofast-compile=max",))
        assert code[:4] == b"\x7fELF"
