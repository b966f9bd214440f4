"""The contract of every operator: options, type rule, cost and NumPy meaning in one place."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from math import prod
from typing import Any, ClassVar, cast

import numpy as np

from trtlab.core.errors import InvalidNetworkError
from trtlab.core.types import DataType, Dim, Shape, TensorType, nbytes, static

Array = np.ndarray[Any, np.dtype[Any]]
# The integers a shape tensor holds as far as they are known while building: an object array
# of int and Dim with the tensor's own shape, or None when nothing is known.
ShapeValue = Array | None
# Larger integer tensors are data, not shape arithmetic.
MAX_SHAPE_VALUES = 4096


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

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """The integers that the outputs hold, where they follow from the arguments.

        This is how ``Shape → Gather → Concatenation → Shuffle`` chains resolve while building.

        Args:
            inputs: As for `infer`.
            values: As for `infer`.
            outputs: What `infer` returned.

        Returns:
            One entry an output: an object array of its shape, or None when unknown.
        """
        del inputs, values
        return (None,) * len(outputs)

    def placed(self, layer: str) -> "Op":
        """The operator as a layer of that name carries it."""
        del layer
        return self

    def plausible(self, index: int, drawn: Array) -> Array:
        """What an input holds where only the time counts: random values, as far as they do.

        Args:
            index: Of the input.
            drawn: Random values; not changed.

        Returns:
            Values of the same type and shape that the operator can work on.
        """
        del index
        return drawn

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
        return [_plain(item) for item in cast(tuple[object, ...], value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def require(condition: bool, what: str, *, hint: str = "") -> None:  # noqa: FBT001 - reads as a sentence
    """Raise InvalidNetworkError unless the condition holds."""
    if not condition:
        raise InvalidNetworkError(what, hint=hint)


def present(value: TensorType | None, role: str) -> TensorType:
    """The type of an input that must be there."""
    if value is None:
        raise InvalidNetworkError(f"the {role} input is missing")
    return value


def broadcast(shapes: Sequence[Shape], what: str = "") -> Shape:
    """NumPy's broadcasting over known and named dimensions.

    A named dimension against a number other than 1 takes the number: the two must be equal
    for the network to be valid, and the run-time check on static shapes sees to that.

    Args:
        shapes: Of the operands.
        what: What a refusal calls them; the shapes themselves by default.

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
            named = what or f"shapes {' and '.join(map(str_shape, shapes))}"
            met = " meets ".join(str(n) for n in dict.fromkeys(extents) if n in numbers)
            raise InvalidNetworkError(f"{named} do not broadcast: {met}")
        result.append(numbers.pop() if numbers else names[0] if names else 1)
    return tuple(result)


def str_shape(shape: Shape) -> str:
    """``(1, 3, batch)`` for messages."""
    return "(" + ", ".join(str(extent) for extent in shape) + ")"


def unify(extents: Sequence[int | Dim], what: str) -> int | Dim:
    """The one size that all extents are; a number wins over a name.

    Raises:
        InvalidNetworkError: Two numbers differ.
    """
    numbers = {extent for extent in extents if isinstance(extent, int)}
    if len(numbers) > 1:
        raise InvalidNetworkError(f"{what}: {' and '.join(str(e) for e in extents)} differ")
    return numbers.pop() if numbers else extents[0]


def axis_in(axis: int, rank: int, what: str = "axis") -> int:
    """The axis counted from the front; a negative one counts from the back.

    Raises:
        InvalidNetworkError: There is no such axis.
    """
    if not -rank <= axis < rank:
        raise InvalidNetworkError(f"{what} {axis} is outside a tensor of {rank} dimensions")
    return axis % rank


def axes_in(axes: Sequence[int], rank: int, what: str = "axis") -> tuple[int, ...]:
    """Distinct axes counted from the front, in the given order.

    Raises:
        InvalidNetworkError: One does not exist or comes twice.
    """
    found = tuple(axis_in(axis, rank, what) for axis in axes)
    require(
        len(set(found)) == len(found),
        f"{what} list {', '.join(map(str, axes))} names an axis twice",
    )
    return found


def same_dtype(types: Sequence[TensorType], what: str) -> None:
    """Raise InvalidNetworkError unless all have one element type."""
    names = [t.dtype.value for t in types]
    require(
        len(set(names)) <= 1,
        f"{what} differ in type: {', '.join(names)}",
        hint="insert a Cast so that they agree",
    )


def extents_of(value: ShapeValue) -> tuple[int | Dim, ...] | None:
    """The entries of a known shape tensor as plain integers and dimensions."""
    if value is None:
        return None
    return tuple(entry if isinstance(entry, Dim) else int(entry) for entry in value.flat)


def small_shape(shape: Shape) -> tuple[int, ...] | None:
    """The shape as numbers if a tensor of it may count as shape arithmetic, else None."""
    extents = tuple(extent for extent in shape if isinstance(extent, int))
    if len(extents) != len(shape) or any(e > MAX_SHAPE_VALUES for e in extents):
        return None
    return extents if prod(extents) <= MAX_SHAPE_VALUES else None


def shape_value(entries: Sequence[int | Dim], shape: Sequence[int] | None = None) -> Array:
    """The object array of a shape tensor; one-dimensional unless a shape is given."""
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array if shape is None else array.reshape(tuple(shape))


def positions(count: int, start: int = 0, step: int = 1) -> Array:
    """``start + step · (0, 1, …, count − 1)`` as int64."""
    return start + step * np.arange(count, dtype=np.int64)


def given(inputs: Sequence[Array | None], index: int) -> Array | None:
    """An optional input of `Op.evaluate`."""
    return inputs[index] if index < len(inputs) else None


def needed(inputs: Sequence[Array | None], index: int, role: str) -> Array:
    """An input of `Op.evaluate` that must be there."""
    value = given(inputs, index)
    if value is None:
        raise InvalidNetworkError(f"the {role} input is missing")
    return value


def optional(inputs: Sequence[TensorType | None], index: int) -> TensorType | None:
    """The type of an optional input."""
    return inputs[index] if index < len(inputs) else None


def wanted(inputs: Sequence[TensorType | None], index: int, role: str) -> TensorType:
    """The type of an input that must be there, by position."""
    return present(optional(inputs, index), role)


def known(values: Sequence[ShapeValue], index: int) -> ShapeValue:
    """The known integers of an input, None beyond the last."""
    return values[index] if index < len(values) else None


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to accumulate in: float32 for narrower floats, else the type itself."""
    narrow = DataType.from_numpy(dtype).is_float and dtype.itemsize < 4
    return np.dtype(np.float32) if narrow else dtype
