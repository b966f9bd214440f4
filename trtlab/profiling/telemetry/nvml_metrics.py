"""What is asked of a GPU, as data: each metric with the ways to read it, best first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# What does not move fast is asked less often, for each call costs processor time: 20 to 170
# µs, hardware throttle counters 1 ms and energy 3.3 ms (measured on an H200, driver 580).
BRISK_MS, SLOW_MS, DEAR_MS = 200, 1000, 5000
_CLOCK_SM, _CLOCK_MEMORY = 1, 2  # nvmlClockType_t
_SLOWDOWN, _MEMORY_MAX = 1, 2  # nvmlTemperatureThresholds_t


@dataclass(frozen=True, slots=True)
class Call:
    """An NVML function of the device handle.

    Attributes:
        function: Its name.
        arguments: Those after the handle.
        pick: The number in what it returns.
        scale: Times this, to get the metric's unit.
    """

    function: str
    arguments: tuple[int, ...] = ()
    pick: Callable[[Any], float] = float
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Field:
    """A field value; all of them are read with one call to the driver."""

    constant: str
    default: int
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A metric, the ways to read it, and where its limit stands.

    Attributes:
        name: Without the device's prefix.
        label: For people.
        unit: After scaling.
        ways: Tried in order when the source opens.
        limit: Read once.
        of_instance: Belongs to a MIG instance rather than to the whole GPU.
        period_ms: Read no more often than this; 0 with every sample.
    """

    name: str
    label: str
    unit: str
    ways: tuple[Call | Field, ...]
    limit: Call | None = None
    of_instance: bool = False
    period_ms: int = 0


WANTED = (
    Wanted(
        "sm_clock",
        "SM clock",
        "MHz",
        (Call("nvmlDeviceGetClockInfo", (_CLOCK_SM,)),),
        Call("nvmlDeviceGetMaxClockInfo", (_CLOCK_SM,)),
    ),
    Wanted(
        "memory_clock",
        "Memory clock",
        "MHz",
        (Call("nvmlDeviceGetClockInfo", (_CLOCK_MEMORY,)),),
        Call("nvmlDeviceGetMaxClockInfo", (_CLOCK_MEMORY,)),
        period_ms=BRISK_MS,
    ),
    Wanted(
        "power",
        "Power",
        "W",
        # GetPowerUsage is a 1 s average on most GPUs since Ampere, hence the second choice
        (
            Field("NVML_FI_DEV_POWER_INSTANT", 186, 1e-3),
            Call("nvmlDeviceGetPowerUsage", scale=1e-3),
        ),
        Call("nvmlDeviceGetEnforcedPowerLimit", scale=1e-3),
    ),
    Wanted(
        "power_average",
        "Power, 1 s average",
        "W",
        (Field("NVML_FI_DEV_POWER_AVERAGE", 185, 1e-3),),
        Call("nvmlDeviceGetEnforcedPowerLimit", scale=1e-3),
    ),
    Wanted(
        "temperature",
        "GPU temperature",
        "°C",
        (
            Call("nvmlDeviceGetTemperatureV", (0,)),
            Call("nvmlDeviceGetTemperature", (0,)),
        ),
        Call("nvmlDeviceGetTemperatureThreshold", (_SLOWDOWN,)),
        period_ms=BRISK_MS,
    ),
    Wanted(
        "memory_temperature",
        "Memory temperature",
        "°C",
        (Field("NVML_FI_DEV_MEMORY_TEMP", 82),),
        Call("nvmlDeviceGetTemperatureThreshold", (_MEMORY_MAX,)),
        period_ms=BRISK_MS,
    ),
    Wanted(
        "utilization",
        "Time that a kernel ran",
        "%",
        (Call("nvmlDeviceGetUtilizationRates", pick=lambda rates: float(rates.gpu)),),
        period_ms=BRISK_MS,
    ),
    Wanted(
        "memory_utilization",
        "Time that memory was accessed",
        "%",
        (Call("nvmlDeviceGetUtilizationRates", pick=lambda rates: float(rates.memory)),),
        period_ms=BRISK_MS,
    ),
    Wanted(
        "memory_used",
        "Memory in use",
        "bytes",
        (Call("nvmlDeviceGetMemoryInfo", pick=lambda memory: float(memory.used)),),
        Call("nvmlDeviceGetMemoryInfo", pick=lambda memory: float(memory.total)),
        of_instance=True,
        period_ms=BRISK_MS,
    ),
    Wanted(
        "energy",
        "Energy since the start",
        "J",
        (
            Field("NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 83, 1e-3),
            Call("nvmlDeviceGetTotalEnergyConsumption", scale=1e-3),
        ),
        period_ms=DEAR_MS,
    ),
    Wanted(
        "performance_state",
        "Performance state (0 is fastest)",
        "",
        (Call("nvmlDeviceGetPerformanceState"),),
        period_ms=SLOW_MS,
    ),
    Wanted(
        "pcie_generation",
        "PCIe generation",
        "",
        (Call("nvmlDeviceGetCurrPcieLinkGeneration"),),
        Call("nvmlDeviceGetMaxPcieLinkGeneration"),
        period_ms=SLOW_MS,
    ),
    Wanted(
        "pcie_width",
        "PCIe lanes",
        "",
        (Call("nvmlDeviceGetCurrPcieLinkWidth"),),
        Call("nvmlDeviceGetMaxPcieLinkWidth"),
        period_ms=SLOW_MS,
    ),
)
