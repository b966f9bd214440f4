"""How values are spelled in the text form of networks, and the scanner that reads them."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from enum import Enum
from functools import cache
from typing import cast, get_args, get_type_hints

from trtlab.core.errors import ParseError
from trtlab.core.types import DataType, Dim, Shape, TensorType
from trtlab.layers.base import Op
from trtlab.layers.pointwise import Step

_NAME = re.compile(r"[\w./\-]+")
_WORD = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"-?(?:inf|nan|\d+(?:\.\d*)?(?:e[+-]?\d+)?)")
_EXTENT = re.compile(r'[^\s,\[\]"]+')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SPACE = re.compile(r"\s*")


def quote(name: str) -> str:
    """A name as it is when it has only letters, digits and ``_./-``, else as a JSON string."""
    return name if _NAME.fullmatch(name) else json.dumps(name)


def format_extent(extent: int | Dim) -> str:
    """A number, or a dimension's name, quoted where it could be taken for something else."""
    if isinstance(extent, int):
        return str(extent)
    plain = _EXTENT.fullmatch(extent.name) and not extent.name.lstrip("-").isdigit()
    return extent.name if plain else json.dumps(extent.name)


def format_type(kind: TensorType) -> str:
    """``fp32[batch,64]``."""
    return f"{kind.dtype.value}[{','.join(format_extent(e) for e in kind.shape)}]"


def format_value(value: object) -> str:
    """An attribute's value: enums by their word, sequences in brackets, steps as calls."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value)
        case Dim():
            return "$" + quote(value.name)
        case Step():
            operands = ",".join(f"v{i}" for i in value.operands)
            params = "".join(f";{format_value(p)}" for p in value.params)
            return f"{value.function}({operands}{params})"
        case tuple() | list():
            items = cast(Sequence[object], value)
            return f"[{','.join(format_value(item) for item in items)}]"
        case _:
            return repr(value)


def format_options(op: Op) -> str:
    """``{stride_nd=[2,2]}``: the fields that differ from their defaults, if any."""
    shown = [
        f"{f.name}={format_value(getattr(op, f.name))}"
        for f in fields(op)
        if not _same(getattr(op, f.name), f)
    ]
    return f"{{{', '.join(shown)}}}" if shown else ""


def _same(value: object, of: Field[object]) -> bool:
    return type(value) is type(of.default) and value == of.default


@cache
def enums_of(op_class: type[Op]) -> Mapping[str, tuple[type[Enum], ...]]:
    """The enumerations that each field of an operator may hold."""
    return {name: tuple(_enums(hint)) for name, hint in get_type_hints(op_class).items()}


def _enums(hint: object) -> list[type[Enum]]:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [hint]
    return [found for part in get_args(hint) for found in _enums(part)]


class Scanner:
    """Reads one line of the text form from left to right.

    Args:
        text: The line.
        number: Its number, from 1, for messages.
    """

    def __init__(self, text: str, number: int) -> None:
        self.text, self.number, self.position = text, number, 0

    def fail(self, wanted: str) -> ParseError:
        """The error that something else was expected here."""
        rest = self.text[self.position : self.position + 30].strip() or "the end of the line"
        return ParseError(
            f"expected {wanted}, found {rest!r}",
            where=(f"line {self.number}: {self.text.strip()}",),
            hint="the text form is what trtlab.network.text.dump writes",
        )

    def accept(self, literal: str) -> bool:
        """Whether the literal comes next; it is passed over if so."""
        self._skip_space()
        if not self.text.startswith(literal, self.position):
            return False
        self.position += len(literal)
        return True

    def expect(self, literal: str) -> None:
        """Pass over the literal, which must come next."""
        if not self.accept(literal):
            raise self.fail(repr(literal))

    def at_end(self) -> bool:
        """Whether nothing but blanks is left."""
        self._skip_space()
        return self.position == len(self.text)

    def word(self) -> str:
        """A keyword, function or field name."""
        return self._take(_WORD, "a word")

    def name(self) -> str:
        """A plain or quoted name."""
        return self._string() if self._peek() == '"' else self._take(_NAME, "a name")

    def tensor_type(self) -> TensorType:
        """``fp32[batch,64]``."""
        word = self.word()
        dtype = next((d for d in DataType if d.value == word), None)
        if dtype is None:
            raise self.fail(f"a data type, not {word!r}, before this")
        self.expect("[")
        return TensorType(dtype, self._shape())

    def _shape(self) -> Shape:
        extents: list[int | Dim] = []
        while not self.accept("]"):
            if extents:
                self.expect(",")
            if self._peek() == '"':
                extents.append(Dim(self._string()))
                continue
            text = self._take(_EXTENT, "a dimension")
            extents.append(int(text) if text.lstrip("-").isdigit() else Dim(text))
        return tuple(extents)

    def value(self, enums: tuple[type[Enum], ...]) -> object:
        """An attribute's value; words are looked up in the given enumerations."""
        start = self._peek()
        if start == "[":
            return self._list(enums)
        if start == '"':
            return self._string()
        if self.accept("$"):
            return Dim(self.name())
        if _NUMBER.match(self.text, self.position):
            return _number(self._take(_NUMBER, "a number"))
        return self._named(enums)

    def _list(self, enums: tuple[type[Enum], ...]) -> tuple[object, ...]:
        self.expect("[")
        items: list[object] = []
        while not self.accept("]"):
            if items:
                self.expect(",")
            items.append(self.value(enums))
        return tuple(items)

    def _named(self, enums: tuple[type[Enum], ...]) -> object:
        word = self.word()
        if self.text.startswith("(", self.position):
            return self._step(word)
        members = [m for enum in enums for m in enum if m.value == word]
        plain = {"null": None, "true": True, "false": False}
        if not members and word not in plain:
            raise self.fail(f"a value, not {word!r}, before this")
        return members[0] if members else plain[word]

    def _step(self, function: str) -> Step:
        self.expect("(")
        operands: list[int] = []
        while self.accept("v") or self.accept(",v"):
            operands.append(int(self._take(_NUMBER, "an operand's number")))
        params: list[float] = []
        while self.accept(";"):
            params.append(_number(self._take(_NUMBER, "a parameter")))
        self.expect(")")
        return Step(function, tuple(operands), tuple(params))

    def _string(self) -> str:
        return str(json.loads(self._take(_STRING, "a quoted string")))

    def _take(self, pattern: re.Pattern[str], wanted: str) -> str:
        self._skip_space()
        found = pattern.match(self.text, self.position)
        if found is None:
            raise self.fail(wanted)
        self.position = found.end()
        return found.group()

    def _peek(self) -> str:
        self._skip_space()
        return self.text[self.position : self.position + 1]

    def _skip_space(self) -> None:
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position


def _number(text: str) -> int | float:
    return (
        int(text) if text.lstrip("-").isdigit() else float(text) if text != "nan" else math.nan
    )
