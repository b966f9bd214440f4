"""Small text files of the kernel that hold one number."""

from pathlib import Path


def read_number(path: Path) -> int:
    """The number in the file.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds something else.
    """
    return int(path.read_text())


def why_unreadable(path: Path, error: Exception) -> str:
    """The reason in words, for a list of missing metrics."""
    if isinstance(error, PermissionError):
        return f"permission denied reading {path}"
    if isinstance(error, FileNotFoundError):
        return f"this machine has no {path}"
    return f"{path} does not hold a number: {error}"
