"""The contract of every operator: options, type rule, cost and NumPy meaning in one place."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, ClassVar

import numpy as np

from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import Dim, Shape, TensorType, nbytes, static

Array = np.ndarray[Any, np.dtype[Any]]
# The integers a shape tensor holds as far as they are known while building: an object array
# of int and Dim with the tensor's own shape, or None when nothing is known.
ShapeValue = Array | None


@dataclass(frozen=True)
class Op(ABC):
    """What a layer computes.

    Attributes:
        kind: TensorRT's layer type, or the name of one of trtlab's fused types.
    """

    kind: ClassVar[str]

    @abstractmethod
    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Types of the outputs.

        Args:
            inputs: Types of the inputs; None for an optional input left out.
            values: Known integers of shape-tensor and constant integer inputs, else None.

        Raises:
            InvalidNetworkError: The inputs contradict the operator.
        """

    @abstractmethod
    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """The outputs, computed by NumPy in the inputs' precision (float64 stays float64)."""

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Floating-point operations on static types; a fused multiply-add counts as two."""
        del inputs, outputs
        return 0

    def traffic_bytes(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]
    ) -> int:
        """The least bytes to move: every input read once, every output written once."""
        present = [t for t in (*inputs, *outputs) if t is not None]
        return sum(nbytes(t.dtype, static(t.shape)) for t in present)

    def attributes(self) -> dict[str, object]:
        """The options as plain values, for text forms and the inspector."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def require(condition: bool, what: str, *, hint: str = "") -> None:  # noqa: FBT001 - reads as a sentence
    """Raise InvalidNetworkError unless the condition holds."""
    if not condition:
        raise InvalidNetworkError(what, hint=hint)


def present(value: TensorType | None, role: str) -> TensorType:
    """The type of an input that must be there."""
    if value is None:
        raise InvalidNetworkError(f"the {role} input is missing")
    return value


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """NumPy's broadcasting over known and named dimensions.

    A named dimension against a number other than 1 takes the number: the two must be equal
    for the network to be valid, and the run-time check on static shapes sees to that.

    Raises:
        InvalidNetworkError: Two numbers differ and neither is 1.
    """
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[int | Dim] = []
    for position in range(-rank, 0):
        extents = [shape[position] for shape in shapes if len(shape) >= -position]
        numbers = {extent for extent in extents if isinstance(extent, int) and extent != 1}
        names = [extent for extent in extents if isinstance(extent, Dim)]
        if len(numbers) > 1:
            raise InvalidNetworkError(f"shapes {list(map(str_shape, shapes))} do not broadcast")
        result.append(numbers.pop() if numbers else names[0] if names else 1)
    return tuple(result)


def str_shape(shape: Shape) -> str:
    """``(1, 3, batch)`` for messages."""
    return "(" + ", ".join(str(extent) for extent in shape) + ")"
