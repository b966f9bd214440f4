"""What a command is: its docstring is its help."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

CLEAR_LINE = "\r\x1b[2K"  # what a terminal takes for an empty line that begins anew


class Command(ABC):
    """One command of ``trtlab``.

    Attributes:
        name: As it is typed.
        missing: Options that people know from elsewhere → why the command has them not.
        instead: Options of other commands → what says the same here.
    """

    name: ClassVar[str]
    missing: ClassVar[Mapping[str, str]] = MappingProxyType({})
    instead: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @abstractmethod
    def prepare(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""

    @abstractmethod
    def run(self, args: Namespace) -> int:
        """Do it; returns the exit code."""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (self.__doc__ or "").strip().splitlines()[0]
