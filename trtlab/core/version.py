"""Which trtlab this is: the version, and the commit where it runs from a checkout.

Nothing is read before it is asked for, and what cannot be found out is left out.
"""

import re
import subprocess
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("trtlab", "widgets")
_SHOWN_DIGITS = 9
_LONGEST_WAIT_S = 2.0


@cache
def package_version() -> str:
    """Such as ``0.1.0``, the checkout's own before an installed one's; ``0`` when unknown."""
    own = _checkout_version(_ROOT)
    if own:
        return own
    try:
        return version("trtlab")
    except PackageNotFoundError:
        return "0"


@cache
def exact_version() -> str:
    """The version for records: ``0.1.0``, and from a checkout ``0.1.0+g1a2b3c4d5``.

    It ends in ``.dirty`` where git says that the packages' files are not those of the commit.
    """
    commit = checkout_commit(_ROOT) if _checkout_version(_ROOT) else ""
    if not commit:
        return package_version()
    dirty = ".dirty" if _is_changed(_ROOT) else ""
    return f"{package_version()}+g{commit[:_SHOWN_DIGITS]}{dirty}"


def _checkout_version(root: Path) -> str:
    """From the project's file beside the package, if it is trtlab's; else empty."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        return str(project["version"]) if project["name"] == "trtlab" else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def checkout_commit(root: Path) -> str:
    """The commit that is checked out in a folder, from git's own files; empty when unknown."""
    try:
        place = root / ".git"
        if place.is_file():  # of a worktree or a submodule
            place = root / place.read_text("utf-8").removeprefix("gitdir:").strip()
        head = (place / "HEAD").read_text("utf-8").strip()
        found = _of_branch(place, head[5:]) if head.startswith("ref: ") else head
    except (OSError, ValueError):
        return ""
    return found if re.fullmatch(r"[0-9a-f]{40,64}", found) else ""


def _of_branch(place: Path, name: str) -> str:
    common = place / "commondir"  # a worktree's branches lie with the others
    shared = place / common.read_text("utf-8").strip() if common.exists() else place
    loose = shared / name
    if loose.exists():
        return loose.read_text("utf-8").strip()
    lines = (shared / "packed-refs").read_text("utf-8").splitlines()
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), "")


def _is_changed(root: Path) -> bool:
    command = ["git", "--no-optional-locks", "-C", str(root), "status", "--porcelain", "--"]
    try:
        said = subprocess.run(
            [*command, *_PACKAGES],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LONGEST_WAIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return said.returncode == 0 and bool(said.stdout.strip())
