"""Why a GPU holds its clocks back: reason bits that hold now, and counters of time held back.

Bits are seen only when polled; counters miss nothing between polls.
Source: nvml.h, nvmlClocksEventReasons and NVML_FI_DEV_PERF_POLICY_*. Counters are nanoseconds:
the power counter of an H200 rose by 6.33 s while the bit was seen for 6.32 s.
"""

from dataclasses import dataclass

from trtlab.profiling.telemetry.nvml_metrics import SLOW_MS, Field

# bits that mean slower than asked for, with words for people
THROTTLE_BITS = {
    0x004: "power cap",
    0x008: "hardware slowdown",
    0x020: "software thermal slowdown",
    0x040: "hardware thermal slowdown",
    0x080: "power brake",
    0x200: "board limit",
    0x400: "reliability limit",
}
# bits that set the clocks without being trouble; idle (0x001) is neither
NOTE_BITS = {
    0x002: "the clocks are set by an application clock",
    0x010: "the clocks follow a sync boost group",
    0x100: "the clocks are set by the display clock",
}


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of time held back.

    Attributes:
        reason: For which; the words of the bit.
        ways: Fields that count it, best first.
        period_ms: Read no more often than this.
    """

    reason: str
    ways: tuple[Field, ...]
    period_ms: int = 0


THROTTLE_COUNTERS = (
    Counter(
        THROTTLE_BITS[0x004], (Field("NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP", 74),)
    ),
    Counter(
        THROTTLE_BITS[0x020],
        (
            Field("NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN", 269),
            Field("NVML_FI_DEV_PERF_POLICY_THERMAL", 75),
        ),
    ),
    Counter(
        THROTTLE_BITS[0x040],
        (Field("NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN", 270),),
        SLOW_MS,
    ),
    Counter(
        THROTTLE_BITS[0x080],
        (Field("NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN", 271),),
        SLOW_MS,
    ),
    Counter(THROTTLE_BITS[0x200], (Field("NVML_FI_DEV_PERF_POLICY_BOARD_LIMIT", 77),)),
    Counter(THROTTLE_BITS[0x400], (Field("NVML_FI_DEV_PERF_POLICY_RELIABILITY", 79),)),
)


def reasons(bits: int) -> tuple[str, ...]:
    """The throttle reasons among the bits."""
    return tuple(words for bit, words in THROTTLE_BITS.items() if bits & bit)


def notes(bits: int) -> tuple[str, ...]:
    """What else the bits say about the clocks."""
    return tuple(words for bit, words in NOTE_BITS.items() if bits & bit)
