"""How many tactics were timed, and where; a contest that several layers share counts once."""

from collections.abc import Iterable
from dataclasses import dataclass

from trtlab.report.records import BuildRecord, ContenderRecord


@dataclass(frozen=True, slots=True)
class Timed:
    """Where times of tactics come from.

    Attributes:
        here: Timed in this build.
        cached: Known from the timing cache.
    """

    here: int
    cached: int

    def __str__(self) -> str:
        """``timed in this build``, ``from the timing cache``, or both with counts."""
        if not self.cached:
            return "timed in this build" if self.here else "none timed"
        if not self.here:
            return "from the timing cache"
        return f"{self.here:,} timed in this build, {self.cached:,} from the timing cache"


def timed(contenders: Iterable[ContenderRecord]) -> Timed:
    """Of these, how many have a time, and from where."""
    cached = [c.from_cache for c in contenders if c.time_us is not None]
    return Timed(len(cached) - sum(cached), sum(cached))


def timed_in(build: BuildRecord) -> Timed:
    """Of all contests of a build; one that several layers share counts once."""
    distinct = dict.fromkeys(selection.contenders for selection in build.selections)
    return timed(c for contenders in distinct for c in contenders)
