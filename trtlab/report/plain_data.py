"""Frozen dataclasses to JSON's plain values and back, driven by their type hints alone.

Understands bool, int, float, str, None, unions of these, ``X | None``, tuples, dicts with
string keys, dataclasses, and ``object`` for anything that JSON can say. Converters are built
once a class.

Floats are rounded where the nearest enclosing name tells the unit: a tenth of a nanosecond is
finer than any clock here, and the files shrink by half. ``json_derived`` names properties that
are written for other readers but never read back.
"""
# ruff: noqa: ANN401  values of any type are this module's subject

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from numbers import Integral, Real
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Encoder = Callable[[Any], Any]
Decoder = Callable[[Any], Any]

_DECIMALS = {"_us": 4, "_ms": 7}  # both: a tenth of a nanosecond
_NAMES: dict[type, str] = {
    list: "a list",
    dict: "an object",
    str: "text",
    NoneType: "null",
    bool: "true or false",
}


class MismatchError(Exception):
    """Plain data do not fit the type; collects the path while it rises."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path = ""

    def under(self, step: str) -> "MismatchError":
        """The same error seen from one level up."""
        self.path = step + self.path
        return self


def to_plain(value: object) -> dict[str, Any]:
    """A dataclass instance as dicts, lists and numbers.

    Raises:
        MismatchError: An ``object`` field holds something that JSON cannot say.
    """
    return _dataclass_encoder(type(value), None)(value)


def from_plain(cls: type[T], data: object) -> T:
    """The dataclass instance that `to_plain` described; unknown keys are ignored.

    Raises:
        MismatchError: A key is missing or a value has another type.
    """
    return _dataclass_decoder(cls)(data)


def _decimals(name: str, inherited: int | None) -> int | None:
    for suffix, digits in _DECIMALS.items():
        if name.endswith(suffix):
            return digits
    return inherited


@lru_cache(maxsize=256)
def _dataclass_encoder(cls: type, decimals: int | None) -> Encoder:
    hints = get_type_hints(cls)
    names = [f.name for f in fields(cls)]
    derived: tuple[str, ...] = getattr(cls, "json_derived", ())
    encoders = {n: _encoder(hints[n], _decimals(n, decimals)) for n in names}
    converted = [(n, e) for n, e in encoders.items() if e is not None]
    keys = (*derived, *names)
    # the repeated last name makes attrgetter return a tuple even for a single key
    read = cast("Callable[[object], tuple[Any, ...]]", attrgetter(*keys, keys[-1]))

    def encode(value: object) -> dict[str, Any]:
        plain = dict(zip(keys, read(value), strict=False))
        for name, convert in converted:
            try:
                plain[name] = convert(plain[name])
            except MismatchError as error:
                raise error.under(f".{name}") from None
        if derived and decimals is not None:
            for name in derived:
                plain[name] = None if plain[name] is None else round(plain[name], decimals)
        return plain

    return encode


def _encoder(hint: Any, decimals: int | None) -> Encoder | None:
    """What turns a value of this type into plain data; None where it is plain already."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _optional_encoder(arguments, decimals)
    if origin is tuple:
        return _sequence_encoder(arguments, decimals)
    if origin is dict:
        inner = _encoder(arguments[1], decimals)
        return dict if inner is None else lambda value: {k: inner(v) for k, v in value.items()}
    if is_dataclass(hint):
        return _dataclass_encoder(cast("type", hint), decimals)
    if hint is object:
        return _plain_object
    if hint is float and decimals is not None:
        return lambda value: round(value, decimals)
    return None


def _optional_encoder(members: tuple[Any, ...], decimals: int | None) -> Encoder | None:
    encoders = [_encoder(m, decimals) for m in members if m is not NoneType]
    needed = [e for e in encoders if e is not None]
    if not needed:
        return None
    if len(encoders) > 1:
        raise TypeError(f"a union of {members} has no plain form; only X | None has")
    convert = needed[0]
    return lambda value: None if value is None else convert(value)


def _sequence_encoder(arguments: tuple[Any, ...], decimals: int | None) -> Encoder:
    if arguments[-1] is Ellipsis or len(set(arguments)) == 1:  # one element type
        inner = _encoder(arguments[0], decimals)
        return list if inner is None else lambda value: [inner(v) for v in value]
    encoders = [_encoder(a, decimals) for a in arguments]
    return lambda value: [
        v if e is None else e(v) for v, e in zip(value, encoders, strict=True)
    ]


def _plain_object(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Integral):  # NumPy's scalars register with these
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain_object(v) for v in cast("list[object]", value)]
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(k): _plain_object(v) for k, v in items}
    raise MismatchError(f"holds a {type(value).__name__}, which JSON cannot say")


@lru_cache(maxsize=256)
def _dataclass_decoder(cls: type[T]) -> Callable[[Any], T]:
    hints = get_type_hints(cls)
    decoders = [(f.name, _decoder(hints[f.name])) for f in fields(cast("Any", cls))]
    required = {
        f.name
        for f in fields(cast("Any", cls))
        if f.default is MISSING and f.default_factory is MISSING
    }

    def decode(data: Any) -> T:
        if type(data) is not dict:
            raise _unexpected("an object", data)
        source = cast("dict[str, Any]", data)
        values: dict[str, Any] = {}
        name = ""
        try:
            for name, convert in decoders:
                if name in source:
                    values[name] = convert(source[name])
                elif name in required:
                    raise MismatchError("is missing")  # noqa: TRY301  takes its path below
        except MismatchError as error:
            raise error.under(f".{name}") from None
        return cls(**values)

    return decode


def _decoder(hint: Any) -> Decoder:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _union_decoder(arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return _list_decoder(arguments[0])
        return _fixed_decoder(arguments)
    if origin is dict:
        return _dict_decoder(arguments[1])
    if is_dataclass(hint):
        return _dataclass_decoder(cast("type", hint))
    if hint is object:
        return _frozen_object
    if hint is float:
        return _decode_float
    if origin is Literal:
        return _literal_decoder(arguments)
    if hint in {int, str, bool}:
        return _scalar_decoder(hint)
    raise TypeError(f"{hint} has no plain form")


def _literal_decoder(allowed: tuple[Any, ...]) -> Decoder:
    expected = "one of " + ", ".join(map(repr, allowed))

    def decode(value: Any) -> Any:
        if value not in allowed:
            raise _unexpected(expected, value)
        return value

    return decode


def _scalar_decoder(kind: type) -> Decoder:
    expected = {int: "a whole number", str: "text", bool: "true or false"}[kind]

    def decode(value: Any) -> Any:
        if type(value) is not kind:
            raise _unexpected(expected, value)
        return value

    return decode


def _decode_float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise _unexpected("a number", value)


def _union_decoder(members: tuple[Any, ...]) -> Decoder:
    optional = NoneType in members
    decoders = [_decoder(m) for m in members if m is not NoneType]

    def decode(value: Any) -> Any:
        if value is None and optional:
            return None
        for convert in decoders[:-1]:
            try:
                return convert(value)
            except MismatchError:
                continue
        return decoders[-1](value)

    return decode


def _list_decoder(element: Any) -> Decoder:
    convert = _decoder(element)
    plain = {int: {int}, str: {str}, bool: {bool}, float: {float}}.get(element)

    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _unexpected("a list", value)
        items = cast("list[Any]", value)
        if plain is not None and set(map(type, items)) <= plain:  # the long ones: at C speed
            return tuple(items)
        result: list[Any] = []
        try:
            for item in items:
                result.append(convert(item))  # noqa: PERF401  the index goes into the error
        except MismatchError as error:
            raise error.under(f"[{len(result)}]") from None
        return tuple(result)

    return decode


def _fixed_decoder(elements: tuple[Any, ...]) -> Decoder:
    decoders = [_decoder(e) for e in elements]

    def decode(value: Any) -> tuple[Any, ...]:
        items = cast("list[Any]", value)
        if type(cast("object", value)) is not list or len(items) != len(decoders):
            raise _unexpected(f"a list of {len(decoders)}", value)
        return tuple(d(v) for d, v in zip(decoders, items, strict=True))

    return decode


def _dict_decoder(element: Any) -> Decoder:
    convert = _decoder(element)

    def decode(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _unexpected("an object", value)
        result: dict[str, Any] = {}
        key = ""
        try:
            for key, item in cast("dict[str, Any]", value).items():
                result[key] = convert(item)
        except MismatchError as error:
            raise error.under(f"[{key!r}]") from None
        return result

    return decode


def _frozen_object(value: Any) -> Any:
    """Lists become tuples: records hold no lists."""
    if type(value) is list:
        return tuple(_frozen_object(v) for v in cast("list[Any]", value))
    if type(value) is dict:
        return {k: _frozen_object(v) for k, v in cast("dict[str, Any]", value).items()}
    return value


def _unexpected(expected: str, value: object) -> MismatchError:
    found = _NAMES.get(type(value)) or f"the number {value}"
    return MismatchError(f"should be {expected} but is {found}")
