"""RNN_V2 with one launch a time step: a warp a hidden unit, so that the whole device works.

The products with the inputs of all steps are one contraction before the first step. States are
float32 in the workspace: two copies of h that take turns, one of c.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trtlab.core.enums import RNNKind
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.cell import C0, GATES, H0, LENGTHS, PEEPHOLE, B, R, W, X, cell_lines
from trtlab.kernels.cuda.contraction import Contraction, Extra, Reader
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.simt import SimtTile, simt_kernel
from trtlab.kernels.cuda.text import Writer, blocks_for, pointer
from trtlab.layers.recurrent import Recurrent
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_WARPS = 4
_THREADS = 256
_MOST_STEPS = 4096
_PROJECTION = SimtTile(64, 64, 16, 4, 4)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Extents, and where the parts of the workspace begin (in floats)."""

    steps: int
    batch: int
    features: int
    hidden: int
    rows: int  # gates · hidden
    directions: int

    @property
    def projected(self) -> int:
        """Floats of the products with the inputs."""
        return self.directions * self.steps * self.batch * self.rows

    @property
    def state(self) -> int:
        """Floats of one copy of a state."""
        return self.directions * self.batch * self.hidden

    @property
    def nbytes(self) -> int:
        """Of the workspace."""
        return 4 * (self.projected + 3 * self.state)


def _sizes(problem: Problem) -> _Sizes:
    op, x = problem.op, given(problem, X)
    assert isinstance(op, Recurrent)
    steps, batch = (x.shape[1], x.shape[0]) if op.batch_first else x.shape[:2]
    rows = GATES[op.cell] * op.hidden_size
    return _Sizes(steps, batch, x.shape[2], op.hidden_size, rows, op.directions)


class RecurrentStepsTactic(Tactic):
    """All cells but the GRU that resets before its product."""

    name = "cuda.recurrent.steps"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines cells that need two products a step one after the other."""
        op = problem.op
        assert isinstance(op, Recurrent)
        if op.cell is RNNKind.GRU and not op.linear_before_reset:
            return Rejection("the candidate's product waits for the reset gate")
        sizes = _sizes(problem)
        if sizes.steps > _MOST_STEPS or sizes.batch > 65535:  # a grid's third extent
            return Rejection(f"{sizes.steps} steps are too many launches")
        return unknown_types(problem)

    def workspace_bytes(self, problem: Problem) -> int:
        """Products with the inputs, and states."""
        return _sizes(problem).nbytes

    def cost_hint_us(self, problem: Problem) -> float:
        """Launches, mostly."""
        return 20.0 + 3.0 * _sizes(problem).steps

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """Products, initial state, steps, last state."""
        if 0 in problem.outputs[0].shape:
            return ()
        sizes = _sizes(problem)
        space = buffers.workspace
        states = space + 4 * sizes.projected
        inputs = [*buffers.inputs, *(None,) * (8 - len(buffers.inputs))]
        bias = [inputs[B] or 0] if inputs[B] else []
        first = (inputs[X] or 0, inputs[W] or 0, *bias, space)
        start = [a for a in (inputs[H0], inputs[C0]) if a]
        used = [a for a in (inputs[R], inputs[B], inputs[LENGTHS], inputs[PEEPHOLE]) if a]
        step = self._step(problem, sizes)
        return (
            KernelLaunch(self._projection(problem, sizes), first),
            KernelLaunch(self._begin(problem, sizes), (*start, states)),
            *(
                KernelLaunch(step, (*used, space, states, buffers.outputs[0], number))
                for number in range(sizes.steps)
            ),
            KernelLaunch(self._end(problem, sizes), (states, *buffers.outputs[1:])),
        )

    def _projection(self, problem: Problem, sizes: _Sizes) -> Kernel:
        op, x, w = problem.op, given(problem, X), given(problem, W)
        assert isinstance(op, Recurrent)
        time, batch = (1, 0) if op.batch_first else (0, 1)
        bias = optional(problem, B)
        row = sizes.rows
        form = Contraction(
            batch=(sizes.directions,),
            m=(sizes.steps, sizes.batch),
            n=(row,),
            k=(sizes.features,),
            left=Reader(x.dtype, (0,), (x.strides[time], x.strides[batch]), (x.strides[2],)),
            right=Reader(w.dtype, w.strides[:1], w.strides[1:2], w.strides[2:]),
            result=Extra(
                DataType.FLOAT,
                (sizes.steps * sizes.batch * row,),
                (sizes.batch * row, row),
                (1,),
            ),
            bias=None
            if bias is None
            else Extra(bias.dtype, bias.strides[:1], (0, 0), bias.strides[1:]),
        )
        return simt_kernel(form, _PROJECTION, self.name, problem)

    def _at(self, op: Recurrent, operand: Operand) -> str:
        d, b = (1, 0) if op.batch_first else (0, 1)
        s = operand.strides
        return f"dir * {s[d]} + b * {s[b]} + i * {s[2]}"

    def _find_state(self, sizes: _Sizes) -> list[str]:
        return [
            f"const int t = blockIdx.x * {_THREADS} + threadIdx.x;",
            f"if (t >= {sizes.state}) return;",
            (
                f"const int i = t % {sizes.hidden}, b = t / {sizes.hidden} % {sizes.batch}, "
                f"dir = t / {sizes.hidden * sizes.batch};"
            ),
        ]

    def _begin(self, problem: Problem, sizes: _Sizes) -> Kernel:
        op = problem.op
        assert isinstance(op, Recurrent)
        writer = Writer(self.name, problem)
        values: list[str] = []
        for index in (H0, C0):
            operand = optional(problem, index)
            values.append(
                "0.0f" if operand is None else f"wide(x{index}[{self._at(op, operand)}])"
            )
            if operand is not None:
                writer.pointer(f"x{index}", operand.dtype)
        writer.parameters.append(pointer("float", "state", written=True))
        writer.add(
            *self._find_state(sizes),
            f"state[t] = {values[0]};",
            f"state[{2 * sizes.state} + t] = {values[1]};",
        )
        return writer.kernel(
            "begin_state", (blocks_for(sizes.state, _THREADS), 1, 1), (_THREADS, 1, 1)
        )

    def _end(self, problem: Problem, sizes: _Sizes) -> Kernel:
        op = problem.op
        assert isinstance(op, Recurrent)
        writer = Writer(self.name, problem)
        writer.parameters.append(pointer("float", "state"))
        writer.add(*self._find_state(sizes))
        places = (sizes.steps % 2 * sizes.state, 2 * sizes.state)
        for number, out in enumerate(problem.outputs[1:]):
            writer.pointer(f"y{number}", out.dtype, written=True)
            writer.add(
                f"y{number}[{self._at(op, out)}] = "
                f"Narrow<{C_TYPES[out.dtype]}>::of(state[{places[number]} + t]);"
            )
        return writer.kernel(
            "end_state", (blocks_for(sizes.state, _THREADS), 1, 1), (_THREADS, 1, 1)
        )

    def _step(self, problem: Problem, sizes: _Sizes) -> Kernel:
        op, x = problem.op, given(problem, X)
        assert isinstance(op, Recurrent)
        hidden, gates, state = sizes.hidden, GATES[op.cell], sizes.state
        r = given(problem, R)
        writer = Writer(self.name, problem)
        for index in (R, B, LENGTHS, PEEPHOLE):
            operand = optional(problem, index)
            if operand is not None:
                writer.pointer(f"x{index}", operand.dtype)
        writer.parameters += [
            pointer("float", "projected"),
            "float* state",
            pointer(C_TYPES[x.dtype], "y", written=True),
            "const i64 s",
        ]
        lengths = optional(problem, LENGTHS)
        length = f"(int)wide(x4[b * {lengths.strides[0]}])" if lengths else str(sizes.steps)
        backward = {"forward": "false", "reverse": "true"}.get(op.direction, "dir == 1")
        out = problem.outputs[0].strides
        y_time, y_dir, y_batch = (
            (out[1], out[2], out[0]) if op.batch_first else (out[0], out[1], out[2])
        )
        bias = optional(problem, B)
        added = (
            ""
            if bias is None
            else f" + wide(x3[dir * {bias.strides[0]} + "
            f"({sizes.rows} + g * {hidden} + i) * {bias.strides[1]}])"
        )
        writer.add(
            "const int lane = threadIdx.x % 32, dir = blockIdx.y, b = blockIdx.z;",
            f"const int i = blockIdx.x * {_WARPS} + threadIdx.x / 32;",
            f"if (i >= {hidden}) return;",
            f"const int length = {length};",
            f"const bool backward = {backward};",
            "const bool alive = s < length;",
            "const i64 t = alive && backward ? length - 1 - s : s;",
            f"const int own = (dir * {sizes.batch} + b) * {hidden};",
            f"const float* h = state + (s % 2) * {state} + own;",
            f"float* next = state + ((s + 1) % 2) * {state} + own;",
            f"float* c = state + {2 * state} + own;",
            f"const i64 to = t * {y_time} + (i64)dir * {y_dir} + (i64)b * {y_batch} + i * {out[3]};",
            "if (!alive) {",
            f"  if (lane == 0) {{ next[i] = h[i]; y[to] = Narrow<{C_TYPES[x.dtype]}>::of(0.0f); }}",
            "  return;",
            "}",
            f"float sum[{gates}] = {{}};",
            f"for (int k = lane; k < {hidden}; k += 32) {{",
            "  const float v = h[k];",
            "  #pragma unroll",
            f"  for (int g = 0; g < {gates}; ++g) sum[g] += v * "
            f"wide(x2[(i64)dir * {r.strides[0]} + (i64)(g * {hidden} + i) * {r.strides[1]} "
            f"+ (i64)k * {r.strides[2]}]);",
            "}",
            "#pragma unroll",
            f"for (int g = 0; g < {gates}; ++g) {{",
            "  for (int m = 16; m; m >>= 1) sum[g] += __shfl_xor_sync(0xffffffffu, sum[g], m);",
            f"  sum[g] = sum[g]{added};",
            "}",
            "if (lane) return;",
            f"const float* p = projected + (((i64)dir * {sizes.steps} + t) * {sizes.batch} + b) "
            f"* {sizes.rows} + i;",
            *cell_lines(
                problem,
                hidden,
                lambda gate: f"p[{gate * hidden}]",
                lambda gate: f"sum[{gate}]",
                "const float hn",
            ),
            "next[i] = hn;",
            f"y[to] = Narrow<{C_TYPES[x.dtype]}>::of(hn);",
        )
        grid = (-(-hidden // _WARPS), sizes.directions, sizes.batch)
        return writer.kernel("recurrent_step", grid, (32 * _WARPS, 1, 1))
