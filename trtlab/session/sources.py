"""Where a model comes from: a file, the zoo, bytes, or an ONNX object."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from trtlab import zoo
from trtlab.core.errors import UsageError
from trtlab.core.types import StaticShape
from trtlab.engine.engine import ShapeProfile, ShapeRange
from trtlab.network.graph import Network
from trtlab.parser.parse import ParsedModel, parse
from trtlab.parser.source import Source
from trtlab.report.records import TensorRecord

ZOO, LIGHT = "zoo:", "light:"


def open_source(source: Source, *, seed: int = 0) -> ParsedModel:
    """Read a model.

    Args:
        source: Path of an ONNX file, ``zoo:NAME`` or a bare zoo name, ``light:NAME``, the
            bytes of a model, or an ``onnx.ModelProto``.
        seed: Of the zoo's random weights.

    Raises:
        UsageError: There is no such file or zoo model.
        ParseError: The model cannot be read.
    """
    if not isinstance(source, str | Path):
        return parse(source)
    text = str(source)
    name = text.removeprefix(ZOO)
    if text.startswith(ZOO) or (name in zoo.names() and not Path(text).exists()):
        return parse(zoo.build(name, seed=seed), name=name, label=ZOO + name)
    if text.startswith(LIGHT):
        light = text.removeprefix(LIGHT)
        return parse(zoo.light(light, seed=seed), name=light, label=text)
    path = Path(source)
    if not path.exists():
        raise _missing(text)
    return parse(path)


def _missing(text: str) -> UsageError:
    near = get_close_matches(text.removeprefix(ZOO), zoo.names(), n=3)
    return UsageError(
        f"there is no model {text!r}: neither a file nor a zoo model",
        where=(str(Path(text).resolve()),),
        hint=f"did you mean zoo:{near[0]}?"
        if near
        else "check the path, or try `trtlab zoo list`",
    )


def settled_source(text: str) -> str:
    """A source that means the same in every folder, without reading it.

    Raises:
        UsageError: There is no such file or zoo model.
    """
    if Path(text).exists():
        return str(Path(text).resolve())
    if text.startswith(LIGHT) or text.removeprefix(ZOO) in zoo.names():
        return text
    raise _missing(text)


@lru_cache(maxsize=2)
def open_unchanged(source: str, modified_ns: int) -> ParsedModel:
    """`open_source`, remembered while the file stays the same."""
    del modified_ns
    return open_source(source)


def open_cached(source: str) -> ParsedModel:
    """`open_source` for repeated use of one model in a process."""
    path = Path(source)
    return open_unchanged(source, path.stat().st_mtime_ns if path.exists() else 0)


def default_profile(network: Network, source: str = "") -> ShapeProfile:
    """A profile for inputs that nobody gave shapes for.

    A zoo model says its own; otherwise every named dimension is 1, the usual batch.
    """
    name = source.removeprefix(ZOO)
    if name in zoo.names():
        return ShapeProfile(
            {i.name: (i.min_shape, i.opt_shape, i.max_shape) for i in zoo.info(name).inputs}
        )
    return ShapeProfile(
        {
            t.name: _fixed(tuple(d if isinstance(d, int) else 1 for d in t.shape))
            for t in network.inputs
            if any(not isinstance(d, int) for d in t.shape)
        }
    )


def taken_as_one(
    inputs: Iterable[TensorRecord], source: str, given: Collection[str]
) -> tuple[str, ...]:
    """Which inputs run at a shape that nobody chose: a sentence for each.

    A batch of 1 is what most mean; a height, width or length of 1 is not, and its times say
    little of the model.

    Args:
        inputs: Of the model, with its own names for open dimensions.
        source: Where the model is from; a zoo model says its shapes.
        given: The inputs whose shapes somebody chose.
    """
    if source.removeprefix(ZOO) in zoo.names():
        return ()
    return tuple(
        f"Input {t.name} runs at {_times(1 if isinstance(d, str) else d for d in t.shape)}: "
        f"no shape was given for {_times(t.shape)}, so every open dimension is 1. "
        "Give the shape that you use."
        for t in inputs
        if t.name not in given and any(isinstance(d, str) for d in t.shape[1:])
    )


def _times(extents: Iterable[int | str]) -> str:
    return "×".join(map(str, extents))


def profile_at(network: Network, shapes: dict[str, StaticShape], source: str) -> ShapeProfile:
    """A profile with the given shapes alone; other dynamic inputs take their defaults' opt."""
    given = {name: _fixed(shape) for name, shape in shapes.items()}
    defaults = {
        name: _fixed(shape) for name, shape in default_profile(network, source).opt().items()
    }
    return ShapeProfile({**defaults, **given})


def _fixed(shape: StaticShape) -> ShapeRange:
    return (shape, shape, shape)
