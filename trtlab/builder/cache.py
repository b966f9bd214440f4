"""TensorRT's timing cache over `tactics.timing_cache`."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from trtlab.core.errors import EngineFormatError, UsageError
from trtlab.network.api.arguments import shown
from trtlab.runtime.api import IHostMemory
from trtlab.tactics.problem import Problem
from trtlab.tactics.timing_cache import TimingCache

_BYTES: tuple[type, ...] = (bytes, bytearray, memoryview)
_KEY_DIGITS = 32
_HASH_DIGITS = 15  # fits a signed 64-bit integer
_US_A_MS = 1e3


@dataclass(frozen=True, slots=True)
class TimingCacheKey:
    """What was timed: a digest of layer, shapes, tactic and device."""

    text: str

    @staticmethod
    def parse(text: str) -> "TimingCacheKey":
        """The key that ``str`` wrote.

        Raises:
            UsageError: It is none.
        """
        if len(text) != _KEY_DIGITS or any(c not in "0123456789abcdef" for c in text):
            raise UsageError(
                f"{text!r} is no key of a timing cache", hint=f"{_KEY_DIGITS} hex digits"
            )
        return TimingCacheKey(text)

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class TimingCacheValue:
    """How long it took.

    Attributes:
        tacticHash: A number for the key's tactic.
        timingMSec: Median in milliseconds.
    """

    tacticHash: int  # noqa: N815 - TensorRT's name
    timingMSec: float  # noqa: N815 - TensorRT's name


class ITimingCache:
    """Measured times of tactics, for this and later builds.

    Args:
        cache: The times.
        editable: Whether `update` is allowed, asked each time.
    """

    def __init__(self, cache: TimingCache, editable: Callable[[], bool]) -> None:
        self.cache = cache
        self._editable = editable

    def serialize(self) -> IHostMemory:
        """All times as bytes, for `IBuilderConfig.create_timing_cache`."""
        return IHostMemory(self.cache.serialize())

    def combine(self, input_cache: "ITimingCache", ignore_mismatch: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Take over another cache's times; its own win where both have some.

        Returns:
            False when the other was made on another device or with other kernels, and
            mismatches are not ignored. Such times would never be used here.
        """
        if input_cache.cache.fingerprint != self.cache.fingerprint and not ignore_mismatch:
            return False
        own = dict(self.cache.items())
        for key, samples in input_cache.cache.items():
            if key not in own:
                self.cache.put(key, samples)
        return True

    def reset(self) -> bool:
        """Forget all times."""
        self.cache.clear()
        return True

    def queryKeys(self) -> list[TimingCacheKey]:  # noqa: N802 - TensorRT's name
        """Everything that was timed."""
        return [TimingCacheKey(key) for key, _ in self.cache.items()]

    def query(self, key: TimingCacheKey) -> TimingCacheValue | None:
        """The time of a key, None when it is not there."""
        samples = dict(self.cache.items()).get(str(key))
        if samples is None:
            return None
        return TimingCacheValue(int(str(key)[:_HASH_DIGITS], 16), median(samples) / _US_A_MS)

    def update(self, key: TimingCacheKey, value: TimingCacheValue) -> bool:
        """Set a time, and with it what the builder thinks of the tactic.

        Raises:
            UsageError: The cache is not editable, or the time is none.
        """
        if not self._editable():
            raise UsageError(
                "the timing cache is not editable",
                hint="config.set_flag(BuilderFlag.EDITABLE_TIMING_CACHE)",
            )
        if not value.timingMSec > 0:
            raise UsageError(f"{value.timingMSec} ms is no time that a tactic can take")
        self.cache.put(str(key), (value.timingMSec * _US_A_MS,))
        return True

    def __len__(self) -> int:
        return len(self.cache)

    def __repr__(self) -> str:
        return f"ITimingCache({len(self)} times)"


def read_cache(blob: bytes | bytearray | memoryview, fingerprint: str) -> TimingCache:
    """A cache with the times in some bytes; empty for none.

    Raises:
        UsageError: It is no bytes.
        EngineFormatError: They are no timing cache of this version.
    """
    if not isinstance(blob, _BYTES):
        raise UsageError(f"a timing cache is bytes, not {shown(blob)}", hint="b'' for none")
    cache = TimingCache(fingerprint)
    if len(blob):
        cache.combine(bytes(blob))
        if cache.damaged_lines:
            raise EngineFormatError(
                f"the timing cache has {cache.damaged_lines} damaged lines",
                hint="create an empty one; times are measured again in the next build",
            )
    return cache


class StrictTimingCache(TimingCache):
    """A cache in which everything must be found: nothing is timed.

    Args:
        base: Holds the times.
    """

    def __init__(self, base: TimingCache) -> None:
        super().__init__(base.fingerprint)
        self.combine(base.serialize())

    def find(self, problem: Problem, tactic: str) -> tuple[float, ...]:
        """Samples in microseconds.

        Raises:
            UsageError: There are none.
        """
        found = super().find(problem, tactic)
        if found is None:
            raise UsageError(
                f"tactic {tactic} has no time in the timing cache",
                where=(str(problem),),
                hint="build once without BuilderFlag.ERROR_ON_TIMING_CACHE_MISS and keep the "
                "timing cache",
            )
        return found
