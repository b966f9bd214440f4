"""What a warp group of the attention on Hopper does with its queries.

Scores of 64 queries and of a tile of keys are one product, both factors from shared memory. They
stay in registers, where they become weights and, narrowed, the left factor of the second
product: its right factor are the values as they lie, keys outside.
"""

from itertools import pairwise

from trtlab.core.types import DataType
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.attending import masked_score, scores_shape
from trtlab.kernels.cuda.flash_text import (
    EXP2,
    HIDDEN,
    LOG2_E,
    adds,
    factor_text,
    pack_text,
)
from trtlab.kernels.cuda.mma import TURN_QUAD
from trtlab.kernels.cuda.per_element import optional
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.text import dot
from trtlab.kernels.cuda.wgmma_attention_tile import STEP, AttentionWork
from trtlab.kernels.cuda.wgmma_text import DEEP, HOPPER, multiply_text
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem

_SUMS = DEEP // 2
_OVERLAPPED = 4  # steps of the second product from which on it begins before the last weight
_FENCE = 'asm volatile("wgmma.fence.sync.aligned;" ::: "memory");'
_COMMIT = 'asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");'
_SETTLE = 'asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");'
_LOAD = r"""
__device__ __forceinline__ void head_load(unsigned to, const TensorMap& map, int column, int row,
                                          int head, int batch, unsigned barrier) {
  asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes "
               "[%0], [%1, {%3, %4, %5, %6}], [%2];"
               :: "r"(to), "l"(&map), "r"(barrier), "r"(column), "r"(row), "r"(head), "r"(batch)
               : "memory");
}
""".strip()
# The compiler must not read sums before the wait, nor write factors after the fence.
_PIN = r"""
template <int N> __device__ __forceinline__ void pin(float (&c)[N]) {
  #pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(c[i]) :: "memory");
}
template <int N> __device__ __forceinline__ void pin(unsigned (&c)[N]) {
  #pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+r"(c[i]) :: "memory");
}
""".strip()


def attention_top(work: AttentionWork) -> list[str]:
    """Device functions."""
    return [
        HOPPER,
        TURN_QUAD,
        _LOAD,
        _PIN,
        EXP2,
        pack_text(work.dtype),
        multiply_text(work.n, work.dtype),
        _weigh_text(work.dtype),
    ]


def _weigh_text(dtype: DataType) -> str:
    """The product of weights in registers and 16 keys' values, 64 features, keys outside."""
    kind = "bf16" if dtype is DataType.BF16 else "f16"
    sums = ", ".join(f"%{i}" for i in range(_SUMS))
    bound = ", ".join(f'"+f"(c[{i}])' for i in range(_SUMS))
    left = ", ".join(f"%{_SUMS + i}" for i in range(4))
    right, more = f"%{_SUMS + 4}", f"%{_SUMS + 5}"
    return (
        f"__device__ __forceinline__ void weigh(float (&c)[{_SUMS}], const unsigned (&a)[4], "
        "unsigned long long b, int more) {\n"
        f'  asm volatile("{{\\n.reg .pred more;\\nsetp.ne.b32 more, {more}, 0;\\n"\n'
        f'    "wgmma.mma_async.sync.aligned.m64n{DEEP}k16.f32.{kind}.{kind} "\n'
        f'    "{{{sums}}}, {{{left}}}, {right}, more, 1, 1, 1;\\n}}"\n'
        f"    : {bound}\n"
        '    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(more));\n'
        "}"
    )


def by_key(problem: Problem) -> Operand | None:
    """A mask that is the same for all queries."""
    mask = optional(problem, 3)
    if mask is None or broadcast_strides(mask, scores_shape(problem))[2] != 0:
        return None
    return mask


def added_text(problem: Problem, work: AttentionWork) -> list[str]:
    """What a mask adds to the scores of each key, in powers of two, into shared memory."""
    mask = by_key(problem)
    if mask is None:
        return []
    steps = broadcast_strides(mask, scores_shape(problem))
    at = dot(["(i64)b", "(i64)h", "0", "(i64)t"], steps)
    value = (
        f"wide(x3[{at}]) ? 0.0f : {HIDDEN}"
        if mask.dtype is DataType.BOOL
        else f"wide(x3[{at}]) * {literal(LOG2_E)}"
    )
    return [
        f"float* const added = reinterpret_cast<float*>(shared + {work.at_added});",
        f"for (int t = threadIdx.x; t < {work.tiles * work.n}; t += {work.tile.threads}) {{",
        f"  float add = {HIDDEN};",
        f"  if (t < {work.keys}) add = {value};",
        "  added[t] = add;",
        "}",
        "__syncthreads();",
    ]


def scores_text(work: AttentionWork) -> list[str]:
    """The scores ``s`` of the queries at ``q`` and of a tile of keys."""
    steps = -(-work.d // STEP)
    lines = [
        "barrier_wait(full_k + 8 * tile, 0);",
        f"const unsigned k = base + {work.at_k} + tile * {work.k_bytes};",
        f"float s[{work.n // 2}];",
        _FENCE,
    ]
    for part in range(work.deep):
        lines += [
            (
                f"const unsigned long long left{part} = "
                f"tile_at(q + {part * work.q_bytes // work.deep});"
            ),
            (
                f"const unsigned long long right{part} = "
                f"tile_at(k + {part * work.k_bytes // work.deep});"
            ),
        ]
    for i in range(steps):
        part, within = divmod(i * STEP, DEEP)
        by = within * 2 // 16
        lines.append(f"multiply(s, left{part} + {by}, right{part} + {by}, {int(i > 0)});")
    return [*lines, _COMMIT, _SETTLE, "pin(s);"]


def weights_text(problem: Problem, work: AttentionWork) -> list[str]:
    """Scores to weights ``w``, and what they add to the sums ``o`` and ``total``."""
    factor, several = factor_text(problem), work.tiles > 1
    steps = work.n // STEP
    begins = [0, steps // 2, steps] if steps >= _OVERLAPPED else [0, steps]
    lines = [
        *_masks(problem, work),
        f"float best[4] = {{top[0], {HIDDEN}, top[1], {HIDDEN}}}, shift[2];",
        "#pragma unroll",
        f"for (int i = 0; i < {work.n // 2}; ++i) best[i % 4] = fmaxf(best[i % 4], s[i]);",
        "#pragma unroll",
        "for (int r = 0; r < 2; ++r) {",
        "  float most = fmaxf(best[2 * r], best[2 * r + 1]);",
        "  most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1));",
        "  most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));",
        f"  shift[r] = most == {HIDDEN} ? 0.0f : -most * {factor};",
        *(f"  {x}" for x in (_rescaled(work, factor) if several else [])),
        "}",
        f"unsigned w[{steps}][4];",
        "barrier_wait(full_v + 8 * tile, 0);",
    ]
    lines += [
        f"const unsigned long long values{part} = tile_at(base + "
        f"{work.at_v + part * work.v_bytes // work.wide} + tile * {work.v_bytes});"
        for part in range(work.wide)
    ]
    for begin, end in pairwise(begins):
        lines += [
            "#pragma unroll",
            f"for (int i = {4 * begin}; i < {4 * end}; ++i) {{",
            f"  const float low = exp2_fast(fmaf(s[2 * i], {factor}, shift[i % 2]));",
            f"  const float high = exp2_fast(fmaf(s[2 * i + 1], {factor}, shift[i % 2]));",
            "  total[i % 2 * 2] += low;",
            "  total[i % 2 * 2 + 1] += high;",
            "  w[i / 4][i % 4] = pack(low, high);",
            "}",
            "#pragma unroll",
            f"for (int i = {begin}; i < {end}; ++i) pin(w[i]);",
            *([f"pin(o[{part}]);" for part in range(work.wide)] if begin == 0 else []),
            _FENCE,
            "#pragma unroll",
            f"for (int i = {begin}; i < {end}; ++i) {{",
            *(
                f"  weigh(o[{part}], w[i], values{part} + i * {STEP * 2 * DEEP // 16}, "
                f"{'1' if several else 'i > 0'});"
                for part in range(work.wide)
            ),
            "}",
            _COMMIT,
        ]
    return [*lines, _SETTLE, *(f"pin(o[{part}]);" for part in range(work.wide))]


def _rescaled(work: AttentionWork, factor: str) -> list[str]:
    """Sums of earlier tiles, to the new maximum."""
    return [
        f"const float rate = exp2_fast(fmaf(top[r], {factor}, shift[r]));",
        "top[r] = most;",
        "total[2 * r] *= rate;",
        "total[2 * r + 1] *= rate;",
        "#pragma unroll",
        f"for (int i = 0; i < {work.wide * _SUMS // 2}; ++i)",
        f"  o[i / {_SUMS // 2}][i % {_SUMS // 2} / 2 * 4 + r * 2 + i % 2] *= rate;",
    ]


def _masks(problem: Problem, work: AttentionWork) -> list[str]:
    """Scores with scale and mask, in powers of two; hidden ones are -inf."""
    op = problem.op
    assert isinstance(op, Attention)
    last = work.tiles - 1
    begin = (work.keys - last * work.n) // 8 * 4
    lines: list[str] = []
    if by_key(problem) is not None:
        lines += [
            "#pragma unroll",
            f"for (int j = 0; j < {work.n // 8}; ++j) {{",
            (
                "  const float2 add = *reinterpret_cast<const float2*>("
                f"added + tile * {work.n} + j * 8 + lane % 4 * 2);"
            ),
            "  #pragma unroll",
            (
                "  for (int e = 0; e < 4; ++e) s[4 * j + e] = "
                f"fmaf(s[4 * j + e], {literal(op.scale * LOG2_E)}, e % 2 ? add.y : add.x);"
            ),
            "}",
        ]
    elif adds(problem):
        lines += [
            *_each(work, 0),
            f"  float x = s[i] * {literal(op.scale)};",
            f"  if (t < {work.keys} && row < {work.queries}) {{",
            *(f"    {x}" for x in masked_score(problem, ["b", "h", "row", "t"], "x")),
            "  }",
            f"  s[i] = t < {work.keys} ? x * {literal(LOG2_E)} : {HIDDEN};",
            "}",
        ]
    elif work.keys % work.n:
        lines += [
            f"if (tile == {last}) {{",
            *(f"  {x}" for x in _each(work, begin, row=False)),
            f"    if (t >= {work.keys}) s[i] = {HIDDEN};",
            "  }",
            "}",
        ]
    if op.causal and (by_key(problem) is not None or not adds(problem)):
        lines += [*_each(work, 0), f"  if (t > row) s[i] = {HIDDEN};", "}"]
    return lines


def _each(work: AttentionWork, begin: int, *, row: bool = True) -> list[str]:
    """The head of a loop over scores: ``t`` is the key, ``row`` the query."""
    return [
        "#pragma unroll",
        f"for (int i = {begin}; i < {work.n // 2}; ++i) {{",
        f"  const int t = tile * {work.n} + i / 4 * 8 + lane % 4 * 2 + i % 2;",
        *(["  const int row = q0 + warp * 16 + i / 2 % 2 * 8 + lane / 4;"] if row else []),
    ]


def results_text(problem: Problem, work: AttentionWork) -> list[str]:
    """Both rows of a thread, divided by their sums.

    Four lanes exchange what they have of 32 features, so that each stores 16 bytes.
    """
    out = problem.outputs[0]
    kind = C_TYPES[out.dtype]
    at = dot(["(i64)b", "(i64)h", "(i64)row"], out.strides[:3])
    runs = work.dv // 32
    lines = [
        "#pragma unroll",
        "for (int r = 0; r < 2; ++r) {",
        "  float sum = total[2 * r] + total[2 * r + 1];",
        "  sum += __shfl_xor_sync(0xffffffffu, sum, 1);",
        "  sum += __shfl_xor_sync(0xffffffffu, sum, 2);",
        "  const float f = 1.0f / sum;",
        "  const int row = q0 + warp * 16 + r * 8 + lane / 4;",
        f"  const i64 to = {at};",
    ]
    if runs:
        lines += [
            "  #pragma unroll",
            f"  for (int i = 0; i < {runs}; ++i) {{",
            "    float x[4];",
            "    #pragma unroll",
            "    for (int c = 0; c < 4; ++c) {",
            "      const int at = i % 2 * 16 + c * 4 + 2 * r;",
            "      x[c] = __uint_as_float(pack(o[i / 2][at] * f, o[i / 2][at + 1] * f));",
            "    }",
            "    turn_quad(x);",
            (
                f"    if (row < {work.queries}) *reinterpret_cast<float4*>(y + to + i * 32 + "
                "lane % 4 * 8) = make_float4(x[0], x[1], x[2], x[3]);"
            ),
            "  }",
        ]
    if work.dv % 32:
        lines += [
            "  #pragma unroll",
            f"  for (int j = {4 * runs}; j < {work.dv // 8}; ++j) {{",
            "    const int at = j % 8 * 4 + 2 * r;",
            f"    Vec<{kind}, 2> x;",
            "    narrow2(x, o[j / 8][at] * f, o[j / 8][at + 1] * f);",
            (
                f"    if (row < {work.queries}) *reinterpret_cast<Vec<{kind}, 2>*>("
                "y + to + j * 8 + lane % 4 * 2) = x;"
            ),
            "  }",
        ]
    return [*lines, "}"]
