"""Pieces of generated text: index arithmetic, launch shapes, the comment on top."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

from trtlab.core.types import DataType, StaticShape
from trtlab.devices.cuda.kernel import Grid, Kernel
from trtlab.devices.cuda.neighbours import AHEAD, FETCH_AHEAD, FOLLOW
from trtlab.kernels.cuda.prelude import C_TYPES, PRELUDE
from trtlab.tactics.problem import Operand, Problem, Strides

_BIG = (1 << 31) - 1
MULTIPROCESSORS = 132
"""Of the GPU that tiles and grids are laid out for; others run them too."""
_MOST_ASKING = 8 * MULTIPROCESSORS  # blocks; what more of them do takes longer than to wait
MOST_BLOCKS = 65535
"""Of a grid along its second and third axis."""


@dataclass
class Names:
    """Unused variable names."""

    prefix: str = "v"
    count: int = 0

    def __call__(self) -> str:
        """The next one."""
        self.count += 1
        return f"{self.prefix}{self.count - 1}"


def index_type(operands: Sequence[Operand | None]) -> str:
    """``int`` where every offset fits, else ``i64``."""
    return "int" if all(o is None or o.span < _BIG for o in operands) else "i64"


def split_index(
    flat: str, names: Sequence[str], extents: StaticShape, index: str = "int"
) -> list[str]:
    """Statements that split a flat index, row-major; extents of 1 give 0."""
    lines: list[str] = []
    rest = flat
    kept = [(n, e) for n, e in zip(names, extents, strict=True) if e != 1]
    lines += [f"const {index} {n} = 0;" for n, e in zip(names, extents, strict=True) if e == 1]
    for number, (name, extent) in enumerate(reversed(kept)):
        if number == len(kept) - 1:
            lines.append(f"const {index} {name} = {rest};")
            break
        lines.append(f"const {index} {name} = {rest} % {extent};")
        following = f"{name}_q"
        lines.append(f"const {index} {following} = {rest} / {extent};")
        rest = following
    return lines


def dot(names: Sequence[str], strides: Strides) -> str:
    """``i0 * 12 + i1 * 4 + i2``; 0 where nothing remains."""
    terms = [
        name if stride == 1 else f"{name} * {stride}"
        for name, stride in zip(names, strides, strict=True)
        if stride != 0 and name != "0"
    ]
    return " + ".join(terms) or "0"


def indent(lines: Sequence[str], by: int = 2) -> str:
    """Lines as a block."""
    return textwrap.indent("\n".join(lines), " " * by)


def pointer(kind: str, name: str, *, written: bool = False) -> str:
    """A parameter that points to elements of a type of C.

    What is read is not restricted: of restricted constant memory the compiler assumes that it
    stays as it is while the kernel runs, and reads it before `follow` has waited for who writes it.
    """
    return f"{kind}* __restrict__ {name}" if written else f"const {kind}* {name}"


@dataclass
class Writer:
    """Collects a kernel's text.

    Attributes:
        tactic: Name of the tactic, for the comment.
        problem: For the comment.
    """

    tactic: str
    problem: Problem
    body: list[str] = field(default_factory=list[str])
    top: list[str] = field(default_factory=list[str])
    parameters: list[str] = field(default_factory=list[str])

    def pointer(self, name: str, dtype: DataType, *, written: bool = False) -> None:
        """Add a parameter."""
        self.parameters.append(pointer(C_TYPES[dtype], name, written=written))

    def add(self, *lines: str) -> None:
        """Add statements."""
        self.body.extend(lines)

    def kernel(
        self,
        name: str,
        grid: Grid,
        block: Grid,
        *,
        shared_bytes: int = 0,
        min_blocks: int = 0,
        cluster: int = 1,
    ) -> Kernel:
        """The finished kernel; ``cluster`` neighbouring blocks run together."""
        threads = prod(block)
        together = f"__cluster_dims__({cluster}, 1, 1) " if cluster > 1 else ""
        follows = any(FOLLOW in line for line in self.body)
        body = self.body if follows else [FOLLOW, *self.body]
        parameters = [*self.parameters, AHEAD]
        if prod(grid) <= _MOST_ASKING:
            body = [FETCH_AHEAD, *body]
        bounds = f"{threads}, {min_blocks}" if min_blocks else f"{threads}"
        text = "\n".join(
            [
                f"// tactic   {self.tactic}",
                *(f"// {line}" for line in _comment(str(self.problem))),
                f"// grid     {grid[0]} x {grid[1]} x {grid[2]}",
                f"// block    {block[0]} x {block[1]} x {block[2]}",
                f"// shared   {shared_bytes} bytes",
                PRELUDE,
                *self.top,
                f'extern "C" __global__ void {together}__launch_bounds__({bounds})',
                f"{name}({', '.join(parameters)}) {{",
                indent(body),
                "}",
                "",
            ]
        )
        return Kernel(name, text, grid, block, shared_bytes)


def _comment(problem: str) -> Iterator[str]:
    lines = textwrap.wrap(problem, 86, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield ("problem  " if number == 0 else "         ") + line.replace("\\", "/")


def blocks_for(count: int, threads: int) -> int:
    """Blocks that cover so many threads; at least one."""
    return max(1, -(-count // threads))
