"""Kernels that turn tiles: the source's contiguous dimension is not the target's."""

from dataclasses import dataclass
from math import prod

from trtlab.core.types import StaticShape
from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cpu.strided import nest
from trtlab.kernels.cuda.elementwise import Side
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import MOST_BLOCKS, Writer, dot, split_index
from trtlab.tactics.problem import Problem, Strides

_TILE = 32
_ROWS = 8
_LEAST = 8


@dataclass(frozen=True, slots=True)
class Transpose:
    """A copy, perhaps with a change of type, through tiles in shared memory.

    Attributes:
        outer: Extents of the other loops.
        rows: Extent of the source's contiguous loop.
        columns: Extent of the target's.
        target: Strides of the outer loops, then of rows; columns have 1.
        source: Strides of the outer loops, then of columns; rows have 1.
    """

    outer: StaticShape
    rows: int
    columns: int
    target: Strides
    source: Strides
    result: Side
    operand: Side

    @classmethod
    def of(cls, shape: StaticShape, result: Side, operand: Side) -> "Transpose | None":
        """The copy as tiles; None where tiles bring nothing."""
        loops = nest(shape, [result.strides, operand.strides])
        if len(loops.shape) < 2 or loops.strides[0][-1] != 1 or loops.strides[1][-1] == 1:
            return None
        ones = [a for a, step in enumerate(loops.strides[1][:-1]) if step == 1]
        if not ones or loops.shape[ones[0]] < _LEAST or loops.shape[-1] < _LEAST:
            return None
        row = ones[0]
        others = [a for a in range(len(loops.shape) - 1) if a != row]
        target, source = loops.strides
        found = cls(
            tuple(loops.shape[a] for a in others),
            loops.shape[row],
            loops.shape[-1],
            (*(target[a] for a in others), target[row]),
            (*(source[a] for a in others), source[-1]),
            result,
            operand,
        )
        big = prod(found.outer) > MOST_BLOCKS or -(-found.rows // _TILE) > MOST_BLOCKS
        return None if big else found

    def kernel(self, tactic: str, problem: Problem) -> Kernel:
        """One block a tile."""
        writer = Writer(tactic, problem)
        writer.pointer("x", self.operand.dtype)
        writer.pointer("y", self.result.dtype, written=True)
        kind, out = C_TYPES[self.operand.dtype], C_TYPES[self.result.dtype]
        names = [f"o{n}" for n in range(len(self.outer))]
        same = self.operand.dtype is self.result.dtype
        value = "tile[i][threadIdx.x]"
        value = value if same else f"Narrow<{out}>::of(wide({value}))"
        writer.add(
            f"__shared__ {kind} tile[{_TILE}][{_TILE + 1}];",
            "const i64 z = blockIdx.z;",
            *split_index("z", names, self.outer, "i64"),
            f"const i64 from = {dot(names, self.source[:-1])} + {self.operand.offset};",
            f"const i64 to = {dot(names, self.target[:-1])} + {self.result.offset};",
            f"const int c0 = blockIdx.x * {_TILE}, r0 = blockIdx.y * {_TILE};",
            "#pragma unroll",
            f"for (int i = threadIdx.y; i < {_TILE}; i += {_ROWS}) {{",
            "  const int c = c0 + i, r = r0 + threadIdx.x;",
            f"  if (c < {self.columns} && r < {self.rows})",
            f"    tile[threadIdx.x][i] = x[from + (i64)c * {self.source[-1]} + r];",
            "}",
            "__syncthreads();",
            "#pragma unroll",
            f"for (int i = threadIdx.y; i < {_TILE}; i += {_ROWS}) {{",
            "  const int c = c0 + threadIdx.x, r = r0 + i;",
            f"  if (c < {self.columns} && r < {self.rows})",
            f"    y[to + (i64)r * {self.target[-1]} + c] = {value};",
            "}",
        )
        grid = (-(-self.columns // _TILE), -(-self.rows // _TILE), max(prod(self.outer), 1))
        return writer.kernel("transpose", grid, (_TILE, _ROWS, 1))
