"""Kernels in which a thread computes a few neighbouring elements of one result.

Operands may have any strides. Where an operand runs along with the result it is loaded as one
vector, where it repeats it is loaded once, else element by element.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from trtlab.core.types import DataType, StaticShape
from trtlab.devices.cuda.kernel import Kernel
from trtlab.kernels.cpu.strided import Loops, nest
from trtlab.kernels.cuda.prelude import C_TYPES, work_type
from trtlab.kernels.cuda.program import emit
from trtlab.kernels.cuda.text import Names, Writer, blocks_for, dot, split_index
from trtlab.layers.pointwise import Program
from trtlab.tactics.problem import Problem, Strides

_THREADS = 256
_VECTOR_BYTES = 16
_BIG = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Side:
    """One operand or the result.

    Attributes:
        dtype: Element type.
        strides: Elements along each dimension of the result; 0 repeats.
        offset: Elements from the address to the first element.
    """

    dtype: DataType
    strides: Strides
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A program over operands of one shape.

    Attributes:
        shape: Of the result.
        result: Where it goes.
        operands: Where the program's operands lie.
        program: What is computed.
        dtype: Element type that is computed with.
    """

    shape: StaticShape
    result: Side
    operands: tuple[Side, ...]
    program: Program
    dtype: DataType

    def kernel(self, tactic: str, problem: Problem, *, aligned: bool = True) -> Kernel:
        """The kernel; ``aligned`` when every address is a multiple of 16 bytes."""
        loops = nest(self.shape, [self.result.strides, *(o.strides for o in self.operands)])
        loops = loops.padded(1)
        width = self._width(loops) if aligned else 1
        writer = Writer(tactic, problem)
        for number, side in enumerate(self.operands):
            writer.pointer(f"x{number}", side.dtype)
        writer.pointer("y", self.result.dtype, written=True)
        count = prod(loops.shape) // width
        index = self._index(loops)
        names = [f"i{n}" for n in range(len(loops.shape))]
        extents = (*loops.shape[:-1], loops.shape[-1] // width)
        writer.add(
            f"const {index} t = ({index})blockIdx.x * {_THREADS} + threadIdx.x;",
            f"if (t >= {count}) return;",
            *split_index("t", [*names[:-1], "iv"], extents, index),
            f"const {index} {names[-1]} = iv * {width};",
        )
        self._loads(writer, loops, names, width)
        self._compute(writer, width)
        self._store(writer, loops, names, width)
        grid = (blocks_for(count, _THREADS), 1, 1)
        return writer.kernel("elementwise", grid, (_THREADS, 1, 1))

    def _index(self, loops: Loops) -> str:
        sides = [self.result, *self.operands]
        reaches = [
            abs(side.offset)
            + sum((e - 1) * abs(s) for e, s in zip(loops.shape, own, strict=True))
            for side, own in zip(sides, loops.strides, strict=True)
        ]
        large = max(*reaches, prod(loops.shape) + _THREADS)
        return "int" if large < _BIG else "i64"

    def _width(self, loops: Loops) -> int:
        """Elements a thread: as wide as the result's vectors can be."""
        sides = [self.result, *self.operands]
        if loops.strides[0][-1] != 1:
            return 1
        size = max(int(side.dtype.itemsize) for side in sides)
        width = _VECTOR_BYTES // size
        while width > 1:
            fits = loops.shape[-1] % width == 0 and all(
                own[-1] != 1 or all(s % width == 0 for s in (*own[:-1], side.offset))
                for side, own in zip(sides, loops.strides, strict=True)
            )
            if fits:
                return width
            width //= 2
        return 1

    def _loads(self, writer: Writer, loops: Loops, names: Sequence[str], width: int) -> None:
        for number, (side, strides) in enumerate(
            zip(self.operands, loops.strides[1:], strict=True)
        ):
            at = dot(names, strides)
            at = f"{at} + {side.offset}" if side.offset else at
            kind = C_TYPES[side.dtype]
            if width > 1 and strides[-1] == 1:
                vector = f"Vec<{kind}, {width}>"
                writer.add(
                    f"const {vector} a{number} = "
                    f"*reinterpret_cast<const {vector}*>(x{number} + ({at}));"
                )
            elif strides[-1] == 0:
                writer.add(f"const {kind} a{number} = x{number}[{at}];")
            else:
                writer.add(
                    f"{kind} a{number}[{width}];",
                    "#pragma unroll",
                    f"for (int e = 0; e < {width}; ++e) "
                    f"a{number}[e] = x{number}[{at} + e * {strides[-1]}];",
                )

    def _element(self, number: int, strides: Strides, width: int) -> str:
        if width > 1 and strides[-1] == 1:
            return f"a{number}.v[e]"
        return f"a{number}" if strides[-1] == 0 else f"a{number}[e]"

    def _compute(self, writer: Writer, width: int) -> None:
        loops = nest(self.shape, [self.result.strides, *(o.strides for o in self.operands)])
        loops = loops.padded(1)
        out = C_TYPES[self.result.dtype]
        elements = [
            self._element(number, strides, width)
            for number, strides in enumerate(loops.strides[1:])
        ]
        writer.add(
            f"Vec<{out}, {width}> r;",
            "#pragma unroll",
            f"for (int e = 0; e < {width}; ++e) {{",
        )
        copied = (
            len(self.program) == 1
            and self.program[0].function == "identity"
            and self.operands[0].dtype is self.result.dtype
        )
        if copied:
            writer.add(f"  r.v[e] = {elements[0]};", "}")
            return
        fresh = Names()
        names: list[str] = []
        for side, text in zip(self.operands, elements, strict=True):
            name = fresh()
            writer.add(f"  const {work_type(side.dtype)} {name} = wide({text});")
            names.append(name)
        lines, result = emit(self.program, names, self.dtype, fresh)
        writer.add(*(f"  {line}" for line in lines))
        writer.add(f"  r.v[e] = Narrow<{out}>::of({result});", "}")

    def _store(self, writer: Writer, loops: Loops, names: Sequence[str], width: int) -> None:
        at = dot(names, loops.strides[0])
        at = f"{at} + {self.result.offset}" if self.result.offset else at
        if width > 1:
            vector = f"Vec<{C_TYPES[self.result.dtype]}, {width}>"
            writer.add(f"*reinterpret_cast<{vector}*>(y + ({at})) = r;")
        else:
            writer.add(f"y[{at}] = r.v[0];")
