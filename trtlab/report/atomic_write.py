"""Files that are either the old ones or complete new ones."""

import contextlib
import os
from pathlib import Path

from trtlab.core.errors import UsageError


def write_atomically(path: Path | str, data: bytes) -> Path:
    """Replace a file in one step; whatever goes wrong, the old file stays as it was.

    The bytes go to a new file in the same folder, reach the disk, and take over the name.

    Raises:
        UsageError: The folder is missing, closed to us or full.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UsageError(
            f"cannot write {target}: {error.strerror or error}",
            hint="choose a folder that exists, is yours and has room",
        ) from error
    return target
