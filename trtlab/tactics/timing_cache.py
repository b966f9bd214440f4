"""Measured times of tactics, kept on disk between builds.

One JSON object a line; the first line is a header. Lines are only ever appended, so a build
that is killed loses at most its last line, and a damaged line costs only itself. The key covers
everything that changes the answer: problem, tactic, device, threads and the kernels' version.
A file that does not begin as a cache does is somebody's, and stays as it is.
"""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from trtlab.core.errors import EngineFormatError, UsageError
from trtlab.core.settings import settings
from trtlab.tactics.problem import Problem

_HEADER = {"format": "trtlab-timing-cache", "version": 1}
_BEGINNING = b'{"format":"trtlab-timing-cache"'  # of every version
_log = logging.getLogger(__name__)


class TimingCache:
    """Samples by problem, tactic and device.

    Args:
        fingerprint: Everything about the device and the kernels that changes times.
        path: Where to keep it; None keeps it in memory.
        readable: False times everything anew and still writes.

    Raises:
        UsageError: The file holds something else, cannot be read or has no folder.
    """

    def __init__(
        self, fingerprint: str, path: Path | None = None, *, readable: bool = True
    ) -> None:
        self.fingerprint = fingerprint
        self.path = path
        self.hits = 0
        self.damaged_lines = 0
        self._readable = readable
        self._entries: dict[str, tuple[float, ...]] = {}
        self._refusals: dict[str, str] = {}
        self._fresh: list[str] = []
        if path is not None:
            self._load(read_file(path), str(path))

    def __len__(self) -> int:
        return len(self._entries)

    def key(self, problem: Problem, tactic: str) -> str:
        """Digest of problem, tactic and fingerprint."""
        text = f"{self.fingerprint}\n{tactic}\n{problem}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def find(self, problem: Problem, tactic: str) -> tuple[float, ...] | None:
        """Samples in microseconds, or None."""
        if not self._readable:
            return None
        found = self._entries.get(self.key(problem, tactic))
        self.hits += found is not None
        return found

    def add(self, problem: Problem, tactic: str, samples_us: tuple[float, ...]) -> None:
        """Remember samples; `flush` writes them."""
        self.put(self.key(problem, tactic), samples_us)

    def refusal(self, problem: Problem, tactic: str) -> str:
        """Why the tactic could not compute the problem in an earlier build; else empty."""
        return self._refusals.get(self.key(problem, tactic), "") if self._readable else ""

    def refuse(self, problem: Problem, tactic: str, reason: str) -> None:
        """Remember that a tactic cannot compute a problem; `flush` writes it."""
        key = self.key(problem, tactic)
        self._refusals[key] = reason
        self._entries.pop(key, None)
        self._fresh.append(key)

    def put(self, key: str, samples_us: tuple[float, ...]) -> None:
        """Remember samples under a key that `key` or `items` gave."""
        self._entries[key] = tuple(round(s, 4) for s in samples_us)
        self._refusals.pop(key, None)
        self._fresh.append(key)

    def items(self) -> Iterator[tuple[str, tuple[float, ...]]]:
        """All entries."""
        yield from self._entries.items()

    def clear(self) -> None:
        """Forget everything in memory; the file stays as it is."""
        self._entries.clear()
        self._refusals.clear()
        self._fresh.clear()

    def flush(self) -> None:
        """Append what is new to the file; a full disk is reported in the log, not raised."""
        if self.path is None or not self._fresh:
            return
        lines = [] if self.path.exists() and self.path.stat().st_size else [_line(_HEADER)]
        lines += [self._line_of(key) for key in dict.fromkeys(self._fresh)]
        try:
            if _is_own(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
        except OSError as error:
            _log.warning("timing cache %s was not written: %s", self.path, error)
            return
        self._fresh.clear()

    def serialize(self) -> bytes:
        """The whole cache in its file form."""
        entries = [self._line_of(key) for key in (*self._entries, *self._refusals)]
        return "".join([_line(_HEADER), *entries]).encode()

    def _line_of(self, key: str) -> str:
        reason = self._refusals.get(key)
        return _line(
            {"k": key, "no": reason} if reason else {"k": key, "us": self._entries[key]}
        )

    def combine(self, blob: bytes, *, ignore_mismatch: bool = False) -> None:
        """Take over the entries of another cache.

        Raises:
            EngineFormatError: It is not a timing cache of this version.
        """
        self._load(blob, "timing cache", strict=not ignore_mismatch)

    def _load(self, blob: bytes, where: str, *, strict: bool = False) -> None:
        own_file = self.path is not None and where == str(self.path)
        if own_file and not blob:
            return
        lines = blob.decode("utf-8", errors="replace").splitlines()
        header = _parse(lines[0]) if lines else None
        if header != _HEADER:
            if strict:
                raise EngineFormatError(
                    "not a timing cache of this version",
                    where=(where,),
                    hint="create a new one; times are measured again in the next build",
                )
            kept = self._set_aside(self.path) if own_file and self.path else ""
            _log.warning(
                "%s is not a timing cache of this version: starting afresh%s", where, kept
            )
            return
        for line in lines[1:]:
            entry = _entry(line)
            if entry is None:
                self.damaged_lines += 1
            elif isinstance(entry[1], str):
                self._refusals[entry[0]] = entry[1]
                self._entries.pop(entry[0], None)
            else:
                self._entries[entry[0]] = entry[1]
                self._refusals.pop(entry[0], None)
        if self.damaged_lines:
            _log.warning("%s: %d damaged lines were skipped", where, self.damaged_lines)

    def _set_aside(self, path: Path) -> str:
        """Give the file another name; what to tell of it."""
        kept = path.with_name(path.name + ".unreadable")
        try:
            path.replace(kept)
        except OSError as error:
            self.path = None
            return f", in memory, for it cannot be set aside: {error.strerror}"
        return f"; what it held is in {kept}"


def read_file(path: Path) -> bytes:
    """What a cache file holds; nothing when it is not there yet.

    Raises:
        UsageError: It is no cache, cannot be read or has no folder.
    """
    own = _is_own(path)
    if not own and not path.absolute().parent.is_dir():
        raise UsageError(
            f"the timing cache {path} cannot be written: there is no such folder",
            hint="choose a folder that exists",
        )
    try:
        with path.open("rb") as file:
            beginning = file.read(len(_BEGINNING))
            # a build killed while it wrote the first line leaves a part of it
            if not own and beginning != _BEGINNING[: len(beginning)]:
                raise UsageError(
                    f"{path} is no timing cache",
                    hint="name another file, or delete it",
                )
            return beginning + file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        if own:
            _log.warning("timing cache %s cannot be read: %s", path, error)
            return b""
        raise UsageError(
            f"{path} cannot be read as a timing cache: {error.strerror or error}",
            hint="name another file",
        ) from error


def _is_own(path: Path) -> bool:
    """Whether it lies where caches lie unless a file is named: all there is the program's."""
    return path.absolute().parent == settings().cache_dir.absolute()


def _line(value: object) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def _parse(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _entry(line: str) -> tuple[str, tuple[float, ...] | str] | None:
    """Key with samples, or with the reason of a refusal."""
    value = _parse(line)
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, object]", value)
    key, samples, reason = fields.get("k"), fields.get("us"), fields.get("no")
    if isinstance(key, str) and isinstance(reason, str) and reason:
        return key, reason
    if not isinstance(key, str) or not isinstance(samples, list) or not samples:
        return None
    numbers = cast("list[object]", samples)
    times = tuple(float(s) for s in numbers if isinstance(s, int | float))
    return (key, times) if len(times) == len(numbers) else None
