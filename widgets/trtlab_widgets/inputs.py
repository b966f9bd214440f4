"""What people type into a form, read and checked: shapes, ranges of shapes, sizes.

Every function returns a value and a message; the message is empty when the value can be used.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from trtlab.session.requests import Extents, ShapeRange

T = TypeVar("T")

_SEPARATORS = re.compile(r"[\s,x×*]+")
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt]?)i?b?", re.I)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_PLACES = ("min", "opt", "max")


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """A value that can be used, or the reason why not.

    Attributes:
        value: None when the field is empty or wrong.
        problem: One sentence for the person who typed; empty when all is well.
    """

    value: T | None
    problem: str = ""


def read_extents(text: str, declared: Sequence[int | str]) -> Checked[Extents]:
    """A shape such as ``1, 3, 224, 224`` or ``1×3×224×224``, checked against the model's.

    Args:
        text: What was typed; empty means no shape.
        declared: The model's dimensions; texts are dynamic ones.
    """
    words = [word for word in _SEPARATORS.split(text.strip(" ()[]")) if word]
    if not words:
        return Checked(None)
    wrong = [word for word in words if not word.isdecimal() or int(word) < 1]
    if wrong:
        return Checked(None, f"{wrong[0]!r} is not a positive whole number")
    extents = tuple(int(word) for word in words)
    if len(extents) != len(declared):
        return Checked(
            None, f"{len(declared)} dimensions are needed, {len(extents)} are given"
        )
    for place, (extent, fixed) in enumerate(zip(extents, declared, strict=True)):
        if isinstance(fixed, int) and extent != fixed:
            return Checked(None, f"dimension {place} is {fixed} in the model, not {extent}")
    return Checked(extents)


def read_range(texts: Sequence[str], declared: Sequence[int | str]) -> Checked[ShapeRange]:
    """Three shapes with min ≤ opt ≤ max in every dimension; all empty means no range."""
    shapes: list[Extents] = []
    for name, text in zip(_PLACES, texts, strict=True):
        read = read_extents(text, declared)
        if read.problem:
            return Checked(None, f"{name}: {read.problem}")
        if read.value is not None:
            shapes.append(read.value)
    if not shapes:
        return Checked(None)
    if len(shapes) != len(_PLACES):
        return Checked(None, "give min, opt and max, or none of them")
    low, likely, high = shapes
    for place, (a, b, c) in enumerate(zip(low, likely, high, strict=True)):
        if a > b:
            return Checked(None, f"dimension {place}: min {a} is above opt {b}")
        if b > c:
            return Checked(None, f"dimension {place}: opt {b} is above max {c}")
    return Checked((low, likely, high))


def read_within(
    text: str, declared: Sequence[int | str], limits: ShapeRange | None
) -> Checked[Extents]:
    """A shape to run at, which must lie in the range that the engine is built for."""
    read = read_extents(text, declared)
    if read.value is None or limits is None:
        return read
    low, _, high = limits
    for place, (a, extent, c) in enumerate(zip(low, read.value, high, strict=True)):
        if not a <= extent <= c:
            return Checked(None, f"dimension {place}: {extent} is not between {a} and {c}")
    return read


def read_size(text: str) -> Checked[int]:
    """Bytes such as ``512 MiB``, ``1.5G`` or ``4096``; empty means no limit."""
    if not text.strip():
        return Checked(None)
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return Checked(None, "write a size such as 512 MiB or 2 GiB")
    size = int(float(match["number"]) * _UNITS[match["unit"].lower()])
    return Checked(size) if size > 0 else Checked(None, "a limit must be above zero")


def extents_text(extents: Sequence[int | str]) -> str:
    """A shape as the form writes it: ``1×3×224×224``."""
    return "×".join(str(extent) for extent in extents)
