"""POOLING and LRN: windows of neighbours."""

from collections.abc import Sequence

from trtlab.core.enums import PoolingType
from trtlab.kernels.cuda.per_element import PerElementTactic, given
from trtlab.kernels.cuda.prelude import C_TYPES, literal
from trtlab.kernels.cuda.text import Writer, dot
from trtlab.layers.normalization import LRN
from trtlab.layers.pooling import Pooling
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Rejection


class PoolingTactic(PerElementTactic):
    """Maximum, mean and blends of any window."""

    name = "cuda.pooling.element"

    def refuse(self, problem: Problem) -> Rejection | None:
        """Declines integers."""
        dtype = problem.outputs[0].dtype
        return None if dtype.is_float else Rejection(f"pools floats, not {dtype.value}")

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """Loops over the taps that lie inside."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Pooling)
        window = op.window()
        rank, lead = len(window.size), len(x.shape) - len(window.size)
        spatial = x.shape[lead:]
        pads = window.padding(spatial)
        sources = list(at)
        closing = 0
        writer.add(
            "float top = __int_as_float(0xff800000), total = 0.0f;",
            "int inside = 0;",
        )
        for axis in range(rank):
            step, apart = window.stride[axis], window.dilation[axis]
            writer.add(
                "#pragma unroll" if window.size[axis] <= 7 else "",
                f"for (int r{axis} = 0; r{axis} < {window.size[axis]}; ++r{axis}) {{",
                f"const index s{axis} = {at[lead + axis]} * {step} + r{axis} * {apart} "
                f"- {pads[axis][0]};",
                f"if (s{axis} < 0 || s{axis} >= {spatial[axis]}) continue;",
            )
            sources[lead + axis] = f"s{axis}"
            closing += 1
        writer.add(
            f"const float v = wide(x0[{dot(sources, x.strides)}]);",
            "top = max_nan(top, v); total += v; ++inside;",
            "}" * closing,
        )
        writer.add(*self._count(op, at[lead:], spatial, pads))
        result = {
            PoolingType.MAX: "top",
            PoolingType.AVERAGE: "total / count",
            PoolingType.MAX_AVERAGE_BLEND: f"{literal(1 - op.blend_factor)} * top + "
            f"{literal(op.blend_factor)} * (total / count)",
        }[op.type]
        writer.add(f"y[to] = Narrow<{C_TYPES[out.dtype]}>::of({result});")

    def _count(
        self,
        op: Pooling,
        at: Sequence[str],
        spatial: Sequence[int],
        pads: Sequence[tuple[int, int]],
    ) -> list[str]:
        """Elements that a mean divides by."""
        if op.type is PoolingType.MAX:
            return []
        if op.average_count_excludes_padding:
            return ["const float count = (float)inside;"]
        window = op.window()
        lines = ["float count = 1.0f;"]
        for axis, (extent, (before, behind)) in enumerate(zip(spatial, pads, strict=True)):
            padded = extent + before + behind
            lines.append(
                f"{{ int n = 0; for (int r = 0; r < {window.size[axis]}; ++r) "
                f"n += {at[axis]} * {window.stride[axis]} + r * {window.dilation[axis]} "
                f"< {padded}; count *= (float)n; }}"
            )
        return lines


class LrnTactic(PerElementTactic):
    """Local response normalization across channels."""

    name = "cuda.lrn.element"

    def body(self, writer: Writer, problem: Problem, at: Sequence[str]) -> None:
        """Sum of squares of the channels around."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, LRN)
        back = (op.window_size - 1) // 2
        ahead = op.window_size // 2
        channels, step = x.shape[1], x.strides[1]
        others = dot([*at[:1], "0", *at[2:]], x.strides)
        factor = literal(op.alpha / op.window_size)
        writer.add(
            f"const index first = {at[1]} > {back} ? {at[1]} - {back} : 0;",
            f"const index last = {at[1]} + {ahead} < {channels} ? {at[1]} + {ahead} "
            f": {channels - 1};",
            "float total = 0.0f;",
            "for (index c = first; c <= last; ++c) {",
            f"  const float v = wide(x0[{others} + c * {step}]);",
            "  total += v * v;",
            "}",
            f"const float v = wide(x0[{others} + {at[1]} * {step}]);",
            f"const float d = powf({literal(op.k)} + {factor} * total, {literal(op.beta)});",
            f"y[to] = Narrow<{C_TYPES[out.dtype]}>::of(v / d);",
        )
