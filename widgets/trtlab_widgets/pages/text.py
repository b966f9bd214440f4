"""Numbers as people read them: times, counts and rates, beside what every report writes alike."""

from trtlab.report.percent import percent
from trtlab.report.quantity import DASH as DASH
from trtlab.report.quantity import digits as digits
from trtlab.report.quantity import nbytes as nbytes
from trtlab.report.quantity import scaled

_TIME_NS = ((1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))
_COUNT = ((1.0, ""), (1e3, "K"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P"))


def time_us(value: float | None) -> str:
    """Microseconds in the unit that fits."""
    return scaled(None if value is None else value * 1e3, _TIME_NS)


def time_ms(value: float | None) -> str:
    """Milliseconds in the unit that fits."""
    return scaled(None if value is None else value * 1e6, _TIME_NS)


def seconds(value: float | None) -> str:
    """Seconds in the unit that fits; minutes from two minutes on."""
    if value is not None and value >= 120:
        return f"{int(value // 60)} min {int(value % 60)} s"
    return scaled(None if value is None else value * 1e9, _TIME_NS)


def count(value: float | None, unit: str = "") -> str:
    """A large number with a decimal prefix: 25557032 → ``25.6 M``."""
    return f"{scaled(value, _COUNT)}{unit}".strip()


def gflop_rate(value: float | None) -> str:
    """Billions of operations a second; trillions from a thousand billions on."""
    if value is not None and abs(value) >= 1e3:
        return f"{digits(value / 1e3)} TFLOP/s"
    return DASH if value is None else f"{digits(value)} GFLOP/s"


def unexplained(rest_ms: float, total_ms: float, unsure_ms: float = 0.0) -> str:
    """What the parts of an inference's time leave over, or by how much they exceed it.

    Layers are timed in inferences of their own, which time stamps and other programs may slow
    down; then the parts add up to more than the plain inferences took.

    Args:
        rest_ms: The whole time without its parts; below zero when they exceed it.
        total_ms: The whole time, from the host's call until it holds the results.
        unsure_ms: How far the total itself is known; a smaller rest says nothing.
    """
    if unsure_ms and abs(rest_ms) <= unsure_ms:
        whole = f"{time_ms(total_ms)} ± {time_ms(unsure_ms)} from call to result"
        return f"{whole}; the parts add up to {time_ms(total_ms - rest_ms)}"
    share = percent(abs(rest_ms) / total_ms if total_ms else None)
    if rest_ms < 0:
        return f"the parts, timed apart, add up to {share} more than {time_ms(total_ms)}"
    return f"{share} of {time_ms(total_ms)} is unexplained"


def shape(extents: tuple[int | str, ...]) -> str:
    """A tensor's shape: ``1×64×56×56``; ``scalar`` without dimensions."""
    return "×".join(str(extent) for extent in extents) or "scalar"


def plural(number: int, word: str) -> str:
    """``1 layer``, ``2 layers``, ``2 queries``, ``2 passes``."""
    if number == 1:
        return f"1 {word}"
    if word.endswith("s"):
        return f"{number:,} {word}es"
    return f"{number:,} {word[:-1]}ies" if word.endswith("y") else f"{number:,} {word}s"
