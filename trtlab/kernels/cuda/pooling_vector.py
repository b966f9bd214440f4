"""POOLING of channels-last images: a thread holds several channels of one result."""

from collections.abc import Sequence

from trtlab.core.enums import PoolingType
from trtlab.core.types import TensorFormat
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer, blocks_for
from trtlab.layers.pooling import Pooling
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_THREADS = 256
_ALIGN = 16
_RANK = 4


class PoolingVectorTactic(Tactic):
    """Maximum and mean; 16 bytes of channels a thread."""

    name = "cuda.pooling.vector"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other layouts, blends, and channels that do not fill vectors."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Pooling)
        if not x.dtype.is_float or len(x.shape) != _RANK or x.format is not TensorFormat.HWC:
            return Rejection("works on channels-last images of floats")
        if op.type is PoolingType.MAX_AVERAGE_BLEND or len(op.window_size_nd) != 2:
            return Rejection("takes maximum or mean over two axes")
        if op.type is PoolingType.AVERAGE and not op.average_count_excludes_padding:
            window = op.window()
            if any(any(p) for p in window.padding(x.shape[2:])):
                return Rejection("padding counts in the mean")
        width = self._width(problem)
        steps = [s for o in (x, out) for s in (o.strides[0], *o.strides[2:])]
        if x.strides[1] != 1 or out.strides[1] != 1:
            return Rejection("channels are not contiguous")
        if x.shape[1] % width or any(s % width for s in steps):
            return Rejection(f"channels do not fill vectors of {width}")
        return unknown_types(problem)

    def _width(self, problem: Problem) -> int:
        return 16 // int(problem.outputs[0].dtype.itemsize)

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory."""
        return cost_us(problem)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch."""
        addresses = (buffers.inputs[0] or 0, buffers.outputs[0])
        width = self._width(problem) if all(a % _ALIGN == 0 for a in addresses) else 1
        return (KernelLaunch(self.kernel(problem, width), addresses),)

    def kernel(self, problem: Problem, width: int) -> Kernel:
        """The kernel."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Pooling)
        window = op.window()
        (top, _), (left, _) = window.padding(x.shape[2:])
        n, channels, rows, columns = out.shape
        runs = channels // width
        kind = C_TYPES[x.dtype]
        vector = f"Vec<{kind}, {width}>"
        highest = op.type is PoolingType.MAX
        unroll = "#pragma unroll" if max(window.size) <= 7 else ""
        combine = (
            "best[e] = max_nan(best[e], wide(v.v[e]))"
            if highest
            else "best[e] += wide(v.v[e])"
        )
        start = "__int_as_float(0xff800000)" if highest else "0.0f"
        result = "best[e]" if highest else "best[e] / (float)inside"
        writer = Writer(self.name, problem)
        writer.pointer("x", x.dtype)
        writer.pointer("y", out.dtype, written=True)
        count = n * rows * columns * runs
        writer.add(
            f"const i64 t = (i64)blockIdx.x * {_THREADS} + threadIdx.x;",
            f"if (t >= {count}) return;",
            f"const int c = t % {runs} * {width};",
            f"const i64 pixel = t / {runs};",
            f"const int q = pixel % {columns}, p = pixel / {columns} % {rows}, "
            f"b = pixel / {rows * columns};",
            f"const {kind}* from = x + (i64)b * {x.strides[0]} + c;",
            f"float best[{width}];",
            f"for (int e = 0; e < {width}; ++e) best[e] = {start};",
            "int inside = 0;",
            unroll,
            f"for (int r = 0; r < {window.size[0]}; ++r) {{",
            f"  const int i = p * {window.stride[0]} + r * {window.dilation[0]} - {top};",
            f"  if (i < 0 || i >= {x.shape[2]}) continue;",
            f"  {unroll}",
            f"  for (int s = 0; s < {window.size[1]}; ++s) {{",
            f"    const int j = q * {window.stride[1]} + s * {window.dilation[1]} - {left};",
            f"    if (j < 0 || j >= {x.shape[3]}) continue;",
            f"    const {vector} v = *reinterpret_cast<const {vector}*>"
            f"(from + (i64)i * {x.strides[2]} + (i64)j * {x.strides[3]});",
            "    #pragma unroll",
            f"    for (int e = 0; e < {width}; ++e) {combine};",
            "    ++inside;",
            "  }",
            "}",
            f"{vector} w;",
            "#pragma unroll",
            f"for (int e = 0; e < {width}; ++e) w.v[e] = Narrow<{kind}>::of({result});",
            f"*reinterpret_cast<{vector}*>(y + (i64)b * {out.strides[0]} + "
            f"(i64)p * {out.strides[2]} + (i64)q * {out.strides[3]} + c) = w;",
        )
        grid = (blocks_for(count, _THREADS), 1, 1)
        return writer.kernel("pooling", grid, (_THREADS, 1, 1))
