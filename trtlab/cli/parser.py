"""Command lines that are not understood: one sentence and a way out, no page of usage."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn

from trtlab.core.errors import UnsupportedError, UsageError


class CommandParser(ArgumentParser):
    """Raises what `ArgumentParser` prints."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong.

        Raises:
            UsageError: Always.
        """
        raise UsageError(message, hint=f"`{self.prog} --help`")

    def parse(self, words: Sequence[str], missing: Mapping[str, str]) -> Namespace:
        """The arguments.

        Args:
            words: As they were typed.
            missing: Options that people know from elsewhere → why they are not there.

        Raises:
            UsageError: A word is not understood; the hint has the nearest option.
            UnsupportedError: An option is missing.
        """
        args, extra = self.parse_known_args(words)
        if not extra:
            return args
        options = [word.partition("=")[0] for word in extra if word.startswith("-")]
        for option in options:
            if (name := option.lstrip("-")) in missing:
                raise UnsupportedError(f"{option} is not available: {missing[name]}")
        near = self._near(options[0]) if options else ""
        raise UsageError(
            f"unknown option {options[0]}" if options else f"unexpected argument {extra[0]!r}",
            hint=f"did you mean {near}?" if near else f"`{self.prog} --help`",
        )

    def _near(self, word: str) -> str:
        known = {w.lower(): w for w in re.findall(r"(?<!\S)--\w[\w-]*", self.format_help())}
        found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
        return known[found[0]] if found else ""
