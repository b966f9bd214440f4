"""Files that are either the old ones or complete new ones."""

import contextlib
import errno
import os
from pathlib import Path

from trtlab.core.errors import UsageError


def write_atomically(path: Path | str, data: bytes) -> Path:
    """Replace a file in one step; whatever goes wrong, the old file stays as it was.

    The bytes go to a new file in the same folder, reach the disk, and take over the name. A
    link stays one: the file that it leads to is replaced. Pipes and devices such as
    ``/dev/null`` are written to.

    Raises:
        UsageError: It is a folder; or the folder is missing, closed to us or full.
    """
    target = Path(path)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(target)), data)
    except OSError as error:
        raise UsageError(
            f"cannot write {target}: {error.strerror or error}",
            hint="choose a folder that exists, is yours and has room",
        ) from error
    return target


def _replace(target: Path, data: bytes) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
