"""Objects that refuse attributes they do not have: a misspelt option never goes unnoticed."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from trtlab.core.errors import MissingNameError, UnknownNameError, UnsupportedError

ValueT = TypeVar("ValueT")
_PACKAGE = __name__.partition(".")[0]


def declares(kind: type, name: str) -> bool:
    """Whether a class or one of its bases defines a name."""
    return any(name in base.__dict__ for base in kind.__mro__)


class _Checked:
    """What both forms of sealed objects share: setting an unknown attribute is an error.

    Classes that users derive are theirs: their objects may have any attributes.

    Attributes:
        _own: Public attributes that instances have besides what the class declares.
        _inner: Public names that TensorRT does not have; error messages do not offer them.
        _missing: Names that TensorRT has and the class lacks, with the reason or what to do.
    """

    _own: ClassVar[tuple[str, ...]] = ()
    _inner: ClassVar[tuple[str, ...]] = ()
    _missing: ClassVar[Mapping[str, str]] = {}

    def __setattr__(self, name: str, value: object) -> None:
        if (
            not name.startswith("_")
            and name not in self._own
            and not declares(type(self), name)
            and type(self).__module__.partition(".")[0] == _PACKAGE
        ):
            raise self._unknown(name)
        object.__setattr__(self, name, value)

    @classmethod
    def _unknown(cls, name: str) -> UnknownNameError | MissingNameError:
        """The error that there is no such attribute, with the reason or with similar ones."""
        if name in cls._missing:
            return MissingNameError(
                f"{cls.__name__}.{name} is not available", hint=cls._missing[name]
            )
        names = (n for n in dir(cls) if not n.startswith("_"))
        public = sorted({*names, *cls._own} - {*cls._inner, *cls._missing})
        near = get_close_matches(name, public, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(public)}"
        return UnknownNameError(f"{cls.__name__} has no attribute {name!r}", hint=hint)


class Sealed(_Checked):
    """Base of TensorRT's objects: setting or reading an unknown attribute is an error."""

    if not TYPE_CHECKING:  # which would take every name for one that exists

        def __getattr__(self, name: str) -> object:
            raise self._unknown(name)


class QuickSealed(_Checked):
    """As `Sealed`, for objects that are used with every run: reading costs nothing extra.

    With a ``__getattr__`` Python 3.11 reads every attribute, and calls every method, the slow
    way. So missing names are members that raise, and reading a misspelt one gives Python's
    own error, which has its suggestion too.
    """

    def __init_subclass__(cls) -> None:
        for name in cls._missing:
            setattr(cls, name, _MissingMember(partial(cls._unknown, name)))

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name not in self._missing]


class _MissingMember:
    """A name of TensorRT's that is no attribute here.

    Args:
        error: Makes what using it raises.
    """

    def __init__(self, error: Callable[[], AttributeError]) -> None:
        self._error = error

    def __get__(self, subject: object, owner: type) -> None:
        raise self._error()

    def __set__(self, subject: object, value: object) -> None:
        raise self._error()


class Only(Generic[ValueT]):
    """A member that accepts its one value and refuses others.

    Args:
        value: What it is.
        reason: Why it cannot be anything else.
    """

    def __init__(self, value: ValueT, reason: str) -> None:
        self._value = value
        self._reason = reason

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, subject: object, owner: type) -> ValueT:
        return self._value

    def __set__(self, subject: object, value: object) -> None:
        if type(value) is not type(self._value) or value != self._value:
            raise UnsupportedError(
                f"{self._name} = {value!r} is not available", hint=self._reason
            )
