"""The engine as a file: data, and compiled code for the GPU, never code for the host.

Layout: magic (8 bytes) · container version (u32) · header length (u64) · SHA-256 of the header
(32 bytes) · header (UTF-8 JSON) · arrays · compiled code, each array and each piece of code at a
multiple of 64 bytes, each with its own CRC-32 in the header. Reading checks every length and
digest before it uses a byte; a file is written beside its target and moved into place, so a full
disk or a kill leaves the old one.
"""

import json
import mmap
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np

from trtlab.core.errors import EngineFormatError, InvalidNetworkError, UsageError
from trtlab.core.types import DataType
from trtlab.engine.code_section import ALIGN_BYTES, code_table, read_code
from trtlab.engine.engine import Engine
from trtlab.engine.plan_header import decode_header, encode_header
from trtlab.layers.base import Array
from trtlab.report.atomic_write import write_atomically
from trtlab.report.codec import OPENED_WITH, looks_like_report

MAGIC = b"TRTLAB\r\n"
VERSION = 1
_PREFIX = struct.Struct("<8sIQ32s")
_LONGEST_HEADER = 1 << 28


def serialize(engine: Engine) -> bytes:
    """The engine as bytes."""
    arrays, table = _lay_out(engine.weights)
    header = json.dumps(
        {
            "engine": encode_header(engine),
            "arrays": table,
            "code": code_table(engine.code),
        },
        separators=(",", ":"),
    ).encode()
    prefix = _PREFIX.pack(MAGIC, VERSION, len(header), sha256(header).digest())
    parts = [prefix, header]
    position = len(prefix) + len(header)
    for data in (*(array.tobytes() for array in arrays), *(c.data for c in engine.code)):
        gap = -position % ALIGN_BYTES
        parts += [b"\0" * gap, data]
        position += gap + len(data)
    return b"".join(parts)


def save(engine: Engine, path: Path) -> Path:
    """Write the engine to a file, all or nothing.

    Raises:
        UsageError: The file cannot be written; the old one, if any, is unharmed.
    """
    write_atomically(path, serialize(engine))
    return path


def load(path: Path) -> Engine:
    """Read an engine file; weights are mapped, not copied.

    Raises:
        UsageError: There is no such file.
        EngineFormatError: It is damaged, foreign, or of another version.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise EngineFormatError("the engine file is empty", where=(str(path),))
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise UsageError(
            f"engine file {path} cannot be read: {error.strerror}", hint="check the path"
        ) from error
    return deserialize(view, where=str(path))


def deserialize(
    blob: bytes | bytearray | memoryview, *, where: str = "engine bytes"
) -> Engine:
    """An engine from bytes.

    Raises:
        EngineFormatError: They are damaged, foreign, or of another version.
    """
    view = memoryview(blob)
    try:
        header, start = _header(view)
        arrays, end = _arrays(view, start, cast("list[dict[str, Any]]", header["arrays"]))
        code = read_code(view, end, header.get("code"))
        digest = sha256(view[:start]).hexdigest()
        return replace(decode_header(header["engine"], arrays, digest), code=code)
    except EngineFormatError as error:
        raise EngineFormatError(
            error.what, where=(where, *error.where), hint=error.hint
        ) from error
    except (KeyError, TypeError, ValueError, IndexError, InvalidNetworkError) as error:
        raise EngineFormatError(
            f"the engine's description is not understood: {error}",
            where=(where,),
            hint="build the engine again",
        ) from error


def _lay_out(weights: Mapping[str, Array]) -> tuple[list[Array], list[dict[str, object]]]:
    """Distinct arrays in order, and the table that finds them; shared arrays are stored once."""
    arrays: list[Array] = []
    rows: dict[int, dict[str, Any]] = {}
    for key, array in weights.items():
        if id(array) in rows:
            rows[id(array)]["keys"].append(key)
            continue
        data = np.ascontiguousarray(array)
        rows[id(array)] = {
            "keys": [key],
            "dtype": DataType.from_numpy(data.dtype).value,
            "shape": list(data.shape),
            "crc32": zlib.crc32(data.reshape(-1).view(np.uint8).data),
        }
        arrays.append(data)
    return arrays, list(rows.values())


def _header(view: memoryview) -> tuple[dict[str, Any], int]:
    if len(view) < _PREFIX.size or bytes(view[:6]) != MAGIC[:6]:
        if looks_like_report(bytes(view)):
            raise EngineFormatError(
                "this is a report of trtlab, not an engine", hint=OPENED_WITH
            )
        raise EngineFormatError(
            "this is not a trtlab engine",
            hint="`trtlab exec --onnx=MODEL --saveEngine=FILE` makes one",
        )
    magic, version, length, digest = _PREFIX.unpack_from(view)
    if magic != MAGIC:
        raise EngineFormatError(
            "the engine was damaged by a text-mode transfer", hint="copy it again, as binary"
        )
    if version != VERSION:
        raise EngineFormatError(
            f"the engine has container version {version}, this trtlab reads {VERSION}",
            hint="build it again with this version",
        )
    start = _PREFIX.size + length
    if length > _LONGEST_HEADER or start > len(view):
        raise EngineFormatError(
            f"the engine is truncated: {len(view):,} bytes, its header alone needs {start:,}",
            hint="copy it again, or build it again",
        )
    raw = bytes(view[_PREFIX.size : start])
    if sha256(raw).digest() != digest:
        raise EngineFormatError("the engine's header is damaged", hint="build it again")
    return cast("dict[str, Any]", json.loads(raw)), start


def _arrays(
    view: memoryview, start: int, table: list[dict[str, Any]]
) -> tuple[dict[str, Array], int]:
    """Arrays by key, and where the last one ends."""
    result: dict[str, Array] = {}
    position = start
    for row in table:
        dtype = DataType(row["dtype"]).numpy
        shape = tuple(int(extent) for extent in row["shape"])
        if any(extent < 0 for extent in shape):
            raise EngineFormatError(f"weights {row['keys']} have a negative extent")
        count = int(np.prod(shape, dtype=object)) if shape else 1
        position += -position % ALIGN_BYTES
        end = position + count * dtype.itemsize
        if end > len(view):
            raise EngineFormatError(
                f"the engine is truncated within weights {row['keys'][0]}",
                hint="copy it again, or build it again",
            )
        if zlib.crc32(view[position:end]) != row["crc32"]:
            raise EngineFormatError(
                f"weights {row['keys'][0]} are damaged",
                hint="copy it again, or build it again",
            )
        array = np.frombuffer(view, dtype, count, position).reshape(shape)
        result.update(dict.fromkeys(row["keys"], array))
        position = end
    return result, position
