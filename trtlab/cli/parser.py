"""Command lines that are not understood: one sentence and a way out, no page of usage."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NoReturn, cast

from trtlab.core.errors import UnsupportedError, UsageError

_NOTHING: Mapping[str, str] = MappingProxyType({})
_MOST_NAMED = 4
_ALIKE, _CLOSELY_ALIKE = 0.6, 0.8  # of difflib's 1


class CommandParser(ArgumentParser):
    """Raises what `ArgumentParser` prints, and takes options by their whole names only.

    A beginning that stands for an option today would stand for another one when more are added.
    """

    def __init__(self, *words: Any, **settings: Any) -> None:  # noqa: ANN401 - argparse's
        super().__init__(*words, **settings)
        self.allow_abbrev = False

    def error(self, message: str) -> NoReturn:
        """Say what is wrong.

        Raises:
            UsageError: Always.
        """
        raise UsageError(message, hint=f"`{self.prog} --help`")

    def parse(
        self,
        words: Sequence[str],
        missing: Mapping[str, str],
        instead: Mapping[str, str] = _NOTHING,
    ) -> Namespace:
        """The arguments.

        Args:
            words: As they were typed.
            missing: Options that people know from elsewhere → why they are not there.
            instead: Options of other commands, also with their value (``precision fp16``) →
                what says the same here.

        Raises:
            UsageError: A word is not understood; the hint has the nearest options.
            UnsupportedError: An option is missing.
        """
        args, extra = self.parse_known_args(words)
        if not extra:
            return args
        options = [word.partition("=")[0] for word in extra if word.startswith("-")]
        for option in options:
            if (name := option.lstrip("-")) in missing:
                raise UnsupportedError(f"{option} is not available: {missing[name]}")
        if not options:
            hint = f"`{self.prog} --help`"
            raise UsageError(f"unexpected argument {extra[0]!r}", hint=hint)
        raise UsageError(
            f"unknown option {options[0]}",
            hint=_same_here(extra, instead) or self._near(options[0]),
        )

    def options(self) -> list[str]:
        """All options, those of commands within the command too."""
        found: list[str] = re.findall(r"(?<!\S)--\w[\w-]*", self.format_help())
        for action in self._actions:
            choices = cast("object", action.choices)
            if isinstance(choices, Mapping):
                within = cast("Mapping[str, object]", choices)
                parsers = [p for p in within.values() if isinstance(p, CommandParser)]
                found += [name for parser in parsers for name in parser.options()]
        return found

    def _near(self, word: str) -> str:
        """The options that the word may stand for, as a question; else where they all are."""
        known = {name.lower(): name for name in self.options()}
        low = word.lower()
        found = (
            [name for name in known if name.startswith(low)][:_MOST_NAMED]
            or get_close_matches(low, known, n=_MOST_NAMED, cutoff=_CLOSELY_ALIKE)
            or get_close_matches(low, known, n=1, cutoff=_ALIKE)
        )
        if not found:
            return f"`{self.prog} --help`"
        *others, last = (known[name] for name in found)
        return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def _same_here(extra: Sequence[str], instead: Mapping[str, str]) -> str:
    """What to type for the first unknown option, if that is known; depends on its value."""
    place = next(i for i, word in enumerate(extra) if word.startswith("-"))
    name, equals, value = extra[place].lstrip("-").partition("=")
    if not equals:
        value = extra[place + 1] if place + 1 < len(extra) else ""
    return instead.get(f"{name} {value.lower()}") or instead.get(name, "")
