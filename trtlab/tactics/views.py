"""Layers that compute nothing: their output is their input's memory under another shape."""

from trtlab.core.types import TensorFormat
from trtlab.layers.creation import Constant
from trtlab.layers.scale import Cast, Identity
from trtlab.layers.shuffle import Shuffle, Squeeze, Unsqueeze
from trtlab.tactics.problem import Operand, Problem


def is_view(problem: Problem) -> bool:
    """Whether the output can share its input's bytes, element for element in the same order."""
    if isinstance(problem.op, Constant):
        return True
    if not problem.inputs or problem.inputs[0] is None or len(problem.outputs) != 1:
        return False
    source, target = problem.inputs[0], problem.outputs[0]
    if source.constant or source.dtype is not target.dtype:
        return False
    if not (is_row_major(source) and is_row_major(target)):
        return False
    if isinstance(problem.op, Shuffle):
        first, second = problem.op.first_transpose, problem.op.second_transpose
        return _keeps_order(
            first, tuple(source.shape[axis] for axis in first)
        ) and _keeps_order(second, target.shape)
    return isinstance(problem.op, Squeeze | Unsqueeze | Identity | Cast)


def is_row_major(operand: Operand) -> bool:
    """Whether the bytes lie as LINEAR, or as a format that comes to the same for this shape."""
    if not operand.is_dense:
        return False
    if operand.format is TensorFormat.LINEAR:
        return True
    return operand.shape[1] == 1 or all(extent == 1 for extent in operand.shape[2:])


def _keeps_order(permutation: tuple[int, ...], result: tuple[int, ...]) -> bool:
    """A permutation that only moves extents of 1 leaves the order of elements as it is."""
    moved = [axis for axis, extent in zip(permutation, result, strict=False) if extent != 1]
    return moved == sorted(moved)
