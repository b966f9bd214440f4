"""Compiled code at the end of an engine file: a table in the header, and the bytes.

Code is only ever handed to the GPU's driver and to the libraries that made it, under a digest of
what it computes; nothing of it runs on the host, and nothing is unpickled.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trtlab.core.errors import EngineFormatError
from trtlab.devices.cuda.code import CompiledCode
from trtlab.report.plain_data import MismatchError, from_plain, to_plain

ALIGN_BYTES = 64
_MOST_PIECES = 1 << 16
_LARGEST_BYTES = 1 << 26
_MOST_WORKSPACE_BYTES = 1 << 28
_LONGEST_WORD = 200
_HINT = "copy it again, or build it again"


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str
    key: str
    origin: str
    workspace_bytes: int
    nbytes: int
    crc32: int


@dataclass(frozen=True, slots=True)
class _Table:
    pieces: tuple[_Piece, ...] = ()


def code_table(code: Sequence[CompiledCode]) -> dict[str, Any]:
    """The header's part; the bytes follow in the same order."""
    pieces = tuple(
        _Piece(c.kind, c.key, c.origin, c.workspace_bytes, len(c.data), zlib.crc32(c.data))
        for c in code
    )
    return to_plain(_Table(pieces))


def read_code(view: memoryview, start: int, table: object) -> tuple[CompiledCode, ...]:
    """The code behind position ``start``; none for files from before there was any.

    Raises:
        EngineFormatError: The table is not sound, or bytes are missing or damaged.
    """
    if table is None:
        return ()
    try:
        pieces = from_plain(_Table, table).pieces
    except MismatchError as error:
        raise EngineFormatError(
            f"the table of compiled code is damaged: {error.path} {error}", hint=_HINT
        ) from None
    if len(pieces) > _MOST_PIECES:
        raise EngineFormatError(f"the engine tells of {len(pieces):,} pieces of code")
    result: list[CompiledCode] = []
    position = start
    for piece in pieces:
        position += -position % ALIGN_BYTES
        data = _checked(view, position, piece)
        result.append(
            CompiledCode(piece.kind, piece.key, piece.origin, data, piece.workspace_bytes)
        )
        position += piece.nbytes
    return tuple(result)


def _checked(view: memoryview, position: int, piece: _Piece) -> bytes:
    what = f"compiled code {piece.kind} {piece.key[:12]}"
    words = (piece.kind, piece.key, piece.origin)
    sane = 0 <= piece.workspace_bytes <= _MOST_WORKSPACE_BYTES
    if max(map(len, words)) > _LONGEST_WORD or not sane:
        raise EngineFormatError("the table of compiled code is damaged", hint=_HINT)
    if not 0 <= piece.nbytes <= _LARGEST_BYTES:
        raise EngineFormatError(f"{what} claims {piece.nbytes:,} bytes", hint=_HINT)
    if position + piece.nbytes > len(view):
        raise EngineFormatError(f"the engine is truncated within {what}", hint=_HINT)
    data = bytes(view[position : position + piece.nbytes])
    if zlib.crc32(data) != piece.crc32:
        raise EngineFormatError(f"{what} is damaged", hint=_HINT)
    return data
