"""REDUCE: sums, products, extremes and means over axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from trtlab.core.enums import ReduceOperation
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cpu.strided import Loops, split_nest
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.prelude import C_TYPES, element, literal, work_type
from trtlab.kernels.cuda.rows import begin_rows, each_chunk, load_chunk, plan_rows
from trtlab.kernels.cuda.text import Writer, dot, split_index
from trtlab.layers.reduction import Reduce
from trtlab.tactics.problem import Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_R = ReduceOperation
_COMBINERS = {
    _R.SUM: "Sum",
    _R.AVG: "Sum",
    _R.PROD: "Product",
    _R.MAX: "Most",
    _R.MIN: "Least",
}
_STARTS = {
    _R.SUM: "0.0f",
    _R.AVG: "0.0f",
    _R.PROD: "1.0f",
    _R.MAX: "__int_as_float(0xff800000)",
    _R.MIN: "__int_as_float(0x7f800000)",
}
_COLUMNS, _LINES = 32, 8
_MOST_BLOCKS = 65535
_ALIGN = 16


@dataclass(frozen=True, slots=True)
class _View:
    """Strides of result (0 along reduced axes) and data over the data's shape."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    result: Strides
    data: Strides


def _view(problem: Problem) -> _View:
    op, x, out = problem.op, given(problem, 0), problem.outputs[0]
    assert isinstance(op, Reduce)
    axes = () if op.op is _R.NONE else op.reduced_axes(len(x.shape))
    rest = iter(out.strides)
    result: list[int] = []
    for axis in range(len(x.shape)):
        if axis not in axes:
            result.append(next(rest))
            continue
        if op.keep_dims:
            next(rest)
        result.append(0)
    return _View(x.shape, axes, tuple(result), x.strides)


class ReduceTactic(Tactic):
    """Rows where a row's elements are neighbours, columns where the rows are."""

    name = "cuda.reduce.rows"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types that no kernel loads."""
        op = problem.op
        assert isinstance(op, Reduce)
        if op.op is _R.NONE:
            return Rejection("nothing is reduced")
        return unknown_types(problem)

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory."""
        return cost_us(problem, 1.5e6)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch; none for an empty result."""
        if 0 in problem.outputs[0].shape:
            return ()
        view = _view(problem)
        x, y = buffers.inputs[0] or 0, buffers.outputs[0]
        kept, reduced = split_nest(view.shape, [view.result, view.data], view.axes)
        kept, reduced = kept.padded(1), reduced.padded(1)
        across = kept.strides[1][-1] == 1 and reduced.strides[1][-1] != 1
        if not problem.outputs[0].dtype.is_float:
            kernel = self._lines(problem, kept, reduced)
        elif across and kept.shape[-1] > 1 and prod(kept.shape[:-1]) <= _MOST_BLOCKS:
            kernel = self._columns(problem, kept, reduced)
        else:
            kernel = self._rows(problem, view, aligned=x % _ALIGN == 0)
        return (KernelLaunch(kernel, (x, y)),)

    def _writer(self, problem: Problem) -> Writer:
        writer = Writer(self.name, problem)
        writer.pointer("x", given(problem, 0).dtype)
        writer.pointer("y", problem.outputs[0].dtype, written=True)
        return writer

    def _finish(self, problem: Problem, count: int) -> str:
        op, out = problem.op, problem.outputs[0]
        assert isinstance(op, Reduce)
        value = f"total * {literal(1.0 / max(count, 1))}" if op.op is _R.AVG else "total"
        if op.op is _R.AVG and count == 0:
            value = literal(float("nan"))
        return f"Narrow<{C_TYPES[out.dtype]}>::of({value})"

    def _rows(self, problem: Problem, view: _View, *, aligned: bool) -> Kernel:
        op, x = problem.op, given(problem, 0)
        assert isinstance(op, Reduce)
        strides = (view.data, view.result)
        size = int(x.dtype.itemsize)
        plan = plan_rows(view.shape, strides, view.axes, size, (0,), aligned=aligned)
        writer = self._writer(problem)
        begin_rows(writer, plan, ["b_x", "b_y"])
        combine = _COMBINERS[op.op]
        lines = [
            f"float d[{plan.width}];",
            *load_chunk(plan, C_TYPES[x.dtype], "(x + b_x)", 0, "d"),
            f"for (int v = 0; v < {plan.width}; ++v) total = {combine}::of(total, d[v]);",
        ]
        writer.add(
            f"float total = {_STARTS[op.op]};",
            *each_chunk(plan, lines, (0,)),
            f"total = across_row<{combine}, {plan.threads}>(total);",
            f"if (live && lane == 0) y[b_y] = {self._finish(problem, plan.length)};",
        )
        block = plan.threads * plan.rows_per_block
        return writer.kernel("reduce_rows", (plan.blocks, 1, 1), (block, 1, 1))

    def _columns(self, problem: Problem, kept: Loops, reduced: Loops) -> Kernel:
        op = problem.op
        assert isinstance(op, Reduce)
        from_rows = [f"r{n}" for n in range(len(reduced.shape))]
        outer = [f"k{n}" for n in range(len(kept.shape) - 1)]
        columns, count = kept.shape[-1], prod(reduced.shape)
        combine = _COMBINERS[op.op]
        writer = self._writer(problem)
        writer.top.append(_combiner(combine))
        writer.add(
            "const i64 z = blockIdx.y;",
            *split_index("z", outer, kept.shape[:-1], "i64"),
            f"const int c = blockIdx.x * {_COLUMNS} + threadIdx.x;",
            f"const i64 from = {dot(outer, kept.strides[1][:-1])};",
            f"const i64 to = {dot(outer, kept.strides[0][:-1])};",
            f"float total = {_STARTS[op.op]};",
            f"if (c < {columns})",
            f"  for (int r = threadIdx.y; r < {count}; r += {_LINES}) {{",
            *(f"    {line}" for line in split_index("r", from_rows, reduced.shape)),
            f"    total = {combine}::of(total, "
            f"wide(x[from + c + ({dot(from_rows, reduced.strides[1])})]));",
            "  }",
            f"__shared__ float box[{_LINES}][{_COLUMNS}];",
            "box[threadIdx.y][threadIdx.x] = total;",
            "__syncthreads();",
            f"if (threadIdx.y == 0 && c < {columns}) {{",
            f"  for (int i = 1; i < {_LINES}; ++i) "
            f"total = {combine}::of(total, box[i][threadIdx.x]);",
            f"  y[to + (i64)c * {kept.strides[0][-1]}] = {self._finish(problem, count)};",
            "}",
        )
        grid = (-(-columns // _COLUMNS), max(prod(kept.shape[:-1]), 1), 1)
        return writer.kernel("reduce_columns", grid, (_COLUMNS, _LINES, 1))

    def _lines(self, problem: Problem, kept: Loops, reduced: Loops) -> Kernel:
        """Integers: one thread a result."""
        op, x, out = problem.op, given(problem, 0), problem.outputs[0]
        assert isinstance(op, Reduce)
        kind = work_type(x.dtype)
        limits = _limits(x.dtype)
        start = {_R.PROD: "1", _R.MAX: limits[0], _R.MIN: limits[1]}.get(op.op, "0")
        combine = {
            _R.PROD: "total * v",
            _R.MAX: "v > total ? v : total",
            _R.MIN: "v < total ? v : total",
        }
        names = [f"k{n}" for n in range(len(kept.shape))]
        inner = [f"r{n}" for n in range(len(reduced.shape))]
        rows, count = prod(kept.shape), prod(reduced.shape)
        result = f"total / {count}" if op.op is _R.AVG else "total"
        writer = self._writer(problem)
        writer.add(
            "const i64 t = (i64)blockIdx.x * 128 + threadIdx.x;",
            f"if (t >= {rows}) return;",
            *split_index("t", names, kept.shape, "i64"),
            f"{kind} total = {start};",
            f"for (i64 r = 0; r < {count}; ++r) {{",
            *(f"  {line}" for line in split_index("r", inner, reduced.shape, "i64")),
            f"  const {kind} v = wide(x[{dot(names, kept.strides[1])} + "
            f"{dot(inner, reduced.strides[1])}]);",
            f"  total = {combine.get(op.op, 'total + v')};",
            "}",
            f"y[{dot(names, kept.strides[0])}] = Narrow<{C_TYPES[out.dtype]}>::of({result});",
        )
        return writer.kernel("reduce_lines", (-(-rows // 128), 1, 1), (128, 1, 1))


def _limits(dtype: DataType) -> tuple[str, str]:
    """Least and largest value, in a form that C reads."""
    bits = 8 * int(dtype.itemsize)
    if dtype is DataType.UINT8:
        return "0", "255"
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return f"({element(dtype, low + 1)} - 1)", element(dtype, high)


def _combiner(name: str) -> str:
    body = {
        "Sum": "a + b",
        "Product": "a * b",
        "Most": "max_nan(a, b)",
        "Least": "min_nan(a, b)",
    }[name]
    return (
        f"struct {name} {{ static __device__ __forceinline__ float of(float a, float b) "
        f"{{ return {body}; }} }};"
    )
