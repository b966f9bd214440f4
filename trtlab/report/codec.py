"""A report as JSON, there and back, and as a file.

The shape is that of the records, key for key (`schema_version`, `model`, `device`, `build`,
`layers`, `benchmark`, `timeline`, `telemetry`, `memory` …). Unknown keys are ignored and
absent optional ones take their defaults, so compatible additions keep the schema version;
anything else raises it.
"""

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, cast

from trtlab.core.errors import EngineFormatError, UsageError
from trtlab.report.atomic_write import write_atomically
from trtlab.report.plain_data import MismatchError, from_plain, to_plain
from trtlab.report.records import SCHEMA_VERSION, Report

_GZIP_MAGIC = b"\x1f\x8b"
_EXPECTED = (
    "a report is the JSON file that report.save(…) or `trtlab profile … --json FILE` wrote"
)
OPENED_WITH = 'open it with `trtlab lab FILE`, or in Python with trtlab.load_report("FILE")'
_LONGEST_LOOK_BYTES = 1 << 28  # of a compressed file's content
_AGAIN = "take the file from its source again, or measure again"
# What people open by mistake, by its beginning.
_FOREIGN = (
    (b"TRTLAB", "an engine", "look into it with `trtlab inspect engine FILE`; "),
    (b"<", "an HTML page", "open it in a browser; "),
    (b"PK\x03\x04", "a zip archive", ""),
)


def to_dict(report: Report) -> dict[str, object]:
    """The report as plain dicts, lists and numbers, ready for `json.dumps`.

    Raises:
        UsageError: A layer's attributes hold something that JSON cannot say.
    """
    try:
        return to_plain(report)
    except MismatchError as error:
        raise UsageError(
            f"the report cannot be written as JSON: report{error.path} {error}"
        ) from None


def from_dict(data: Mapping[str, object]) -> Report:
    """The report that `to_dict` described.

    Raises:
        EngineFormatError: The data are no report, of a newer version, or damaged.
    """
    version = data.get("schema_version")
    if type(version) is not int or "layers" not in data:
        raise EngineFormatError(
            "this JSON is not a trtlab report",
            hint=f"{_EXPECTED}, with the keys schema_version, model, layers …",
        )
    if version > SCHEMA_VERSION:
        raise EngineFormatError(
            f"the report's schema version is {version}; this trtlab reads {SCHEMA_VERSION}",
            hint="install a newer trtlab to open it",
        )
    try:
        return from_plain(Report, dict(data))
    except MismatchError as error:
        raise EngineFormatError(
            f"the report is damaged: report{error.path} {error}",
            hint=_AGAIN,
        ) from None


def save(report: Report, path: Path | str) -> Path:
    """Write a report in one step: a full disk leaves the old file as it was.

    Args:
        report: What to write.
        path: A name that ends in ``.gz`` is compressed.

    Raises:
        UsageError: The file cannot be written, or the report holds NaN or infinity.
    """
    try:
        text = json.dumps(
            to_dict(report), allow_nan=False, separators=(",", ":"), default=_plain_scalar
        )
    except ValueError as error:
        raise UsageError(
            f"the report cannot be written as JSON: {error}",
            hint="a missing measurement is None, never NaN or infinity",
        ) from error
    data = text.encode() + b"\n"
    return write_atomically(path, gzip.compress(data, 6, mtime=0) if _is_gzip(path) else data)


def load(path: Path | str) -> Report:
    """Read a report that `save` wrote.

    Raises:
        UsageError: There is no such file, or it cannot be read.
        EngineFormatError: It is truncated, foreign, damaged or of a newer version.
    """
    source = Path(path)
    try:
        raw = source.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"there is no report at {source}", hint="check the path") from error
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror or error}") from error
    data = _parse(raw, source)
    if not isinstance(data, dict):
        raise EngineFormatError(
            "this JSON is not a trtlab report", where=(str(source),), hint=_EXPECTED
        )
    try:
        return from_dict(cast("dict[str, object]", data))
    except EngineFormatError as error:
        raise EngineFormatError(error.what, where=(str(source),), hint=error.hint) from None


def looks_like_report(data: bytes) -> bool:
    """Whether a file's bytes are a report, compressed or not; for who expected something else."""
    text = data
    if data.startswith(_GZIP_MAGIC):
        try:
            text = zlib.decompressobj(wbits=31).decompress(data, _LONGEST_LOOK_BYTES)
        except zlib.error:
            return False
    return text[:64].lstrip().startswith(b"{") and b'"schema_version"' in text


def _is_gzip(path: Path | str) -> bool:
    return Path(path).suffix.lower() == ".gz"


def _plain_scalar(value: object) -> object:
    """NumPy's scalars, which json does not know."""
    item = getattr(value, "item", None)
    if item is None:
        raise UsageError(f"the report holds a {type(value).__name__}, which JSON cannot say")
    return item()


def _parse(raw: bytes, source: Path) -> object:
    where = (str(source),)
    if not raw:
        raise EngineFormatError("the report file is empty", where=where, hint=_EXPECTED)
    try:
        text = (gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw).decode()
        return json.loads(text, parse_constant=_refuse_constant)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise EngineFormatError(
            f"the compressed report is damaged: {error}", where=where, hint=_AGAIN
        ) from error
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated")
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        if cut and error.doc.lstrip().startswith("{"):
            what = f"the report ends early: it was truncated ({place})"
            raise EngineFormatError(what, where=where, hint=_AGAIN) from error
        raise _not_json(raw, source, f" ({place})") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise _not_json(raw, source) from error


def _not_json(raw: bytes, source: Path, place: str = "") -> EngineFormatError:
    """The error for a file of another kind; names the kind where its beginning tells."""
    kinds = ((kind, way) for begin, kind, way in _FOREIGN if raw.lstrip().startswith(begin))
    model = ("an ONNX model", "measure it with `trtlab profile FILE`; ")
    kind, way = model if source.suffix == ".onnx" else next(kinds, ("", ""))
    what = f"{kind}, not JSON" if kind else f"not JSON{place}"
    return EngineFormatError(
        f"the file is not a trtlab report: {what}", where=(str(source),), hint=way + _EXPECTED
    )


def _refuse_constant(name: str) -> NoReturn:
    raise EngineFormatError(f"the report is damaged: it holds {name}")
