"""Loops that two strided tensors have in common: a reshape as one nest of copies."""

from trtlab.core.types import StaticShape
from trtlab.tactics.problem import Strides

_Strided = tuple[StaticShape, Strides]


class _Walk:
    """The dimensions of a strided tensor, taken from the innermost on."""

    def __init__(self, tensor: _Strided) -> None:
        self._rest = [(e, s) for e, s in zip(*tensor, strict=True) if e != 1]
        self.extent, self.stride = 1, 1

    def settle(self) -> bool:
        """Have an extent above 1 at hand; False at the end."""
        while self.extent == 1 and self._rest:
            self.extent, self.stride = self._rest.pop()
        return self.extent != 1

    def merge(self) -> bool:
        """Take the next dimension too, where the two lie without holes."""
        if not self._rest or self._rest[-1][1] != self.extent * self.stride:
            return False
        self.extent *= self._rest.pop()[0]
        return True

    def take(self, extent: int) -> int:
        """Cut an inner loop off; returns its stride."""
        stride = self.stride
        self.extent //= extent
        self.stride *= extent
        return stride


def common_loops(a: _Strided, b: _Strided) -> tuple[StaticShape, Strides, Strides] | None:
    """Loops that visit two tensors of as many elements in the same (row-major) order.

    Returns:
        Extents, the strides of ``a`` and those of ``b``; None where a dimension of one would
        have to be cut at a place that no loop of the other has.
    """
    if 0 in a[0]:
        return (0,), (0,), (0,)
    left, right = _Walk(a), _Walk(b)
    loops: list[tuple[int, int, int]] = []
    while left.settle() and right.settle():
        if left.extent % right.extent and right.extent % left.extent:
            if left.merge() or right.merge():
                continue
            return None
        extent = min(left.extent, right.extent)
        loops.append((extent, left.take(extent), right.take(extent)))
    loops.reverse()
    return (
        tuple(extent for extent, _, _ in loops),
        tuple(step for _, step, _ in loops),
        tuple(step for _, _, step in loops),
    )
