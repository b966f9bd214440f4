"""GATHER of whole rows: sixteen bytes a thread, an index is read once a row and block.

The rows of an embedding are dense; what decides is how many bytes are on their way at once.
"""

from collections.abc import Sequence
from math import prod

from trtlab.core.enums import GatherMode
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.gathering import wrapped_index
from trtlab.kernels.cuda.lowering import unknown_types
from trtlab.kernels.cuda.per_element import given
from trtlab.kernels.cuda.pointwise import cost_us
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer, blocks_for, dot, split_index
from trtlab.layers.base import axis_in
from trtlab.layers.gather import Gather
from trtlab.tactics.problem import Operand, Problem, dense_strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16
_THREADS = 256
_MOST_ROWS = 4
_THREADS_THAT_FILL = 1 << 16


class GatherRowsTactic(Tactic):
    """Rows along the first axis; an index outside reads the nearest row."""

    name = "cuda.gather.rows"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other modes and axes, and rows that are no whole vectors."""
        op, data = problem.op, given(problem, 0)
        assert isinstance(op, Gather)
        indices, out = given(problem, 1), problem.outputs[0]
        first = op.mode is GatherMode.DEFAULT and axis_in(op.axis, len(data.shape)) == 0
        if not first or op.num_elementwise_dims:
            return Rejection("takes whole rows along the first axis")
        if problem.has_empty_operand:
            return Rejection("an operand is empty")
        refused = unknown_types(problem)
        if refused is not None:
            return refused
        rank = len(data.shape) - 1
        dense = all(_is_dense(o, rank) for o in (data, out))
        if not dense or not _is_dense(indices, len(indices.shape)):
            return Rejection("rows or indices have holes")
        steps = (data.strides[0], *out.strides[: len(indices.shape)], prod(data.shape[1:]))
        if any(step % _vector(data) for step in steps):
            return Rejection("rows are no whole vectors of sixteen bytes")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """Bound by memory: rows that are read and written."""
        return cost_us(problem)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch."""
        data, indices = (a or 0 for a in buffers.inputs[:2])
        out = buffers.outputs[0]
        aligned = all(a % _ALIGN == 0 for a in (data, out))
        return (KernelLaunch(self.kernel(problem, aligned=aligned), (data, indices, out)),)

    def kernel(self, problem: Problem, *, aligned: bool) -> Kernel:
        """Neighbouring threads copy neighbouring vectors of a row, each of several rows."""
        data, indices, out = given(problem, 0), given(problem, 1), problem.outputs[0]
        rank = len(indices.shape)
        width = _vector(data) if aligned else 1
        chunks, rows = prod(data.shape[1:]) // width, prod(indices.shape)
        each = max(1, min(_MOST_ROWS, rows * chunks // _THREADS_THAT_FILL))
        groups = -(-rows // each)
        count = groups * chunks
        vector = f"Vec<{C_TYPES[data.dtype]}, {width}>"
        names = [f"i{axis}" for axis in range(rank)]
        writer = Writer(self.name, problem)
        writer.pointer("x", data.dtype)
        writer.pointer("at", indices.dtype)
        writer.pointer("y", out.dtype, written=True)
        writer.add(
            "typedef i64 index;",
            f"const index t = (index)blockIdx.x * {_THREADS} + threadIdx.x;",
            f"if (t >= {count}) return;",
            f"const index place = t % {chunks} * {width}, group = t / {chunks};",
            f"{vector} v[{each}];",
            "#pragma unroll",
            f"for (int u = 0; u < {each}; ++u) {{",
            f"  const index row = group + u * {groups};",
            f"  if (row >= {rows}) break;",
            *(f"  {line}" for line in wrapped_index("g", "at[row]", data.shape[0])),
            f"  v[u] = *reinterpret_cast<const {vector}*>(x + g * {data.strides[0]} + place);",
            "}",
            "#pragma unroll",
            f"for (int u = 0; u < {each}; ++u) {{",
            f"  const index row = group + u * {groups};",
            f"  if (row >= {rows}) break;",
            *(f"  {line}" for line in split_index("row", names, indices.shape, "index")),
            f"  *reinterpret_cast<{vector}*>"
            f"(y + ({dot(names, out.strides[:rank])}) + place) = v[u];",
            "}",
        )
        grid = (blocks_for(count, _THREADS), 1, 1)
        return writer.kernel("gather_rows", grid, (_THREADS, 1, 1))


def _vector(data: Operand) -> int:
    """Elements of sixteen bytes."""
    return _ALIGN // max(int(data.dtype.itemsize), 1)


def _is_dense(operand: Operand, rank: int) -> bool:
    """Whether the last dimensions have no holes."""
    first = len(operand.shape) - rank
    shape, strides = operand.shape[first:], operand.strides[first:]
    return all(
        step == wanted or extent == 1
        for step, wanted, extent in zip(strides, dense_strides(shape), shape, strict=True)
    )
