"""What a warp of the tiled attention does with a tile of keys, and with its result."""

from dataclasses import dataclass

from trtlab.core.types import DataType
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.attending import masked_score, scores_shape
from trtlab.kernels.cuda.mma import INTRINSICS, multiply_text
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.text import dot
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem

LOG2_E = 1.4426950408889634
HIDDEN = "__int_as_float(0xff800000)"
_COUNT = "template <int N> struct Count { static constexpr int value = N; };"
EXP2 = """
__device__ __forceinline__ float exp2_fast(float x) {
  float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y;
}
""".strip()


@dataclass(frozen=True, slots=True)
class FlashTile:
    """A block's part of the work.

    Attributes:
        warps: Of a block.
        keys: That are in shared memory at a time, twice.
        rows: Sixteens of queries of a warp; what it loads serves all of them.
    """

    warps: int
    keys: int
    rows: int = 1

    @property
    def queries(self) -> int:
        """Of a block."""
        return 16 * self.rows * self.warps

    def places(self, d: int, dv: int) -> tuple[int, int, int]:
        """Where keys and values begin in shared memory, and the end, in elements."""
        at_k = self.queries * (d + 8)
        at_v = at_k + 2 * self.keys * (d + 8)
        return at_k, at_v, at_v + 2 * self.keys * (dv + 8)


def pack_text(dtype: DataType) -> str:
    """``pack``: two numbers of half precision as one."""
    kind = "bf16x2" if dtype is DataType.BF16 else "f16x2"
    return (
        "__device__ __forceinline__ unsigned pack(float low, float high) {\n"
        f'  unsigned y; asm("cvt.rn.{kind}.f32 %0, %1, %2;" '
        ': "=r"(y) : "f"(high), "f"(low)); return y;\n'
        "}"
    )


def flash_top(dtype: DataType) -> list[str]:
    """Device functions."""
    return [INTRINSICS, multiply_text(dtype), _COUNT, EXP2, pack_text(dtype)]


def step_text(problem: Problem, tile: FlashTile) -> list[str]:
    """``step(tile, blocks)``: sixteen times so many keys change o, top and total.

    Scores stay unscaled where nothing is added to them: then the exponent takes one fused
    multiplication, whose factor turns to powers of two as well.
    """
    d, dv = given(problem, 0).shape[3], given(problem, 2).shape[3]
    at_k, at_v, _ = tile.places(d, dv)
    factor = factor_text(problem)
    lines = [
        "constexpr int blocks = decltype(count)::value;",
        "const int slot = tile % 2;",
        *_scores(d, at_k, tile),
        "float rate[rows][2];",
        "#pragma unroll",
        "for (int m = 0; m < rows; ++m) {",
        *(f"  {x}" for x in _masks(problem, tile)),
        "  float best[2] = {top[m][0], top[m][1]}, shift[2];",
        "  #pragma unroll",
        "  for (int j = 0; j < 2 * blocks; ++j)",
        "    #pragma unroll",
        "    for (int e = 0; e < 4; ++e) best[e / 2] = fmaxf(best[e / 2], p[m][j][e]);",
        "  #pragma unroll",
        "  for (int r = 0; r < 2; ++r) {",
        "    best[r] = fmaxf(best[r], __shfl_xor_sync(0xffffffffu, best[r], 1));",
        "    best[r] = fmaxf(best[r], __shfl_xor_sync(0xffffffffu, best[r], 2));",
        f"    shift[r] = best[r] == {HIDDEN} ? 0.0f : -best[r] * {factor};",
        f"    rate[m][r] = exp2_fast(fmaf(top[m][r], {factor}, shift[r]));",
        "    top[m][r] = best[r];",
        "    total[m][r] *= rate[m][r];",
        "  }",
        "  #pragma unroll",
        "  for (int j = 0; j < 2 * blocks; ++j)",
        "    #pragma unroll",
        "    for (int e = 0; e < 4; ++e) {",
        f"      p[m][j][e] = exp2_fast(fmaf(p[m][j][e], {factor}, shift[e / 2]));",
        "      total[m][e / 2] += p[m][j][e];",
        "    }",
        "}",
        *_values(dv, at_v, tile),
    ]
    return [
        f"constexpr int rows = {tile.rows};",
        f"unsigned fq[rows][{d // 16}][4];",
        f"float o[rows][{dv // 8}][4] = {{}}, top[rows][2], total[rows][2] = {{}};",
        "#pragma unroll",
        f"for (int m = 0; m < rows; ++m) top[m][0] = top[m][1] = {HIDDEN};",
        "const int w0 = q0 + warp * 16 * rows;",
        "auto step = [&](int tile, auto count) {",
        *(f"  {x}" for x in lines),
        "};",
    ]


def adds(problem: Problem) -> bool:
    """Whether scores are scaled before the maximum is sought."""
    op = problem.op
    assert isinstance(op, Attention)
    return optional(problem, 3) is not None or op.scale <= 0


def factor_text(problem: Problem) -> str:
    """What scores are multiplied with in the exponent, of two."""
    op = problem.op
    assert isinstance(op, Attention)
    return "1.0f" if adds(problem) else literal(op.scale * LOG2_E)


def _scores(d: int, at_k: int, tile: FlashTile) -> list[str]:
    pitch = d + 8
    return [
        "float p[rows][2 * blocks][4] = {};",
        "#pragma unroll",
        f"for (int i = 0; i < {d // 16}; ++i) {{",
        "  #pragma unroll",
        "  for (int j = 0; j < blocks; ++j) {",
        "    unsigned f[4];",
        (
            f"    load4(f, base + 2 * ({at_k} + slot * {tile.keys * pitch} + "
            f"(j * 16 + lane % 8 + lane / 16 * 8) * {pitch} + i * 16 + lane / 8 % 2 * 8));"
        ),
        "    #pragma unroll",
        "    for (int m = 0; m < rows; ++m) {",
        "      multiply(p[m][2 * j], fq[m][i], f[0], f[1]);",
        "      multiply(p[m][2 * j + 1], fq[m][i], f[2], f[3]);",
        "    }",
        "  }",
        "}",
    ]


def _masks(problem: Problem, tile: FlashTile) -> list[str]:
    """Scores with scale and mask, in powers of two; hidden ones are -inf."""
    op, mask = problem.op, optional(problem, 3)
    assert isinstance(op, Attention)
    keys = scores_shape(problem)[3]
    lines: list[str] = []
    if mask is not None and broadcast_strides(mask, scores_shape(problem))[2] == 0:
        lines += _by_key(problem, mask, tile)
    elif adds(problem):
        lines += _by_score(problem, tile)
    elif keys % tile.keys:
        lines += [f"if (tile == {keys // tile.keys})", *_where(tile, f"t >= {keys}")]
    if op.causal:
        lines += [f"if ((tile + 1) * {tile.keys} > w0 + m * 16)", *_where(tile, "t > s")]
    return lines


def _where(tile: FlashTile, condition: str) -> list[str]:
    return [
        "  #pragma unroll",
        "  for (int j = 0; j < 2 * blocks; ++j)",
        "    #pragma unroll",
        "    for (int e = 0; e < 4; ++e) {",
        f"      const int t = tile * {tile.keys} + j * 8 + lane % 4 * 2 + e % 2;",
        "      const int s = w0 + m * 16 + e / 2 * 8 + lane / 4;",
        f"      if ({condition}) p[m][j][e] = {HIDDEN};",
        "    }",
    ]


def _by_key(problem: Problem, mask: Operand, tile: FlashTile) -> list[str]:
    """A mask that is the same for all queries: one value serves both rows of a thread."""
    op = problem.op
    assert isinstance(op, Attention)
    shape = scores_shape(problem)
    at = dot(["(i64)b", "(i64)h", "(i64)s", "(i64)t"], broadcast_strides(mask, shape))
    value = (
        f"wide(x3[{at}]) ? 0.0f : {HIDDEN}"
        if mask.dtype is DataType.BOOL
        else f"wide(x3[{at}]) * {literal(LOG2_E)}"
    )
    return [
        "#pragma unroll",
        "for (int j = 0; j < 2 * blocks; ++j)",
        "  #pragma unroll",
        "  for (int c = 0; c < 2; ++c) {",
        f"    const int t = tile * {tile.keys} + j * 8 + lane % 4 * 2 + c;",
        f"    float add = {HIDDEN};",
        f"    if (t < {shape[3]}) add = {value};",
        f"    p[m][j][c] = fmaf(p[m][j][c], {literal(op.scale * LOG2_E)}, add);",
        f"    p[m][j][c + 2] = fmaf(p[m][j][c + 2], {literal(op.scale * LOG2_E)}, add);",
        "  }",
    ]


def _by_score(problem: Problem, tile: FlashTile) -> list[str]:
    op = problem.op
    assert isinstance(op, Attention)
    _, _, queries, keys = scores_shape(problem)
    return [
        "#pragma unroll",
        "for (int j = 0; j < 2 * blocks; ++j)",
        "  #pragma unroll",
        "  for (int e = 0; e < 4; ++e) {",
        f"    const int t = tile * {tile.keys} + j * 8 + lane % 4 * 2 + e % 2;",
        "    const int s = w0 + m * 16 + e / 2 * 8 + lane / 4;",
        f"    float x = p[m][j][e] * {literal(op.scale)};",
        f"    if (t < {keys} && s < {queries}) {{",
        *(f"      {x}" for x in masked_score(problem, ["b", "h", "s", "t"], "x")),
        "    }",
        f"    p[m][j][e] = t < {keys} ? x * {literal(LOG2_E)} : {HIDDEN};",
        "  }",
    ]


def _values(dv: int, at_v: int, tile: FlashTile) -> list[str]:
    pitch = dv + 8
    return [
        "#pragma unroll",
        "for (int m = 0; m < rows; ++m)",
        "  #pragma unroll",
        f"  for (int j = 0; j < {dv // 8}; ++j)",
        "    #pragma unroll",
        "    for (int e = 0; e < 4; ++e) o[m][j][e] *= rate[m][e / 2];",
        "#pragma unroll",
        "for (int i = 0; i < blocks; ++i) {",
        "  unsigned w[rows][4];",
        "  #pragma unroll",
        "  for (int m = 0; m < rows; ++m)",
        "    #pragma unroll",
        (
            "    for (int c = 0; c < 4; ++c) w[m][c] = pack("
            "p[m][2 * i + c / 2][c % 2 * 2], p[m][2 * i + c / 2][c % 2 * 2 + 1]);"
        ),
        "  #pragma unroll",
        f"  for (int j = 0; j < {dv // 16}; ++j) {{",
        "    unsigned f[4];",
        (
            f"    load4_turned(f, base + 2 * ({at_v} + slot * {tile.keys * pitch} + "
            f"(i * 16 + lane % 8 + lane / 8 % 2 * 8) * {pitch} + j * 16 + lane / 16 * 8));"
        ),
        "    #pragma unroll",
        "    for (int m = 0; m < rows; ++m) {",
        "      multiply(o[m][2 * j], w[m], f[0], f[1]);",
        "      multiply(o[m][2 * j + 1], w[m], f[2], f[3]);",
        "    }",
        "  }",
        "}",
    ]


def store_text(problem: Problem) -> list[str]:
    """All rows of a thread, divided by their sums.

    Four lanes exchange what they have of 32 features, so that each stores 16 bytes.
    """
    out = problem.outputs[0]
    queries, dv = scores_shape(problem)[2], out.shape[3]
    kind = C_TYPES[out.dtype]
    at = dot(["(i64)b", "(i64)h", "(i64)s"], out.strides[:3])
    runs = dv // 32
    lines = [
        "#pragma unroll",
        "for (int mr = 0; mr < 2 * rows; ++mr) {",
        "  const int m = mr / 2, r = mr % 2;",
        "  total[m][r] += __shfl_xor_sync(0xffffffffu, total[m][r], 1);",
        "  total[m][r] += __shfl_xor_sync(0xffffffffu, total[m][r], 2);",
        "  const float f = 1.0f / total[m][r];",
        "  const int s = w0 + m * 16 + r * 8 + lane / 4;",
        f"  const i64 to = {at};",
    ]
    if runs:
        lines += [
            "  #pragma unroll",
            f"  for (int i = 0; i < {runs}; ++i) {{",
            "    float w[4];",
            "    #pragma unroll",
            (
                "    for (int c = 0; c < 4; ++c) w[c] = __uint_as_float("
                "pack(o[m][4 * i + c][2 * r] * f, o[m][4 * i + c][2 * r + 1] * f));"
            ),
            "    turn_quad(w);",
            (
                f"    if (s < {queries}) *reinterpret_cast<float4*>(y + to + i * 32 + "
                "lane % 4 * 8) = make_float4(w[0], w[1], w[2], w[3]);"
            ),
            "  }",
        ]
    if dv % 32:
        lines += [
            "  #pragma unroll",
            f"  for (int j = {4 * runs}; j < {dv // 8}; ++j) {{",
            f"    Vec<{kind}, 2> w;",
            f"    w.v[0] = Narrow<{kind}>::of(o[m][j][2 * r] * f);",
            f"    w.v[1] = Narrow<{kind}>::of(o[m][j][2 * r + 1] * f);",
            (
                f"    if (s < {queries}) *reinterpret_cast<Vec<{kind}, 2>*>("
                "y + to + j * 8 + lane % 4 * 2) = w;"
            ),
            "  }",
        ]
    return [*lines, "}"]
