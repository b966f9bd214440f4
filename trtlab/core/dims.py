"""TensorRT's lists of extents: Dims and its fixed-length forms, and Permutation."""

from collections.abc import Iterable
from operator import index
from typing import Any, ClassVar, cast

from trtlab.core.errors import UsageError

MAX_DIMS = 8
_NOT_ORDERED: tuple[type, ...] = (str, bytes, dict, set)


def integers(values: object, what: str) -> list[int]:
    """The entries of a sequence as plain integers.

    Raises:
        UsageError: It is no sequence of whole numbers.
    """
    hint = "such as (1, 3, 224, 224)"
    try:
        entries = (
            None if isinstance(values, _NOT_ORDERED) else [*cast("Iterable[Any]", values)]
        )
    except TypeError:
        entries = None
    if entries is None:
        raise UsageError(f"{what} is {values!r}, not a sequence of integers", hint=hint)
    found: list[int] = []
    for entry in entries:
        try:
            found.append(index(entry))
        except TypeError:
            raise UsageError(
                f"{what} has the entry {entry!r}, which is no integer", hint=hint
            ) from None
    return found


class Dims(list[int]):
    """Extents of a tensor; −1 stands for one that is known when running only.

    Compares with any sequence. Changing an entry changes nothing else: it is a copy, as
    TensorRT's are.

    Args:
        shape: Up to `MAX_DIMS` extents as one sequence; the forms of fixed length also take
            one argument an extent, and are zeros without any.

    Raises:
        UsageError: Too many or too few, or no integers.
    """

    MAX_DIMS: ClassVar[int] = MAX_DIMS
    length: ClassVar[int | None] = None

    def __init__(self, *shape: int | Iterable[int]) -> None:
        given: object = shape[0] if len(shape) == 1 else shape
        if self.length is not None and not shape:
            given = (0,) * self.length
        entries = integers(given, type(self).__name__)
        if len(entries) > MAX_DIMS:
            raise UsageError(f"{len(entries)} dimensions are too many: {entries}")
        if self.length is not None and len(entries) != self.length:
            raise UsageError(f"{type(self).__name__} has {self.length} entries, got {entries}")
        super().__init__(entries)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | tuple):
            return NotImplemented
        return tuple(self) == tuple(cast("tuple[object, ...]", other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # pyright: ignore[reportAssignmentType] - mutable, as in TensorRT

    def __repr__(self) -> str:
        return repr(tuple(self))


class Dims2(Dims):
    """Two extents."""

    length = 2


class DimsHW(Dims2):
    """Height and width."""

    @property
    def h(self) -> int:
        """Height."""
        return self[0]

    @h.setter
    def h(self, extent: int) -> None:
        self[0] = extent

    @property
    def w(self) -> int:
        """Width."""
        return self[1]

    @w.setter
    def w(self, extent: int) -> None:
        self[1] = extent


class Dims3(Dims):
    """Three extents."""

    length = 3


class Dims4(Dims):
    """Four extents."""

    length = 4


class Permutation(Dims):
    """An order of axes: entry i is the axis that comes to place i.

    Raises:
        UsageError: Not every axis comes once.
    """

    def __init__(self, *order: int | Iterable[int]) -> None:
        super().__init__(*order)
        if sorted(self) != list(range(len(self))):
            raise UsageError(f"{tuple(self)} is no permutation of 0 to {len(self) - 1}")
