"""ATTENTION on the tensor cores: tiles of keys pass by, the softmax is kept up to date.

Source: Dao et al. 2022, arXiv:2205.14135 (exact attention without the score matrix); the
running maximum and sum are Milakov and Gimelshein 2018, arXiv:1805.02867.
"""

from collections.abc import Sequence

from trtlab.core.enums import AttentionNormalizationOp
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.attending import (
    WarpAttentionTactic,
    begin_attention,
    scores_shape,
)
from trtlab.kernels.cuda.flash_text import FlashTile, flash_top, step_text, store_text
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.text import MOST_BLOCKS, dot
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_MOST_WIDTH = 128
_MOST_WIDE = 64  # features of which one warp holds several rows
_ALIGN = 16
_LEAST_WARPS = 4


class FlashAttentionTactic(Tactic):
    """Some queries a warp, some keys at a time.

    Args:
        warps: Of a block; all of them use the keys that the block loads.
        keys: A multiple of 16.
        rows: Sixteens of queries of a warp.
        blocks: That fit a multiprocessor at least; 0 leaves it to the compiler.
    """

    def __init__(
        self, warps: int = _LEAST_WARPS, keys: int = 64, rows: int = 1, blocks: int = 0
    ) -> None:
        self._tile = FlashTile(warps, keys, rows)
        self._blocks = blocks
        self.name = f"cuda.attention.flash/{self._tile.queries}x{self._tile.keys}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types, widths and strides that do not load in runs of eight."""
        op = problem.op
        assert isinstance(op, Attention)
        q, k, v = given(problem, 0), given(problem, 1), given(problem, 2)
        out, mask = problem.outputs[0], optional(problem, 3)
        if q.dtype not in {DataType.HALF, DataType.BF16}:
            return Rejection(f"tensor cores multiply fp16 and bf16, not {q.dtype.value}")
        if mask is not None and mask.dtype not in {q.dtype, DataType.BOOL}:
            return Rejection(f"a mask of {mask.dtype.value}")
        if op.k_transposed:
            return Rejection("keys with the features outside do not load in runs")
        if op.norm_op is not AttentionNormalizationOp.SOFTMAX:
            return Rejection("scores without softmax")
        widths = (q.shape[3], v.shape[3])
        if any(w % 16 or w > _MOST_WIDTH for w in widths):
            return Rejection(f"{widths} features are no multiples of 16 up to {_MOST_WIDTH}")
        for operand in (q, k, v, out):
            if operand.strides[3] != 1 or any(s % 8 for s in operand.strides[:3]):
                return Rejection("rows do not begin at multiples of eight elements")
        return self._tile_refusal(q, max(widths))

    def _tile_refusal(self, q: Operand, width: int) -> Rejection | None:
        if self._tile.rows > 1 and width > _MOST_WIDE:
            return Rejection("so many features leave no registers for several rows")
        if self._tile.queries - q.shape[2] >= 16 * _LEAST_WARPS:
            return Rejection("a smaller block holds all queries")
        if max(q.shape[:2]) > MOST_BLOCKS:
            return Rejection("more heads or sequences than a grid has")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """A third of the tensor cores' rate, and more for queries that are not there."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        queries, block = max(scores_shape(problem)[2], 1), self._tile.queries
        return 3.0 + flops / 2e8 * (-(-queries // block) * block / queries)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch; none for an empty result. Odd addresses go to the general kernel."""
        if 0 in problem.outputs[0].shape:
            return ()
        addresses = [a for a in buffers.inputs if a is not None]
        if any(a % _ALIGN for a in (*addresses[:3], buffers.outputs[0])):
            return WarpAttentionTactic().bind(problem, buffers)
        return (KernelLaunch(self.kernel(problem), (*addresses, *buffers.outputs)),)

    def kernel(self, problem: Problem) -> Kernel:
        """The kernel."""
        tile, op = self._tile, problem.op
        assert isinstance(op, Attention)
        q, k, v = given(problem, 0), given(problem, 1), given(problem, 2)
        batch, heads, queries, keys = scores_shape(problem)
        d, dv = q.shape[3], v.shape[3]
        at_k, at_v, end = tile.places(d, dv)
        each = heads // k.shape[1]
        writer = begin_attention(problem, self.name)
        writer.top += flash_top(q.dtype)
        writer.add(
            "extern __shared__ __align__(128) unsigned char shared[];",
            "const unsigned base = shared_address(shared);",
            "const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;",
            f"const int q0 = blockIdx.x * {tile.queries}, h = blockIdx.y, b = blockIdx.z;",
            f"const int g = h / {each};",
            f"const auto* q = x0 + ({dot(['(i64)b', '(i64)h'], q.strides[:2])});",
            f"const auto* k = x1 + ({dot(['(i64)b', '(i64)g'], k.strides[:2])});",
            f"const auto* v = x2 + ({dot(['(i64)b', '(i64)g'], v.strides[:2])});",
            *_copy_tile(tile, "q", "q0", queries, q, tile.queries, "0"),
            "auto fetch = [&](int tile, int slot) {",
            f"  const int t0 = tile * {tile.keys};",
            *_fetch(tile, "k", keys, k, at_k),
            *_fetch(tile, "v", keys, v, at_v),
            "};",
            "fetch(0, 0);",
            "commit();",
            *step_text(problem, tile),
            f"const bool busy = w0 < {queries};",
            *_passes(tile, op, keys, d),
        )
        writer.add(*store_text(problem))
        grid = (-(-queries // tile.queries), heads, batch)
        return writer.kernel(
            "flash", grid, (32 * tile.warps, 1, 1), shared_bytes=2 * end,
            min_blocks=self._blocks,
        )  # fmt: skip


def _passes(tile: FlashTile, op: Attention, keys: int, d: int) -> list[str]:
    """The loop over whole tiles of keys, and the rest of them."""
    full, rest = divmod(keys, tile.keys)
    count = full + (rest > 0)
    seen = (
        f"min({count}, (q0 + {tile.queries} + {tile.keys - 1}) / {tile.keys})"
        if op.causal
        else count
    )
    lines = [
        f"const int tiles = {seen};",
        "auto arrive = [&](int tile) {",
        "  if (tile + 1 < tiles) fetch(tile + 1, 1 - tile % 2);",
        "  commit();",
        "  wait_for<1>();",
        "  __syncthreads();",
        "  if (tile == 0) {",
        "    #pragma unroll",
        "    for (int m = 0; m < rows; ++m)",
        "      #pragma unroll",
        (
            f"      for (int i = 0; i < {d // 16}; ++i) load4(fq[m][i], base + 2 * "
            f"(((warp * rows + m) * 16 + lane % 16) * {d + 8} + i * 16 + lane / 16 * 8));"
        ),
        "  }",
        "};",
    ]
    if full:
        lines += [
            (
                f"for (int tile = 0; tile < {'min(tiles, ' + str(full) + ')' if rest else 'tiles'}; "
                "++tile) {"
            ),
            "  arrive(tile);",
            f"  if (busy) step(tile, Count<{tile.keys // 16}>());",
            "  __syncthreads();",
            "}",
        ]
    if rest:
        lines += [
            f"if (tiles > {full}) {{",
            f"  arrive({full});",
            f"  if (busy) step({full}, Count<{-(-rest // 16)}>());",
            "}",
        ]
    return lines


def _fetch(tile: FlashTile, name: str, count: int, operand: Operand, at: int) -> list[str]:
    to = f"{at} + slot * {tile.keys * (operand.shape[3] + 8)}"
    return [f"  {x}" for x in _copy_tile(tile, name, "t0", count, operand, tile.keys, to)]


def _copy_tile(
    tile: FlashTile, name: str, first: str, count: int, operand: Operand, rows: int, to: str
) -> list[str]:
    """Rows of one operand into shared memory; ``to`` in elements, rows padded by eight."""
    width = operand.shape[3]
    runs = width // 8
    return [
        "#pragma unroll",
        f"for (int e = threadIdx.x; e < {rows * runs}; e += {32 * tile.warps}) {{",
        f"  const int r = e / {runs}, f = e % {runs} * 8;",
        f"  const bool ok = {first} + r < {count};",
        (
            f"  copy16(base + 2 * ({to} + r * {width + 8} + f), "
            f"{name} + (ok ? (i64)({first} + r) * {operand.strides[2]} + f : 0), ok);"
        ),
        "}",
    ]
