"""A problem: one operator on concrete operands. Everything that changes the answer is in it."""

import hashlib
import json
from dataclasses import dataclass

from trtlab.core.types import (
    DataType,
    StaticShape,
    TensorFormat,
    TensorType,
    format_shape,
    nbytes,
)
from trtlab.layers.base import Op

Strides = tuple[int, ...]


def dense_strides(shape: StaticShape, layout: TensorFormat = TensorFormat.LINEAR) -> Strides:
    """Elements from one index to the next along each dimension, without holes.

    LINEAR is row-major. HWC stores [N, C, spatial...] with the channel fastest.
    """
    order = list(range(len(shape)))
    if layout is TensorFormat.HWC:
        order = [0, *order[2:], 1]
    strides = [0] * len(shape)
    step = 1
    for axis in reversed(order):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor as a kernel sees it.

    Attributes:
        dtype: Element type.
        shape: Extents, in the order in which the dimensions are written (N, C, H, W).
        format: How the elements lie.
        strides: Elements along each dimension; they may leave holes (a slice of a larger
            tensor, as when a concatenation's inputs are written in place).
        constant: Known while building; the kernel gets what its `pack` made of it.
    """

    dtype: DataType
    shape: StaticShape
    format: TensorFormat = TensorFormat.LINEAR
    strides: Strides = ()
    constant: bool = False

    def __post_init__(self) -> None:
        if len(self.strides) != len(self.shape):
            object.__setattr__(self, "strides", dense_strides(self.shape, self.format))

    @property
    def is_dense(self) -> bool:
        """No holes: the strides are those of the format (extents of 1 do not matter)."""
        wanted = dense_strides(self.shape, self.format)
        return all(
            s == w or extent == 1
            for s, w, extent in zip(self.strides, wanted, self.shape, strict=True)
        )

    @property
    def pitch(self) -> int:
        """Elements from one pixel (HWC) or row (LINEAR) to the next."""
        if self.format is TensorFormat.HWC and len(self.shape) > 2:
            return self.strides[-1]
        return self.strides[-2] if len(self.shape) > 1 else 1

    @property
    def nbytes(self) -> int:
        """Bytes without holes."""
        return nbytes(self.dtype, self.shape)

    @property
    def span(self) -> int:
        """Elements from the lowest to the highest address, holes included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((e - 1) * abs(s) for e, s in zip(self.shape, self.strides, strict=True))

    def __str__(self) -> str:
        holes = "" if self.is_dense else "/" + ",".join(map(str, self.strides))
        const = "c" if self.constant else ""
        return (
            f"{const}{self.dtype.value}[{format_shape(self.shape)}]{self.format.value}{holes}"
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """An operator with its operands; None stands for an optional input left out."""

    op: Op
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand, ...]

    def __str__(self) -> str:
        options = json.dumps(self.op.attributes(), sort_keys=True, separators=(",", ":"))
        ins = ",".join("-" if i is None else str(i) for i in self.inputs)
        return f"{self.op.kind}{options}({ins})->({','.join(map(str, self.outputs))})"

    @property
    def input_types(self) -> list[TensorType | None]:
        """The inputs as the operator's rules see them."""
        return [None if o is None else TensorType(o.dtype, o.shape) for o in self.inputs]

    @property
    def output_types(self) -> list[TensorType]:
        """The outputs as the operator's rules see them."""
        return [TensorType(o.dtype, o.shape) for o in self.outputs]

    @property
    def has_empty_operand(self) -> bool:
        """Some operand has no elements."""
        return any(o is not None and 0 in o.shape for o in (*self.inputs, *self.outputs))

    @property
    def key(self) -> str:
        """Digest of the text form: equal keys mean the same work."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:24]
