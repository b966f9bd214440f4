"""What users pass to the API, checked and made plain; every refusal says what would do."""

from collections.abc import Callable
from difflib import get_close_matches
from enum import Enum
from operator import index
from typing import Any, TypeVar, cast

import numpy as np

from trtlab.core.dims import integers
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType

MemberT = TypeVar("MemberT", bound=Enum)
_SHOWN = 60
_LISTED = 14
_TRUTHS: tuple[type, ...] = (bool, np.bool_)
_TEXTS: tuple[type, ...] = (str, bytes, dict, set)
_NUMBERS: tuple[type, ...] = (int, float, np.integer, np.floating)


def shown(value: object) -> str:
    """A value in an error message: short."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({type(value).__name__})"


def whole(value: object, what: str, *, least: int | None = None) -> int:
    """An integer.

    Raises:
        UsageError: It is none, or below ``least``.
    """
    if isinstance(value, bool | np.bool_):
        raise UsageError(f"{what} is {value}, not an integer")
    try:
        number = index(cast(Any, value))
    except TypeError:
        raise UsageError(f"{what} is {shown(value)}, not an integer") from None
    if least is not None and number < least:
        raise UsageError(f"{what} is {number}; it must be at least {least}")
    return number


def number(value: object, what: str) -> float:
    """A finite or infinite number.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(
        value, bool
    ):
        raise UsageError(f"{what} is {shown(value)}, not a number")
    return float(cast(float, value))


def truth(value: object, what: str) -> bool:
    """True or false.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(value, _TRUTHS) or (isinstance(value, int) and value in {0, 1}):
        return bool(value)
    raise UsageError(f"{what} is {shown(value)}, not true or false")


def text(value: object, what: str) -> str:
    """A text that is not empty.

    Raises:
        UsageError: It is no text, or empty.
    """
    if not isinstance(value, str) or not value:
        raise UsageError(f"{what} is {shown(value)}, not a text with at least one character")
    return value


def extents(value: object, what: str, *, least: int | None = None) -> tuple[int, ...]:
    """Dims or any sequence of integers.

    Raises:
        UsageError: It is none, or an entry is below ``least``.
    """
    entries = tuple(integers(value, what))
    for entry in entries:
        if least is not None and entry < least:
            raise UsageError(f"{what} {entries} has the entry {entry}, below {least}")
    return entries


def factors(value: object, what: str) -> tuple[float, ...]:
    """A sequence of numbers.

    Raises:
        UsageError: It is none.
    """
    try:
        entries = None if isinstance(value, _TEXTS) else [*cast("list[object]", value)]
    except TypeError:
        entries = None
    if entries is None:
        raise UsageError(f"{what} is {shown(value)}, not a sequence of numbers")
    return tuple(number(entry, what) for entry in entries)


def member(kind: type[MemberT]) -> Callable[[object, str], MemberT]:
    """A check that a value is a member of an enumeration."""

    def check(value: object, what: str) -> MemberT:
        if isinstance(value, kind):
            return value
        names = list(kind.__members__)
        near = get_close_matches(str(value).upper(), names, n=3) or names
        hint = ", ".join(f"{kind.__name__}.{name}" for name in near[:_LISTED])
        more = f" and {len(near) - _LISTED} more" if len(near) > _LISTED else ""
        raise UsageError(
            f"{what} is {shown(value)}, not one of {kind.__name__}", hint=hint + more
        )

    return check


data_type = member(DataType)


def axes_of(mask: object, rank: int, what: str) -> tuple[int, ...]:
    """The axes of a bit mask, in rising order.

    Raises:
        UsageError: It is no mask, empty, or has a bit beyond the last axis.
    """
    if isinstance(mask, list | tuple):
        raise UsageError(
            f"{what} is {shown(cast(object, mask))}; TensorRT takes a bit mask",
            hint="such as 1 << axis, or (1 << 2) | (1 << 3) for the spatial axes",
        )
    bits = whole(mask, what, least=0)
    if not bits or bits >> rank:
        raise UsageError(
            f"{what} is {bits:#b}, no mask of the {rank} axes",
            hint=f"set one or more of bits 0 to {rank - 1}: 1 << axis",
        )
    return tuple(axis for axis in range(rank) if bits >> axis & 1)


def mask_of(axes: tuple[int, ...], rank: int) -> int:
    """The bit mask of axes; negative ones count from the end."""
    return sum(1 << (axis % rank) for axis in set(axes))
