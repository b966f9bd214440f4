"""Objects that refuse attributes they do not have: a misspelt option never goes unnoticed."""

from difflib import get_close_matches
from typing import ClassVar

from trtlab.core.errors import UnknownNameError


def declares(kind: type, name: str) -> bool:
    """Whether a class or one of its bases defines a name."""
    return any(name in base.__dict__ for base in kind.__mro__)


class Sealed:
    """Base of TensorRT's objects: setting or reading an unknown attribute is an error.

    Attributes:
        _own: Public attributes that instances have besides what the class declares.
        _inner: Public names that TensorRT does not have; error messages do not offer them.
    """

    _own: ClassVar[tuple[str, ...]] = ()
    _inner: ClassVar[tuple[str, ...]] = ()

    def __setattr__(self, name: str, value: object) -> None:
        if (
            not name.startswith("_")
            and name not in self._own
            and not declares(type(self), name)
        ):
            raise self._unknown(name)
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> object:
        raise self._unknown(name)

    def _unknown(self, name: str) -> UnknownNameError:
        """The error that there is no such attribute, with similar ones."""
        kind = type(self)
        names = (n for n in dir(kind) if not n.startswith("_"))
        public = [n for n in names if n not in self._inner]
        near = get_close_matches(name, public, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(public)}"
        return UnknownNameError(f"{kind.__name__} has no attribute {name!r}", hint=hint)
