"""ATTENTION of any type, stride and mask: a warp a query, its scores on chip."""

from collections.abc import Sequence
from math import prod

from trtlab.core.enums import AttentionNormalizationOp
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.text import Writer, dot
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_WARPS = 4
_MOST_SHARED = 200 * 1024


def masked_score(problem: Problem, names: Sequence[str], score: str) -> list[str]:
    """Statements that change a score by mask and causality; names are b, h, s, t."""
    op = problem.op
    assert isinstance(op, Attention)
    hidden = (
        "__int_as_float(0xff800000)"
        if op.norm_op is AttentionNormalizationOp.SOFTMAX
        else "0.0f"
    )
    lines: list[str] = []
    mask = optional(problem, 3)
    if mask is not None:
        shape = scores_shape(problem)
        at = dot([f"(i64){n}" for n in names], broadcast_strides(mask, shape))
        if mask.dtype is DataType.BOOL:
            lines.append(f"if (!wide(x3[{at}])) {score} = {hidden};")
        else:
            lines.append(f"{score} += wide(x3[{at}]);")
    if op.causal:
        lines.append(f"if ({names[3]} > {names[2]}) {score} = {hidden};")
    return lines


def scores_shape(problem: Problem) -> tuple[int, int, int, int]:
    """[B, H, S, T]."""
    q, v = given(problem, 0), given(problem, 2)
    return q.shape[0], q.shape[1], q.shape[2], v.shape[2]


def key_strides(problem: Problem, k: Operand) -> tuple[int, int, int, int]:
    """Strides of batch, head, key and feature."""
    op = problem.op
    assert isinstance(op, Attention)
    b, h, first, second = k.strides
    return (b, h, second, first) if op.k_transposed else (b, h, first, second)


def begin_attention(problem: Problem, name: str) -> Writer:
    """A writer with the parameters x0, x1, x2, x3 (mask) and y."""
    writer = Writer(name, problem)
    for number, operand in enumerate(problem.inputs):
        if operand is not None:
            writer.pointer(f"x{number}", operand.dtype)
    writer.pointer("y", problem.outputs[0].dtype, written=True)
    return writer


class WarpAttentionTactic(Tactic):
    """Scores, softmax and weighted values of one query by one warp."""

    name = "cuda.attention.warp"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines more keys than shared memory holds."""
        if self._shared(problem) > _MOST_SHARED:
            return Rejection("the scores of a query do not fit shared memory")
        return unknown_types(problem)

    def _shared(self, problem: Problem) -> int:
        q = given(problem, 0)
        return 4 * _WARPS * (scores_shape(problem)[3] + q.shape[3])

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by loads from the first-level cache."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return 3.0 + flops / 3e6

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch; none for an empty result."""
        if 0 in problem.outputs[0].shape:
            return ()
        addresses = [a for a in buffers.inputs if a is not None]
        return (KernelLaunch(self.kernel(problem), (*addresses, *buffers.outputs)),)

    def kernel(self, problem: Problem) -> Kernel:
        """The kernel."""
        op = problem.op
        assert isinstance(op, Attention)
        q, k, v = given(problem, 0), given(problem, 1), given(problem, 2)
        out = problem.outputs[0]
        batch, heads, queries, keys = scores_shape(problem)
        features, width = q.shape[3], v.shape[3]
        each = heads // k.shape[1]
        ks = key_strides(problem, k)
        writer = begin_attention(problem, self.name)
        names = ["b", "h", "s", "t"]
        softmax = op.norm_op is AttentionNormalizationOp.SOFTMAX
        writer.add(
            "extern __shared__ __align__(16) float shared[];",
            "const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;",
            f"const i64 row = (i64)blockIdx.x * {_WARPS} + warp;",
            f"if (row >= {batch * heads * queries}) return;",
            f"const int s = row % {queries}, h = row / {queries} % {heads}, "
            f"b = row / {queries * heads}, g = h / {each};",
            f"float* p = shared + warp * {keys + features}; float* qs = p + {keys};",
            f"const auto* q = x0 + ({dot(['(i64)b', '(i64)h', '(i64)s'], q.strides[:3])});",
            f"const auto* k = x1 + ({dot(['(i64)b', '(i64)g'], ks[:2])});",
            f"const auto* v = x2 + ({dot(['(i64)b', '(i64)g'], v.strides[:2])});",
            f"for (int d = lane; d < {features}; d += 32) "
            f"qs[d] = wide(q[(i64)d * {q.strides[3]}]);",
            "__syncwarp();",
            "float top = __int_as_float(0xff800000);",
            f"for (int t = lane; t < {keys}; t += 32) {{",
            "  float sum = 0.0f;",
            f"  for (int d = 0; d < {features}; ++d) "
            f"sum += qs[d] * wide(k[(i64)t * {ks[2]} + (i64)d * {ks[3]}]);",
            f"  sum *= {literal(op.scale)};",
            *(f"  {line}" for line in masked_score(problem, names, "sum")),
            "  p[t] = sum;",
            "  top = max_nan(top, sum);",
            "}",
        )
        if softmax:
            writer.add(
                "for (int m = 16; m; m >>= 1) "
                "top = max_nan(top, __shfl_xor_sync(0xffffffffu, top, m));",
                "if (fabsf(top) == __int_as_float(0x7f800000)) top = 0.0f;",
                "float total = 0.0f;",
                f"for (int t = lane; t < {keys}; t += 32) "
                "{ p[t] = expf(p[t] - top); total += p[t]; }",
                "for (int m = 16; m; m >>= 1) total += __shfl_xor_sync(0xffffffffu, total, m);",
                "const float f = 1.0f / total;",
            )
        else:
            writer.add("const float f = 1.0f;")
        at = dot(["(i64)b", "(i64)h", "(i64)s", "(i64)d"], out.strides)
        writer.add(
            "__syncwarp();",
            f"for (int d = lane; d < {width}; d += 32) {{",
            "  float sum = 0.0f;",
            f"  for (int t = 0; t < {keys}; ++t) "
            f"sum += p[t] * wide(v[(i64)t * {v.strides[2]} + (i64)d * {v.strides[3]}]);",
            f"  y[{at}] = Narrow<{C_TYPES[out.dtype]}>::of({'sum * f' if softmax else 'sum'});",
            "}",
        )
        blocks = max(1, -(-prod((batch, heads, queries)) // _WARPS))
        shared = self._shared(problem)
        return writer.kernel(
            "attention", (blocks, 1, 1), (32 * _WARPS, 1, 1), shared_bytes=shared
        )
