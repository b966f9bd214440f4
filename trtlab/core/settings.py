"""Settings from the environment; no other module reads environment variables."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can set once for all calls.

    Attributes:
        cache_dir: Compiled kernels, timing caches and exported zoo models.
        threads: CPU threads for kernels; 0 means every core this process may use.
        checks: Verify networks between passes and plans before use (slower builds).
        prove: Builds for a GPU try candidates in processes of their own first.
        overlap: A generated kernel may be set up while the one before it runs.
    """

    cache_dir: Path
    threads: int
    checks: bool
    prove: bool = True
    overlap: bool = True

    @property
    def cpu_threads(self) -> int:
        """Threads that CPU kernels use."""
        return self.threads or available_cores()


def available_cores() -> int:
    """Cores that this process may run on."""
    return (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else (os.cpu_count() or 1)
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings, read once a process."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    threads = os.environ.get("TRTLAB_THREADS", "0")
    return Settings(
        cache_dir=Path(os.environ.get("TRTLAB_CACHE_DIR") or Path(base) / "trtlab"),
        threads=int(threads) if threads.isdigit() else 0,
        checks=os.environ.get("TRTLAB_CHECKS", "0") not in {"", "0"},
        prove=os.environ.get("TRTLAB_PROVE", "1") != "0",
        overlap=os.environ.get("TRTLAB_OVERLAP", "1") != "0",
    )
