"""The part of a tensor that a Slice takes, axis by axis."""

from dataclasses import dataclass

from trtlab.core.enums import SampleMode
from trtlab.core.types import Dim
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Layer, Tensor

Extent = int | Dim


@dataclass(frozen=True, slots=True)
class Range:
    """What a slice takes along one axis.

    Attributes:
        axis: Counted from the front.
        start: First index; None when it is not known.
        size: Number of elements.
        stride: From one to the next.
    """

    axis: int
    start: Extent | None
    size: Extent | None
    stride: Extent | None

    @property
    def numbers(self) -> tuple[int, int, int] | None:
        """Start, size and stride when all are plain numbers."""
        if isinstance(self.start, int) and isinstance(self.size, int):
            return (
                (self.start, self.size, self.stride) if isinstance(self.stride, int) else None
            )
        return None


def ranges_of(layer: Layer) -> tuple[Range, ...] | None:
    """The axes that a Slice does not take whole; None for other layers."""
    op, x = layer.op, layer.inputs[0] if layer.inputs else None
    if x is None or not isinstance(op, Slice):
        return None
    values = [None if t is None else t.value for t in layer.inputs]
    boxes = op.resolve(x.shape, values, [t is not None for t in layer.inputs])
    return tuple(
        Range(axis, *box) for axis, box in enumerate(boxes) if box != (0, x.shape[axis], 1)
    )


def slice_of(
    tensor: Tensor,
    ranges: tuple[Range, ...],
    mode: SampleMode = SampleMode.STRICT_BOUNDS,
    fill: Tensor | None = None,
) -> tuple[Slice, tuple[Tensor | None, ...]] | None:
    """The Slice and its inputs; None when a range is not known as numbers."""
    numbers = [r.numbers for r in ranges]
    known = [n for n in numbers if n is not None]
    if len(known) != len(numbers):
        return None
    op = Slice(
        start=tuple(n[0] for n in known),
        shape=tuple(n[1] for n in known),
        stride=tuple(n[2] for n in known),
        axes=tuple(r.axis for r in ranges),
        mode=mode,
    )
    return op, (tensor,) if fill is None else (tensor, None, None, None, fill)
