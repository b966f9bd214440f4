"""Strided tensors without their names: shapes and strides in the fewest dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from trtlab.core.types import StaticShape
from trtlab.tactics.problem import Operand, Strides


@dataclass(frozen=True, slots=True)
class Loops:
    """A nest of loops over several tensors at once.

    Attributes:
        shape: Extents, outermost loop first; no extent is 1.
        strides: For each tensor its strides along the loops.
    """

    shape: StaticShape
    strides: tuple[Strides, ...]

    @property
    def volume(self) -> int:
        """How many elements the nest visits."""
        return prod(self.shape)

    def padded(self, rank: int) -> "Loops":
        """The same with loops of one turn put in front, up to ``rank`` loops."""
        missing = rank - len(self.shape)
        zeros = (0,) * missing
        return Loops((1,) * missing + self.shape, tuple(zeros + s for s in self.strides))


def broadcast_strides(operand: Operand, shape: StaticShape) -> Strides:
    """Strides of an operand along the dimensions of the shape that it is broadcast to."""
    lead = len(shape) - len(operand.shape)
    own = (
        0 if extent == 1 else stride
        for extent, stride in zip(operand.shape, operand.strides, strict=True)
    )
    return (0,) * lead + tuple(own)


def nest(shape: StaticShape, strides: Sequence[Strides], *, reorder: bool = True) -> Loops:
    """The fewest loops that visit all elements of tensors of one shape.

    Args:
        shape: Extents of all tensors.
        strides: One tuple a tensor, in any unit; the first tensor decides the order.
        reorder: Loops may change places; the first tensor's smallest stride is innermost.
    """
    kept = [axis for axis, extent in enumerate(shape) if extent != 1]
    if reorder:
        kept.sort(key=lambda axis: -abs(strides[0][axis]))
    loops: list[tuple[int, tuple[int, ...]]] = []
    for axis in kept:
        own = tuple(s[axis] for s in strides)
        if loops:
            extent, outer = loops[-1]
            if all(o == i * shape[axis] for o, i in zip(outer, own, strict=True)):
                loops[-1] = (extent * shape[axis], own)
                continue
        loops.append((shape[axis], own))
    return Loops(
        tuple(extent for extent, _ in loops),
        tuple(tuple(own[i] for _, own in loops) for i in range(len(strides))),
    )


def split_nest(
    shape: StaticShape, strides: Sequence[Strides], axes: Sequence[int]
) -> tuple[Loops, Loops]:
    """Loops over the other axes and loops over the given ones, as `nest` makes them."""

    def over(chosen: Sequence[int]) -> Loops:
        picked = [tuple(s[axis] for axis in chosen) for s in strides]
        return nest(tuple(shape[axis] for axis in chosen), picked)

    others = [axis for axis in range(len(shape)) if axis not in axes]
    return over(others), over(sorted(axes))
