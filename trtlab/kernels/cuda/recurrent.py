"""RNN_V2: one block a sequence and direction walks through time with its state on chip."""

from collections.abc import Sequence

from trtlab.core.enums import RNNKind
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.cell import C0, GATES, H0, LENGTHS, B, R, W, X, cell_lines
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer
from trtlab.layers.recurrent import Recurrent
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_THREADS = 1024
_WARPS = _THREADS // 32
_MOST_SHARED = 200 * 1024
_DOT = """
template <class T> __device__ __forceinline__ float row_dot(
    const T* row, i64 step, const float* v, int count) {
  float sum = 0.0f;
  for (int i = threadIdx.x % 32; i < count; i += 32) sum += wide(row[i * step]) * v[i];
  #pragma unroll
  for (int m = 16; m; m >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, m);
  return sum;
}
""".strip()


class RecurrentTactic(Tactic):
    """All cells, directions and optional inputs."""

    name = "cuda.recurrent.block"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines states that shared memory cannot hold."""
        shared = self._shared(problem)
        if shared > _MOST_SHARED:
            return Rejection(f"the state needs {shared:,} bytes of shared memory")
        return unknown_types(problem)

    def cost_hint_us(self, problem: Problem) -> float:
        """A block reads all weights from the second-level cache in every step."""
        op, x = problem.op, given(problem, X)
        assert isinstance(op, Recurrent)
        steps = x.shape[1 if op.batch_first else 0]
        weights = given(problem, W).nbytes + given(problem, R).nbytes
        return 20.0 + steps * (2.0 + weights / op.directions / 1e5)

    def _shared(self, problem: Problem) -> int:
        op = problem.op
        assert isinstance(op, Recurrent)
        features = given(problem, X).shape[2]
        return 4 * (features + (3 + 2 * GATES[op.cell]) * op.hidden_size)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch."""
        if 0 in problem.outputs[0].shape:
            return ()
        addresses = [a for a in buffers.inputs if a is not None]
        return (KernelLaunch(self.kernel(problem), (*addresses, *buffers.outputs)),)

    def kernel(self, problem: Problem) -> Kernel:
        """The kernel."""
        op, x = problem.op, given(problem, X)
        assert isinstance(op, Recurrent)
        first = op.batch_first
        time_axis, batch_axis = (1, 0) if first else (0, 1)
        steps, batch, features = x.shape[time_axis], x.shape[batch_axis], x.shape[2]
        hidden, gates = op.hidden_size, GATES[op.cell]
        rows = gates * hidden
        writer = Writer(self.name, problem)
        writer.top.append(_DOT)
        for number, operand in enumerate(problem.inputs):
            if operand is not None:
                writer.pointer(f"x{number}", operand.dtype)
        for number, operand in enumerate(problem.outputs):
            writer.pointer(f"y{number}", operand.dtype, written=True)
        y = problem.outputs[0].strides  # [T, dirs, B, H] or [B, T, dirs, H]
        y_time, y_dir, y_batch = (y[1], y[2], y[0]) if first else (y[0], y[1], y[2])
        backward = {"forward": "false", "reverse": "true"}.get(op.direction, "dir == 1")
        w, r = given(problem, W).strides, given(problem, R).strides
        lengths = optional(problem, LENGTHS)
        length = f"(int)wide(x4[b * {lengths.strides[0]}])" if lengths else str(steps)
        reset_after = op.cell is RNNKind.GRU and not op.linear_before_reset
        summed = 2 * hidden if reset_after else rows
        writer.add(
            "extern __shared__ __align__(16) float state[];",
            f"float* xs = state; float* h = xs + {features}; float* c = h + {hidden};",
            f"float* rh = c + {hidden}; float* px = rh + {hidden}; float* ph = px + {rows};",
            "const int b = blockIdx.x, dir = blockIdx.y, warp = threadIdx.x / 32;",
            f"const bool backward = {backward};",
            f"const int length = {length};",
            f"for (int i = threadIdx.x; i < {hidden}; i += {_THREADS}) {{",
            f"  h[i] = {self._start(problem, H0)};",
            f"  c[i] = {self._start(problem, C0)};",
            "}",
            f"for (int s = 0; s < {steps}; ++s) {{",
            "  const bool alive = s < length;",
            "  const int t = alive && backward ? length - 1 - s : s;",
            f"  const i64 to = (i64)t * {y_time} + (i64)dir * {y_dir} + (i64)b * {y_batch};",
            "  __syncthreads();",
            "  if (!alive) {",
            f"    for (int i = threadIdx.x; i < {hidden}; i += {_THREADS}) "
            f"y0[to + i * {y[3]}] = Narrow<{C_TYPES[x.dtype]}>::of(0.0f);",
            "    continue;",
            "  }",
            f"  for (int i = threadIdx.x; i < {features}; i += {_THREADS})",
            f"    xs[i] = wide(x0[(i64)t * {x.strides[time_axis]} + "
            f"(i64)b * {x.strides[batch_axis]} + (i64)i * {x.strides[2]}]);",
            "  __syncthreads();",
            f"  for (int j = warp; j < {rows}; j += {_WARPS}) {{",
            f"    const float wx = row_dot(x1 + (i64)dir * {w[0]} + (i64)j * {w[1]}, {w[2]}, "
            f"xs, {features});",
            f"    if (threadIdx.x % 32 == 0) px[j] = wx{self._bias(problem, 0)};",
            f"    if (j < {summed}) {{",
            f"      const float rhj = row_dot(x2 + (i64)dir * {r[0]} + (i64)j * {r[1]}, {r[2]}, "
            f"h, {hidden});",
            f"      if (threadIdx.x % 32 == 0) ph[j] = rhj{self._bias(problem, rows)};",
            "    }",
            "  }",
            "  __syncthreads();",
        )
        if reset_after:
            writer.add(
                f"  for (int i = threadIdx.x; i < {hidden}; i += {_THREADS}) "
                f"rh[i] = sigmoid(px[{hidden} + i] + ph[{hidden} + i]) * h[i];",
                "  __syncthreads();",
                f"  for (int j = {summed} + warp; j < {rows}; j += {_WARPS}) {{",
                f"    const float rhj = row_dot(x2 + (i64)dir * {r[0]} + (i64)j * {r[1]}, "
                f"{r[2]}, rh, {hidden});",
                f"    if (threadIdx.x % 32 == 0) ph[j] = rhj{self._bias(problem, rows)};",
                "  }",
                "  __syncthreads();",
            )
        writer.add(
            f"  for (int i = threadIdx.x; i < {hidden}; i += {_THREADS}) {{",
            *(
                f"    {line}"
                for line in cell_lines(
                    problem,
                    hidden,
                    lambda gate: f"px[{gate * hidden} + i]",
                    lambda gate: f"ph[{gate * hidden} + i]",
                    "h[i]",
                )
            ),
            f"    y0[to + i * {y[3]}] = Narrow<{C_TYPES[x.dtype]}>::of(h[i]);",
            "  }",
            "}",
            "__syncthreads();",
            f"for (int i = threadIdx.x; i < {hidden}; i += {_THREADS}) {{",
            *(f"  {line}" for line in self._last(problem, op)),
            "}",
        )
        grid = (batch, op.directions, 1)
        shared = self._shared(problem)
        return writer.kernel("recurrent", grid, (_THREADS, 1, 1), shared_bytes=shared)

    def _bias(self, problem: Problem, row: int) -> str:
        bias = optional(problem, B)
        if bias is None:
            return ""
        return f" + wide(x3[dir * {bias.strides[0]} + (j + {row}) * {bias.strides[1]}])"

    def _at_state(self, op: Recurrent, strides: Sequence[int]) -> str:
        d, b = (1, 0) if op.batch_first else (0, 1)
        return f"dir * {strides[d]} + b * {strides[b]} + i * {strides[2]}"

    def _start(self, problem: Problem, index: int) -> str:
        operand, op = optional(problem, index), problem.op
        assert isinstance(op, Recurrent)
        if operand is None:
            return "0.0f"
        return f"wide(x{index}[{self._at_state(op, operand.strides)}])"

    def _last(self, problem: Problem, op: Recurrent) -> list[str]:
        lines: list[str] = []
        for number, state in enumerate("hc"[: len(problem.outputs) - 1], start=1):
            out = problem.outputs[number]
            kind = C_TYPES[out.dtype]
            at = self._at_state(op, out.strides)
            lines.append(f"y{number}[{at}] = Narrow<{kind}>::of({state}[i]);")
        return lines
