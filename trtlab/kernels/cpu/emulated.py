"""Half precision on a device without it: any fp32 tactic between conversions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trtlab.core.types import DataType
from trtlab.kernels.cpu.cast import bind_cast, obstacle
from trtlab.layers.base import Array
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Launch, Rejection, Tactic

_LOW = {DataType.HALF, DataType.BF16}
_LINE = 64


@dataclass(frozen=True, slots=True)
class _Copy:
    """A float32 copy of an operand in the workspace.

    Attributes:
        place: Number of the operand: inputs first, then outputs.
        narrow: The operand as it is.
        wide: The copy.
        offset: Bytes from the workspace's start.
    """

    place: int
    narrow: Operand
    wide: Operand
    offset: int


class EmulatedTactic(Tactic):
    """Shows the accuracy of a lower precision, not its speed.

    Inputs are widened into the workspace, the inner tactic computes in fp32, and the outputs
    are rounded. Constants are packed from their rounded values.

    Args:
        inner: A tactic that works on fp32.
        dtype: HALF or BF16.
    """

    emulated = True

    def __init__(self, inner: Tactic, dtype: DataType) -> None:
        self._inner = inner
        self._dtype = dtype
        self.name = f"{inner.name}~{dtype.value}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines where nothing needs emulation, and what the inner tactic declines."""
        low = {o.dtype for o in _operands(problem) if o is not None} & _LOW
        if low != {self._dtype}:
            return Rejection(f"for problems in {self._dtype.value}")
        if self._inner.check(problem) is None:
            return Rejection(f"{self._inner.name} works on {self._dtype.value} itself")
        for copy in self._copies(problem)[0]:
            reason = obstacle(copy.narrow, copy.wide)
            if reason is not None:
                return Rejection(reason)
        return self._inner.check(_widened(problem))

    def workspace_bytes(self, problem: Problem) -> int:
        """The inner tactic's scratch and the widened operands."""
        return self._copies(problem)[1]

    def cost_hint_us(self, problem: Problem) -> float:
        """The inner tactic's, and the conversions."""
        elements = sum(np.prod(copy.wide.shape) for copy in self._copies(problem)[0])
        return self._inner.cost_hint_us(_widened(problem)) + 2.0 + float(elements) / 2e3

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """What the inner tactic makes of the widened constants."""
        wide = {
            index: array.astype(np.float32)
            if DataType.from_numpy(array.dtype) in _LOW
            else array
            for index, array in constants.items()
        }
        return self._inner.pack(_widened(problem), wide)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """Widen, compute, round."""
        copies, _ = self._copies(problem)
        count, start = len(problem.inputs), buffers.workspace
        addresses: list[int | None] = [*buffers.inputs, *buffers.outputs]
        before = [
            bind_cast(c.narrow, addresses[c.place] or 0, c.wide, start + c.offset)
            for c in copies
            if c.place < count
        ]
        after = [
            bind_cast(c.wide, start + c.offset, c.narrow, addresses[c.place] or 0)
            for c in copies
            if c.place >= count
        ]
        for command in (*before[:-1], *after[:-1]):
            command.sync = False
        for copy in copies:
            addresses[copy.place] = start + copy.offset
        outputs = tuple(address or 0 for address in addresses[count:])
        inner = Buffers(tuple(addresses[:count]), outputs, start)
        return [*before, *self._inner.bind(_widened(problem), inner), *after]

    def _copies(self, problem: Problem) -> tuple[list[_Copy], int]:
        """Copies of the low-precision operands that are no constants; bytes in all."""
        end = _aligned(self._inner.workspace_bytes(_widened(problem)))
        copies: list[_Copy] = []
        for place, operand in enumerate(_operands(problem)):
            if operand is None or operand.dtype not in _LOW or operand.constant:
                continue
            wide = _wide(operand)
            copies.append(_Copy(place, operand, wide, end))
            end += _aligned(wide.nbytes)
        return copies, end


def _operands(problem: Problem) -> list[Operand | None]:
    return [*problem.inputs, *problem.outputs]


def _aligned(nbytes: int) -> int:
    return -(-nbytes // _LINE) * _LINE


def _wide(operand: Operand) -> Operand:
    """A dense float32 operand in the same layout."""
    return Operand(DataType.FLOAT, operand.shape, operand.format, (), operand.constant)


def _widened(problem: Problem) -> Problem:
    """The problem with its low-precision operands in fp32."""
    inputs = tuple(
        _wide(o) if o is not None and o.dtype in _LOW else o for o in problem.inputs
    )
    outputs = tuple(_wide(o) if o.dtype in _LOW else o for o in problem.outputs)
    return replace(problem, inputs=inputs, outputs=outputs)
