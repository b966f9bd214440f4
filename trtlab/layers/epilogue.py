"""A pointwise program at the end of a convolution or matrix product.

The main result is value 0 of the program; extra operands are values 1, 2, … and broadcast
against the result.
"""

from collections.abc import Sequence

from trtlab.core.types import TensorType, static, volume
from trtlab.layers.base import Array, broadcast, present, require, same_dtype, str_shape
from trtlab.layers.pointwise import Program, check_program, program_flops, run_program


def infer_epilogue(
    program: Program, result: TensorType, operands: Sequence[TensorType | None]
) -> TensorType:
    """The type after the program: that of the main result.

    Raises:
        InvalidNetworkError: The program is wrong, or an operand does not broadcast.
    """
    types = [present(t, f"epilogue operand {i + 1}") for i, t in enumerate(operands)]
    check_program(program, 1 + len(types))
    same_dtype([result, *types], "the result and its epilogue operands")
    for number, operand in enumerate(types, start=1):
        shape = broadcast([result.shape, operand.shape])
        require(
            len(shape) == result.rank and _agrees(shape, result.shape),
            f"epilogue operand {number} {str_shape(operand.shape)} does not broadcast to "
            f"the result {str_shape(result.shape)}",
        )
    return result


def _agrees(shape: Sequence[object], result: Sequence[object]) -> bool:
    """Broadcasting did not enlarge a known extent of the result."""
    pairs = zip(shape, result, strict=True)
    return all(a == b or not isinstance(b, int) for a, b in pairs)


def run_epilogue(program: Program, result: Array, operands: Sequence[Array | None]) -> Array:
    """The program's NumPy meaning on a main result."""
    if not program:
        return result
    extra = [x.astype(result.dtype, copy=False) for x in operands if x is not None]
    return run_program(program, [result, *extra])


def epilogue_flops(program: Program, result: TensorType) -> int:
    """Program cost times elements of the result."""
    return program_flops(program) * volume(static(result.shape)) if program else 0
