"""How values are spelled in the text form of networks, and the scanner that reads them."""

import json
import re
from dataclasses import Field, fields
from enum import Enum
from typing import cast

from trtlab.core.errors import ParseError
from trtlab.core.types import DataType, Dim, Shape, TensorType
from trtlab.layers.base import Op
from trtlab.layers.pointwise import Step

_NAME = re.compile(r"[\w./\-]+")
_WORD = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"-?(?:inf|nan|\d+(?:\.\d*)?(?:e[+-]?\d+)?)\b")
_STEP = re.compile(r"\w+\([^()]*\)")
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
    """An option's value: enums and steps by their text, sequences in brackets."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case Step():
            return str(value)
        case tuple():
            items = cast(tuple[object, ...], value)
            return f"[{','.join(format_value(item) for item in items)}]"
        case str():
            return json.dumps(value)
        case _:
            return repr(value)


def format_options(op: Op) -> str:
    """``{stride_nd=[2,2]}``: the fields that differ from their defaults, if any."""
    shown = [
        f"{field.name}={format_value(value)}"
        for field, value in ((field, _value_of(op, field)) for field in fields(op))
        if type(value) is not type(field.default) or value != field.default
    ]
    return f"{{{', '.join(shown)}}}" if shown else ""


def _value_of(op: Op, field: Field[object]) -> object:
    """The option; a whole number where a fraction may stand is spelled as one."""
    value: object = getattr(op, field.name)
    return float(value) if field.type is float and isinstance(value, int) else value


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
        """A keyword, or the name of a layer type or option."""
        return self._take(_WORD, "a word")

    def name(self) -> str:
        """A plain or quoted name."""
        return self._string() if self._peek() == '"' else self._take(_NAME, "a name")

    def data_type(self) -> DataType:
        """``fp32``."""
        word = self.word()
        found = next((d for d in DataType if d.value == word), None)
        if found is None:
            raise self.fail(f"a data type, not {word!r}, before this")
        return found

    def tensor_type(self) -> TensorType:
        """``fp32[batch,64]``."""
        dtype = self.data_type()
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

    def options(self) -> dict[str, object]:
        """``{name=value, …}`` as plain values; empty when there is none."""
        found: dict[str, object] = {}
        if not self.accept("{"):
            return found
        while not self.accept("}"):
            if found:
                self.expect(",")
            name = self.word()
            self.expect("=")
            found[name] = self._value()
        return found

    def _value(self) -> object:
        """A number, text, list, or the word of an enum or step."""
        start = self._peek()
        if start == "[":
            return self._list()
        if start == '"':
            return self._string()
        for pattern, read in ((_NUMBER, _number), (_STEP, str)):
            if pattern.match(self.text, self.position):
                return read(self._take(pattern, "a value"))
        word = self._take(_WORD, "a value")
        plain: dict[str, object] = {"null": None, "true": True, "false": False}
        return plain.get(word, word)

    def _list(self) -> list[object]:
        self.expect("[")
        items: list[object] = []
        while not self.accept("]"):
            if items:
                self.expect(",")
            items.append(self._value())
        return items

    def _string(self) -> str:
        return str(json.loads(self._take(_STRING, "a quoted text")))

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
    return int(text) if text.lstrip("-").isdigit() else float(text)
