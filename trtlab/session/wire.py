"""What a session and its worker say to each other: one JSON object a line.

Requests and results are records, so nothing but data crosses; errors cross by class name.
"""

import json
from typing import IO, Any, cast

from trtlab.core import errors
from trtlab.core.errors import InternalError, TrtlabError


def send(stream: IO[str], message: dict[str, Any]) -> None:
    """Write one message."""
    stream.write(json.dumps(message, separators=(",", ":")) + "\n")
    stream.flush()


def receive(stream: IO[str]) -> dict[str, Any] | None:
    """Read one message; None at the end of the stream."""
    line = stream.readline()
    return cast("dict[str, Any]", json.loads(line)) if line else None


def encode_error(error: TrtlabError) -> dict[str, Any]:
    """An error as data; a room's own class crosses as the general one that it refines."""
    general = next(k for k in type(error).__mro__ if getattr(errors, k.__name__, None) is k)
    return {
        "class": general.__name__,
        "what": error.what,
        "where": list(error.where),
        "hint": error.hint,
    }


def decode_error(data: dict[str, Any]) -> TrtlabError:
    """The error again; a class that is not one of ours becomes InternalError."""
    found = getattr(errors, str(data.get("class")), None)
    kind = (
        found if isinstance(found, type) and issubclass(found, TrtlabError) else InternalError
    )
    return kind(str(data["what"]), where=tuple(data["where"]), hint=str(data["hint"]))
