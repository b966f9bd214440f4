"""How a driver's argument block learns about bias, residual, clip and epilogue program."""

from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import InternalError
from trtlab.kernels.cpu import finish
from trtlab.kernels.cpu.microkernel import tile
from trtlab.kernels.cpu.pointwise_vm import MACHINE

Block = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """A matrix in memory; a batch of them is two further steps away.

    Attributes:
        address: Of the first element.
        pitch: Elements between rows.
        outer: Elements between outer batches.
        inner: Elements between inner batches.
        column: Elements between columns: 1, or 0 for a value a row (not for results).
    """

    address: int
    pitch: int
    outer: int = 0
    inner: int = 0
    column: int = 1


@dataclass(frozen=True, slots=True)
class Finish:
    """What follows the sums of a product.

    Attributes:
        bias: Address of a packed bias, or 0.
        residual: Added before the clip.
        clip: Lower and upper bound, applied before the program.
        program: Table of `pointwise_code.encode`, whose operand 0 is the result so far.
        operands: Further operands of the program.
    """

    bias: int = 0
    residual: Rows | None = None
    clip: tuple[float, float] | None = None
    program: NDArray[np.int64] | None = None
    operands: tuple[Rows, ...] = field(default=())

    def write(self, block: Block, result: Rows) -> None:
        """Fill the finish fields of a driver's argument block.

        Raises:
            InternalError: More operands than the block holds.
        """
        if len(self.operands) > finish.MAX_OPERANDS:
            raise InternalError(f"{len(self.operands)} epilogue operands do not fit")
        low, high = self.clip or (-inf, inf)
        values = {
            finish.TILE_AT: tile.address,
            finish.OUTPUT_AT: result.address,
            finish.OUTPUT_PITCH_AT: 4 * result.pitch,
            finish.BIAS_AT: self.bias,
            finish.CLIP_AT: int(self.clip is not None),
            finish.OPERANDS_AT: len(self.operands),
        }
        if self.residual is not None:
            values[finish.RESIDUAL_AT] = self.residual.address
            values[finish.RESIDUAL_PITCH_AT] = 4 * self.residual.pitch
        if self.program is not None:
            values[finish.MACHINE_AT] = MACHINE.address
            values[finish.PROGRAM_AT] = self.program.ctypes.data
        for offset, value in values.items():
            block[offset // 8] = value
        write_float(block, finish.LOW_AT, low)
        write_float(block, finish.HIGH_AT, high)
        for number, rows in enumerate(self.operands):
            at = finish.OPERAND_AT // 8 + finish.OPERAND_FIELDS * number
            steps = (rows.pitch, rows.column, rows.outer, rows.inner)
            block[at : at + finish.OPERAND_FIELDS] = rows.address, *(4 * s for s in steps)

    @property
    def keep(self) -> tuple[object, ...]:
        """What must outlive the command."""
        return () if self.program is None else (self.program,)


def write_float(block: Block, offset: int, value: float) -> None:
    """Put a float32 into a field."""
    block[offset // 8 : offset // 8 + 1].view(np.float32)[0] = value
