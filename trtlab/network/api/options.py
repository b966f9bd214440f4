"""TensorRT's member names over the fields of operators."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Generic, TypeVar, cast, overload

from trtlab.core.dims import Dims
from trtlab.network.api.arguments import (
    axes_of,
    extents,
    mask_of,
    member,
    number,
    truth,
    whole,
)
from trtlab.network.api.layer import ILayer

ValueT = TypeVar("ValueT")
EnumT = TypeVar("EnumT", bound=Enum)


class Option(Generic[ValueT]):
    """A member that reads one field of the operator, and replaces the operator when set.

    Args:
        check: Makes the field's value of what the user gives, or refuses it.
        field: The operator's field; the member's own name when left out.
        shown: Makes what the user reads of the field's value.
    """

    def __init__(
        self,
        check: Callable[[object, str], Any],
        field: str = "",
        shown: Callable[[ILayer, Any], ValueT] | None = None,
    ) -> None:
        self._check = check
        self._field = field
        self._shown = shown

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._field = self._field or name

    @overload
    def __get__(self, layer: None, owner: type) -> "Option[ValueT]": ...
    @overload
    def __get__(self, layer: ILayer, owner: type) -> ValueT: ...
    def __get__(self, layer: ILayer | None, owner: type) -> "Option[ValueT] | ValueT":
        if layer is None:
            return self
        value = getattr(layer.operator, self._field)
        return cast(ValueT, value) if self._shown is None else self._shown(layer, value)

    def __set__(self, layer: ILayer, value: object) -> None:
        what = f"{self._name} of layer {layer.name}"
        layer.set_options(**{self._field: self._check(value, what)})


class AxesMask(Option[int]):
    """A member that shows a tuple of axes as TensorRT's bit mask."""

    def __init__(self, field: str = "axes") -> None:
        super().__init__(whole, field, _shown_mask)

    def __set__(self, layer: ILayer, value: object) -> None:
        axes = axes_of(value, _rank(layer), f"{self._name} of layer {layer.name}")
        layer.set_options(**{self._field: axes})


def _rank(layer: ILayer) -> int:
    tensor = layer.layer.inputs[0]
    return 0 if tensor is None else len(tensor.shape)


def _shown_mask(layer: ILayer, axes: tuple[int, ...]) -> int:
    rank = _rank(layer)
    return mask_of(axes or tuple(range(rank)), rank)


def a_whole(field: str = "") -> Option[int]:
    """An integer."""
    return Option(whole, field)


def a_number(field: str = "") -> Option[float]:
    """A number."""
    return Option(number, field)


def a_truth(field: str = "") -> Option[bool]:
    """True or false."""
    return Option(truth, field)


def one_of(kind: type[EnumT], field: str = "") -> Option[EnumT]:
    """A member of an enumeration."""
    return Option(member(kind), field)


def some_extents(field: str = "") -> Option[Dims]:
    """Dims; empty when not set."""
    return Option(extents, field, lambda _, value: Dims(value or ()))
