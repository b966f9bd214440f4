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
    masked_score,
    scores_shape,
)
from trtlab.kernels.cuda.mma import INTRINSICS, multiply_text
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.text import dot
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_WARPS = 4
_QUERIES = 16 * _WARPS
_KEYS = 64
_MOST_WIDTH = 128
_ALIGN = 16
_LOG2_E = 1.4426950408889634
_EXP2 = """
__device__ __forceinline__ float exp2_fast(float x) {
  float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y;
}
""".strip()


class FlashAttentionTactic(Tactic):
    """64 queries a block, 64 keys at a time."""

    name = f"cuda.attention.flash/{_QUERIES}x{_KEYS}"

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
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """A third of the tensor cores' rate."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return 3.0 + flops / 2e8

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
        op = problem.op
        assert isinstance(op, Attention)
        q, k, v = given(problem, 0), given(problem, 1), given(problem, 2)
        batch, heads, queries, keys = scores_shape(problem)
        d, dv = q.shape[3], v.shape[3]
        dp, vp = d + 8, dv + 8
        each = heads // k.shape[1]
        writer = begin_attention(problem, self.name)
        writer.top += [INTRINSICS, multiply_text(q.dtype), _EXP2, _pack(q.dtype)]
        at_k, at_v = _QUERIES * dp, _QUERIES * dp + 2 * _KEYS * dp
        tiles = -(-keys // _KEYS)
        last = (
            f"min({tiles}, (q0 + {_QUERIES} + {_KEYS - 1}) / {_KEYS})" if op.causal else tiles
        )
        writer.add(
            "extern __shared__ __align__(128) unsigned char shared[];",
            "const unsigned base = shared_address(shared);",
            "const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;",
            f"const int q0 = blockIdx.x * {_QUERIES}, h = blockIdx.y, b = blockIdx.z;",
            f"const int g = h / {each};",
            f"const auto* q = x0 + ({dot(['(i64)b', '(i64)h'], q.strides[:2])});",
            f"const auto* k = x1 + ({dot(['(i64)b', '(i64)g'], k.strides[:2])});",
            f"const auto* v = x2 + ({dot(['(i64)b', '(i64)g'], v.strides[:2])});",
            *_copy_tile("q", "q0", queries, q, _QUERIES, "0"),
            "auto fetch = [&](int tile, int slot) {",
            f"  const int t0 = tile * {_KEYS};",
            *(
                f"  {x}"
                for x in _copy_tile("k", "t0", keys, k, _KEYS, f"{at_k} + slot * {_KEYS * dp}")
            ),
            *(
                f"  {x}"
                for x in _copy_tile("v", "t0", keys, v, _KEYS, f"{at_v} + slot * {_KEYS * vp}")
            ),
            "};",
            "fetch(0, 0);",
            "commit();",
            f"unsigned fq[{d // 16}][4];",
            f"float o[{dv // 8}][4] = {{}};",
            "float top[2] = {__int_as_float(0xff800000), __int_as_float(0xff800000)};",
            "float total[2] = {0.0f, 0.0f};",
            f"const int tiles = {last};",
            "for (int tile = 0; tile < tiles; ++tile) {",
            "  const int slot = tile % 2;",
            "  if (tile + 1 < tiles) fetch(tile + 1, 1 - slot);",
            "  commit();",
            "  wait_for<1>();",
            "  __syncthreads();",
            "  if (tile == 0) {",
            "    #pragma unroll",
            f"    for (int i = 0; i < {d // 16}; ++i) load4(fq[i], base + 2 * "
            f"((warp * 16 + lane % 16) * {dp} + i * 16 + lane / 16 * 8));",
            "  }",
        )
        writer.add(*(f"  {x}" for x in self._scores(problem, op, d, dp, at_k)))
        writer.add(*(f"  {x}" for x in self._values(dv, vp, at_v)))
        writer.add("  __syncthreads();", "}")
        writer.add(*self._store(problem, dv))
        grid = (-(-queries // _QUERIES), heads, batch)
        shared = 2 * (at_v + 2 * _KEYS * vp)
        return writer.kernel("flash", grid, (32 * _WARPS, 1, 1), shared_bytes=shared)

    def _scores(
        self, problem: Problem, op: Attention, d: int, dp: int, at_k: int
    ) -> list[str]:
        keys = scores_shape(problem)[3]
        queries = scores_shape(problem)[2]
        masked = op.causal or optional(problem, 3) is not None
        scale = literal(op.scale)
        return [
            f"float p[{_KEYS // 8}][4] = {{}};",
            "#pragma unroll",
            f"for (int i = 0; i < {d // 16}; ++i) {{",
            "  #pragma unroll",
            f"  for (int j = 0; j < {_KEYS // 16}; ++j) {{",
            "    unsigned f[4];",
            (
                f"    load4(f, base + 2 * ({at_k} + slot * {_KEYS * dp} + "
                f"(j * 16 + lane % 8 + lane / 16 * 8) * {dp} + i * 16 + lane / 8 % 2 * 8));"
            ),
            "    multiply(p[2 * j], fq[i], f[0], f[1]);",
            "    multiply(p[2 * j + 1], fq[i], f[2], f[3]);",
            "  }",
            "}",
            "float best[2] = {top[0], top[1]};",
            "#pragma unroll",
            f"for (int j = 0; j < {_KEYS // 8}; ++j)",
            "  #pragma unroll",
            "  for (int e = 0; e < 4; ++e) {",
            f"    const int t = tile * {_KEYS} + j * 8 + lane % 4 * 2 + e % 2;",
            f"    float x = p[j][e] * {scale};",
            *(
                [
                    "    const int s = q0 + warp * 16 + e / 2 * 8 + lane / 4;",
                    f"    if (t < {keys} && s < {queries}) {{",
                    *(f"      {x}" for x in masked_score(problem, ["b", "h", "s", "t"], "x")),
                    "    }",
                ]
                if masked
                else []
            ),
            f"    if (t >= {keys}) x = __int_as_float(0xff800000);",
            f"    p[j][e] = x * {literal(_LOG2_E)};",
            "    best[e / 2] = fmaxf(best[e / 2], p[j][e]);",
            "  }",
            "float rate[2], shift[2];",
            "#pragma unroll",
            "for (int r = 0; r < 2; ++r) {",
            "  best[r] = fmaxf(best[r], __shfl_xor_sync(0xffffffffu, best[r], 1));",
            "  best[r] = fmaxf(best[r], __shfl_xor_sync(0xffffffffu, best[r], 2));",
            "  shift[r] = best[r] == __int_as_float(0xff800000) ? 0.0f : best[r];",
            "  rate[r] = exp2_fast(top[r] - shift[r]);",
            "  top[r] = best[r];",
            "  total[r] *= rate[r];",
            "}",
            "#pragma unroll",
            f"for (int j = 0; j < {_KEYS // 8}; ++j)",
            "  #pragma unroll",
            "  for (int e = 0; e < 4; ++e) {",
            "    p[j][e] = exp2_fast(p[j][e] - shift[e / 2]);",
            "    total[e / 2] += p[j][e];",
            "  }",
        ]

    def _values(self, dv: int, vp: int, at_v: int) -> list[str]:
        return [
            "#pragma unroll",
            f"for (int j = 0; j < {dv // 8}; ++j) {{",
            "  o[j][0] *= rate[0]; o[j][1] *= rate[0]; o[j][2] *= rate[1]; o[j][3] *= rate[1];",
            "}",
            "#pragma unroll",
            f"for (int i = 0; i < {_KEYS // 16}; ++i) {{",
            (
                "  const unsigned w[4] = {pack(p[2 * i][0], p[2 * i][1]), "
                "pack(p[2 * i][2], p[2 * i][3]), pack(p[2 * i + 1][0], p[2 * i + 1][1]), "
                "pack(p[2 * i + 1][2], p[2 * i + 1][3])};"
            ),
            "  #pragma unroll",
            f"  for (int j = 0; j < {dv // 16}; ++j) {{",
            "    unsigned f[4];",
            (
                f"    load4_turned(f, base + 2 * ({at_v} + slot * {_KEYS * vp} + "
                f"(i * 16 + lane % 8 + lane / 8 % 2 * 8) * {vp} + j * 16 + lane / 16 * 8));"
            ),
            "    multiply(o[2 * j], w, f[0], f[1]);",
            "    multiply(o[2 * j + 1], w, f[2], f[3]);",
            "  }",
            "}",
        ]

    def _store(self, problem: Problem, dv: int) -> list[str]:
        out = problem.outputs[0]
        queries = scores_shape(problem)[2]
        kind = C_TYPES[out.dtype]
        at = dot(["(i64)b", "(i64)h", "(i64)s"], out.strides[:3])
        return [
            "#pragma unroll",
            "for (int r = 0; r < 2; ++r) {",
            "  total[r] += __shfl_xor_sync(0xffffffffu, total[r], 1);",
            "  total[r] += __shfl_xor_sync(0xffffffffu, total[r], 2);",
            "  const float f = 1.0f / total[r];",
            "  const int s = q0 + warp * 16 + r * 8 + lane / 4;",
            f"  if (s >= {queries}) continue;",
            f"  const i64 to = {at};",
            "  #pragma unroll",
            f"  for (int j = 0; j < {dv // 8}; ++j) {{",
            f"    Vec<{kind}, 2> w;",
            f"    w.v[0] = Narrow<{kind}>::of(o[j][2 * r] * f);",
            f"    w.v[1] = Narrow<{kind}>::of(o[j][2 * r + 1] * f);",
            f"    *reinterpret_cast<Vec<{kind}, 2>*>(y + to + j * 8 + lane % 4 * 2) = w;",
            "  }",
            "}",
        ]


def _copy_tile(
    name: str, first: str, count: int, operand: Operand, rows: int, to: str
) -> list[str]:
    """Rows of one operand into shared memory; ``to`` in elements, rows padded by eight."""
    width = operand.shape[3]
    runs = width // 8
    return [
        "#pragma unroll",
        f"for (int e = threadIdx.x; e < {rows * runs}; e += {32 * _WARPS}) {{",
        f"  const int r = e / {runs}, f = e % {runs} * 8;",
        f"  const bool ok = {first} + r < {count};",
        (
            f"  copy16(base + 2 * ({to} + r * {width + 8} + f), "
            f"{name} + (ok ? (i64)({first} + r) * {operand.strides[2]} + f : 0), ok);"
        ),
        "}",
    ]


def _pack(dtype: DataType) -> str:
    kind = "bf16x2" if dtype is DataType.BF16 else "f16x2"
    return (
        "__device__ __forceinline__ unsigned pack(float low, float high) {\n"
        f'  unsigned y; asm("cvt.rn.{kind}.f32 %0, %1, %2;" '
        ': "=r"(y) : "f"(high), "f"(low)); return y;\n'
        "}"
    )
