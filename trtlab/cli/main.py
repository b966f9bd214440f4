"""The list of commands, and what happens to errors.

Exit codes: 0 fine, 1 a comparison or threshold failed, 2 usage, 3 unsupported, 4 internal,
130 interrupted.
"""

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from inspect import cleandoc
from typing import cast

from trtlab.cli.command import CLEAR_LINE, Command
from trtlab.cli.parser import CommandParser
from trtlab.core.errors import DeviceError, InternalError, TrtlabError, UnsupportedError

# Name → module and class; a command's module is imported when it is used.
COMMANDS = {
    "lab": ("trtlab.cli.lab", "Lab"),
    "profile": ("trtlab.cli.profile", "Profile"),
    "exec": ("trtlab.cli.exec", "Exec"),
    "compare": ("trtlab.cli.compare", "Compare"),
    "inspect": ("trtlab.cli.inspect", "Inspect"),
    "zoo": ("trtlab.cli.zoo", "Zoo"),
    "monitor": ("trtlab.cli.monitor", "Monitor"),
}
_SUMMARIES = {
    "lab": "open JupyterLab on the workbench",
    "profile": "build a model, run it, and show where the time goes",
    "exec": "trtexec's flags and report",
    "compare": "two saved reports of one model, part by part",
    "inspect": "what a model or an engine is made of",
    "zoo": "list and export the reference models",
    "monitor": "clocks, power, temperature and load as rows",
}

_SETTINGS = {
    "TRTLAB_THREADS": "CPU threads of kernels (default: every core this process may use)",
    "TRTLAB_CACHE_DIR": "compiled kernels, timing caches, zoo models (default: ~/.cache/trtlab)",
}


def load_command(name: str) -> Command:
    """The command of that name."""
    module, kind = COMMANDS[name]
    return cast("type[Command]", getattr(import_module(module), kind))()


def overview() -> str:
    """What `trtlab` prints without a command."""
    lines = [f"  {name:9}{summary}" for name, summary in _SUMMARIES.items()]
    return "\n".join(
        [
            "usage: trtlab COMMAND [options]",
            "",
            "See where an inference model's time goes, and why.",
            "",
            *lines,
            "",
            "  --version  what is installed",
            "",
            "Set before the start, in the environment:",
            *(f"  {name:18}{what}" for name, what in _SETTINGS.items()),
            "",
            "`trtlab COMMAND --help` tells more; `trtlab lab` is the place to begin.",
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in {"-h", "--help", "help"}:
        print(overview())
        return 0
    if words[0] in {"-V", "--version"}:
        from trtlab.core.version import exact_version  # noqa: PLC0415 - for this answer only

        print(f"trtlab {exact_version()}")
        return 0
    if words[0] not in COMMANDS:
        print(f"trtlab has no command {words[0]!r}\n\n{overview()}", file=sys.stderr)
        return 2
    try:
        return _run(words[0], words[1:])
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0  # the reader of our output has seen enough
    except MemoryError:
        return _told(DeviceError("the host ran out of memory", hint="give smaller shapes"))
    except TrtlabError as error:
        return _told(error)


def _run(name: str, words: list[str]) -> int:
    command = _loaded(name)
    parser = CommandParser(
        prog=f"trtlab {name}",
        description=cleandoc(command.__doc__ or ""),
        formatter_class=RawDescriptionHelpFormatter,
    )
    command.prepare(parser)
    own, rest = _split(words)
    args = parser.parse(own, command.missing, command.instead)
    args.rest = rest
    return command.run(args)


def _loaded(name: str) -> Command:
    """The command; on a terminal it is said meanwhile that something goes on."""
    if not sys.stderr.isatty():
        return load_command(name)
    print("starting …", end="", file=sys.stderr, flush=True)
    try:
        return load_command(name)
    finally:
        print(CLEAR_LINE, end="", file=sys.stderr, flush=True)


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The command's own words, and those behind ``--`` that it hands on."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _told(error: TrtlabError) -> int:
    """Say what went wrong; gives the exit code."""
    print(f"trtlab: {error}", file=sys.stderr)
    if isinstance(error, InternalError):
        return 4
    return 3 if isinstance(error, UnsupportedError) else 2


if __name__ == "__main__":
    sys.exit(main())
