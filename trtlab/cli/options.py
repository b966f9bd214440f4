"""Options that several commands share, and the spellings of their values."""

import math
import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path

from trtlab.core.durations import is_duration
from trtlab.core.errors import UsageError
from trtlab.runtime.devices import open_runtime

Shapes = dict[str, tuple[int, ...]]
_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_shapes(text: str) -> Shapes:
    """``x:1x3x224x224,mask:1x128`` → shapes by input name; names may contain colons.

    Raises:
        ArgumentTypeError: The text is not of that form.
    """
    shapes: Shapes = {}
    for part in filter(None, text.split(",")):
        name, _, extents = part.rpartition(":")
        try:
            shape = tuple(int(extent) for extent in extents.split("x"))
        except ValueError:
            shape = ()
        if not name or not shape or any(extent < 1 for extent in shape):
            raise ArgumentTypeError(
                f"{part!r} is not NAME:AxBxC with positive numbers, such as x:1x3x224x224"
            )
        shapes[name.strip("'\"")] = shape
    return shapes


def parse_pools(text: str) -> dict[str, int]:
    """``workspace:512M,tacticSharedMem:48K`` → bytes by pool; plain numbers are MiB.

    Raises:
        ArgumentTypeError: The text is not of that form.
    """
    names = {"workspace": "WORKSPACE", "tacticdram": "TACTIC_DRAM",
             "tacticsharedmem": "TACTIC_SHARED_MEMORY"}  # fmt: skip
    pools: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, size = part.partition(":")
        pool = names.get(name.lower().replace("_", ""))
        unit = size[-1:].lower()
        number = size[:-1] if unit in _UNITS else size
        try:
            value = float(number) * _UNITS.get(unit, 1 << 20)
        except ValueError:
            value = -1.0
        if pool is None or not 0 <= value < math.inf:
            raise ArgumentTypeError(
                f"{part!r} is not POOL:SIZE, such as workspace:512M (pools: {', '.join(names)})"
            )
        pools[pool] = int(value)
    return pools


def parse_time(text: str) -> float:
    """A span of time in the option's unit.

    Raises:
        ArgumentTypeError: The text is none that a clock can wait for.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not is_duration(value):
        raise ArgumentTypeError(
            f"{text!r} is no time; give a number such as 3 or 0.5 (no negative times, inf or nan)"
        )
    return value


def parse_percent(text: str) -> float:
    """Per cent, 0 or more.

    Raises:
        ArgumentTypeError: The text is no such number.
    """
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r} is no per cent; give a number such as 3 or 0.5")
    return value


def parse_count(text: str) -> int:
    """A whole number that is not negative.

    Raises:
        ArgumentTypeError: The text is none.
    """
    return _whole(text, "number")


def parse_seed(text: str) -> int:
    """A whole number that is not negative.

    Raises:
        ArgumentTypeError: The text is none.
    """
    return _whole(text, "seed")


def _whole(text: str, kind: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"{text!r} is no {kind}; give a whole number of 0 or more")
    return int(text)


def parse_device(text: str) -> str:
    """A device by its name, or by trtexec's number of a GPU."""
    return f"cuda:{int(text)}" if text.isascii() and text.isdigit() else text


def parse_assignments(text: str) -> dict[str, str]:
    """``conv1:fp16,fc:fp32`` → values by name.

    Raises:
        ArgumentTypeError: The text is not of that form.
    """
    result: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.rpartition(":")
        if not name or not value:
            raise ArgumentTypeError(f"{part!r} is not NAME:VALUE")
        result[name] = value
    return result


def add_model(parser: ArgumentParser) -> None:
    """The model and where it runs."""
    parser.add_argument("model", metavar="MODEL", help="ONNX file or zoo name")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")


def add_build(parser: ArgumentParser) -> None:
    """What the builder is asked for."""
    group = parser.add_argument_group("build")
    group.add_argument(
        "--precision", default="fp32", choices=("fp32", "tf32", "fp16", "bf16"),
        help="lowest type that layers compute in; fp16 and bf16 are emulated on the CPU, tf32 "
        "needs a GPU",
    )  # fmt: skip
    group.add_argument("--layer-precisions", type=parse_assignments, default={},
                       metavar="LAYER:TYPE,…", help="layers that differ")  # fmt: skip
    group.add_argument("--shapes", type=parse_shapes, default={}, metavar="NAME:AxB,…",
                       help="shapes of dynamic inputs")  # fmt: skip
    group.add_argument("--max-aux-streams", type=int, default=0, metavar="N",
                       help="streams beside the main one (default: 0)")  # fmt: skip
    group.add_argument("--pool-limit", type=parse_pools, default={}, metavar="POOL:SIZE",
                       help="memory pool limits, such as workspace:512M")  # fmt: skip
    group.add_argument("--tactic-sources", default="", metavar="NAME,…",
                       help="allowed tactic sources (default: all)")  # fmt: skip
    group.add_argument("--optimization-level", type=int, default=3, choices=range(6),
                       help="0 builds fast, 5 builds fast engines (default: 3)")  # fmt: skip
    group.add_argument("--seed", type=parse_seed, default=0,
                       help="of a zoo model's random weights")  # fmt: skip


def add_measure(parser: ArgumentParser) -> None:
    """How long to measure."""
    group = parser.add_argument_group("measurement")
    group.add_argument("--duration", type=parse_time, default=3.0, metavar="S",
                       help="measure at least so many seconds (default: 3)")  # fmt: skip
    group.add_argument("--warmup", type=parse_time, default=200.0, metavar="MS",
                       help="warm up so many milliseconds (default: 200)")  # fmt: skip
    group.add_argument("--iterations", type=int, default=10, metavar="N",
                       help="measure at least so many inferences (default: 10)")  # fmt: skip
    group.add_argument("--no-telemetry", action="store_true", help="do not watch the sensors")


def tactic_sources(text: str, device: str) -> tuple[str, ...] | None:
    """The allowed sources; None for all.

    Raises:
        UsageError: The device has no source of that name.
    """
    names = tuple(name.strip().upper() for name in text.split(",") if name.strip())
    if not names:
        return None
    known = open_runtime(device)[1].sources()
    for name in names:
        if name not in known:
            raise UsageError(
                f"device {device} has no tactic source {name}",
                hint="it has " + ", ".join(sorted(known)),
            )
    return names


def check_folders(*files: Path | None) -> None:
    """Find out before the work, not after it, that its results cannot be written.

    Raises:
        UsageError: A file's folder does not exist or is closed to us, or it is a folder.
    """
    for file in files:
        if file is None:
            continue
        try:
            is_folder = file.is_dir()
        except OSError as error:  # too long a name, links that go round
            raise UsageError(
                f"cannot write {file}: {error.strerror or error}", hint="name another file"
            ) from error
        if is_folder:
            raise UsageError(f"cannot write {file}: it is a folder", hint="name a file in it")
        folder = file.absolute().parent
        fine = folder.is_dir() and os.access(folder, os.W_OK)
        if file.exists() and not file.is_file():  # /dev/null is written to, not replaced
            fine = os.access(file, os.W_OK)
        if not fine:
            raise UsageError(
                f"cannot write {file}: there is no such folder, or it is not yours",
                hint="choose a folder that exists and is yours",
            )


def check_distinct(read: Path | None, written: Mapping[str, Path | None]) -> None:
    """Find out before the work that one file would take the place of another.

    Args:
        read: The model or engine.
        written: Option → file.

    Raises:
        UsageError: Two are the same file.
    """
    found: dict[str, str] = {}
    if read is not None and read.is_file():
        found[os.path.realpath(read)] = "the file that is read"
    for option, file in written.items():
        if file is None or (file.exists() and not file.is_file()):
            continue
        path = os.path.realpath(file)
        if path in found:
            raise UsageError(
                f"{option} would overwrite {file}, which is {found[path]}",
                hint="name another file",
            )
        found[path] = f"the file of {option}"
