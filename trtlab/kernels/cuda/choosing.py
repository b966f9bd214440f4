"""TOPK: the best entries of a line, one block a line."""

from collections.abc import Sequence
from math import prod

from trtlab.core.enums import TopKOperation
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.prelude import C_TYPES, work_type
from trtlab.kernels.cuda.text import Writer, dot, split_index
from trtlab.layers.reduction import TopK
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_THREADS = 256


class TopKTactic(Tactic):
    """k rounds; each finds the best entry that comes after the one before."""

    name = "cuda.topk.rounds"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines a k that is a tensor."""
        if len(problem.inputs) > 1 and problem.inputs[1] is not None:
            return Rejection("k is a tensor, known only while running")
        return unknown_types(problem)

    def cost_hint_us(self, problem: Problem) -> float:
        """Each round reads the line."""
        op = problem.op
        assert isinstance(op, TopK)
        return cost_us(problem) * (1 + op.k)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch; none for an empty result."""
        if 0 in problem.outputs[0].shape:
            return ()
        addresses = (buffers.inputs[0] or 0, *buffers.outputs)
        return (KernelLaunch(self.kernel(problem), addresses),)

    def kernel(self, problem: Problem) -> Kernel:
        """The kernel."""
        op, x = problem.op, given(problem, 0)
        assert isinstance(op, TopK)
        best, places = problem.outputs
        axis = op.axis(len(x.shape))
        shape = tuple(1 if a == axis else e for a, e in enumerate(x.shape))
        names = [f"i{a}" for a in range(len(shape))]
        kind = work_type(x.dtype)
        sign = ">" if op.op is TopKOperation.MAX else "<"
        writer = Writer(self.name, problem)
        writer.pointer("x", x.dtype)
        writer.pointer("y", best.dtype, written=True)
        writer.pointer("at", places.dtype, written=True)
        writer.top.append(
            f"__device__ __forceinline__ bool before({kind} a, int i, {kind} b, int j) "
            f"{{ return a {sign} b || (a == b && i < j); }}"
        )
        writer.add(
            "const i64 line = blockIdx.x;",
            *split_index("line", names, shape, "i64"),
            f"const i64 from = {dot(names, x.strides)};",
            f"const i64 to = {dot(names, best.strides)}, to_at = {dot(names, places.strides)};",
            f"__shared__ {kind} values[{_THREADS}];",
            f"__shared__ int indices[{_THREADS}];",
            f"{kind} last = 0; int last_at = -1;",
            f"for (int k = 0; k < {best.shape[axis]}; ++k) {{",
            f"  {kind} top = 0; int top_at = -1;",
            f"  for (int i = threadIdx.x; i < {x.shape[axis]}; i += {_THREADS}) {{",
            f"    const {kind} v = wide(x[from + (i64)i * {x.strides[axis]}]);",
            "    if (k > 0 && !before(last, last_at, v, i)) continue;",
            "    if (top_at < 0 || before(v, i, top, top_at)) { top = v; top_at = i; }",
            "  }",
            "  values[threadIdx.x] = top; indices[threadIdx.x] = top_at;",
            "  __syncthreads();",
            f"  for (int s = {_THREADS // 2}; s; s >>= 1) {{",
            "    if (threadIdx.x < s) {",
            f"      const {kind} b = values[threadIdx.x + s]; const int j = indices[threadIdx.x + s];",
            "      if (j >= 0 && (indices[threadIdx.x] < 0 || "
            "before(b, j, values[threadIdx.x], indices[threadIdx.x]))) "
            "{ values[threadIdx.x] = b; indices[threadIdx.x] = j; }",
            "    }",
            "    __syncthreads();",
            "  }",
            "  last = values[0]; last_at = indices[0];",
            "  __syncthreads();",
            "  if (threadIdx.x == 0) {",
            f"    y[to + (i64)k * {best.strides[axis]}] = Narrow<{C_TYPES[best.dtype]}>::of(last);",
            f"    at[to_at + (i64)k * {places.strides[axis]}] = "
            f"Narrow<{C_TYPES[places.dtype]}>::of(last_at);",
            "  }",
            "}",
        )
        return writer.kernel("topk", (max(prod(shape), 1), 1, 1), (_THREADS, 1, 1))
