"""Activity counters (GPM) of Hopper and later: how busy parts were between two samples.

Unlike utilization, they work on MIG instances and tell tensor cores and DRAM apart.
Source: nvml.h, nvmlGpmMetricId_t.
"""

from collections.abc import Sequence
from typing import Any

from trtlab.profiling.telemetry.nvml_library import NvmlLibrary, NvmlRefusalError
from trtlab.profiling.telemetry.source import Metric

_INTERVAL_NS = 100_000_000  # shorter windows make the shares noisy
_VERSION = 1

# nvmlGpmMetricId_t, name, label, unit, factor
_COUNTERS = (
    (2, "sm_active", "SMs busy", "%", 1.0),
    (3, "sm_occupancy", "Warps resident", "%", 1.0),
    (5, "tensor_active", "Tensor cores busy", "%", 1.0),
    (10, "dram_active", "DRAM bandwidth used", "%", 1.0),
    (12, "fp32_active", "FP32 pipes busy", "%", 1.0),
    (13, "fp16_active", "FP16 pipes busy", "%", 1.0),
    (20, "pcie_sent", "PCIe sent", "bytes/s", 2.0**20),
    (21, "pcie_received", "PCIe received", "bytes/s", 2.0**20),
)


class Gpm:
    """Counters of one GPU or MIG instance.

    Args:
        library: NVML.
        device: The GPU's handle.
        prefix: Of the metrics' names.
        instance: The MIG GPU instance, if it is about one.

    Raises:
        NvmlRefusalError: The GPU has no such counters.
    """

    def __init__(
        self, library: NvmlLibrary, device: object, prefix: str, instance: int | None = None
    ) -> None:
        if not library.call("nvmlGpmQueryDeviceSupport", device).isSupportedDevice:
            raise NvmlRefusalError("activity counters need Hopper or later")
        self.metrics = tuple(
            Metric(f"{prefix}.{name}", label, unit) for _, name, label, unit, _ in _COUNTERS
        )
        self._library = library
        self._device = device
        self._instance = instance
        self._older: Any = library.call("nvmlGpmSampleAlloc")
        self._newer: Any = library.call("nvmlGpmSampleAlloc")
        self._sampled_ns: int | None = None

    def read(self, now_ns: int) -> Sequence[float | None]:
        """Shares since the last reading; all None on the first and within 100 ms of the last.

        Raises:
            NvmlRefusalError: NVML does not answer any more.
        """
        nothing = [None] * len(_COUNTERS)
        if self._sampled_ns is not None and now_ns - self._sampled_ns < _INTERVAL_NS:
            return nothing
        self._older, self._newer = self._newer, self._older
        if self._instance is None:
            self._library.call("nvmlGpmSampleGet", self._device, self._newer)
        else:
            self._library.call(
                "nvmlGpmMigSampleGet", self._device, self._instance, self._newer
            )
        first, self._sampled_ns = self._sampled_ns is None, now_ns
        return nothing if first else self._shares()

    def close(self) -> None:
        """Free the samples.

        Raises:
            NvmlRefusalError: NVML does not answer any more.
        """
        for sample in (self._older, self._newer):
            self._library.call("nvmlGpmSampleFree", sample)

    def _shares(self) -> list[float | None]:
        request = self._library.call("c_nvmlGpmMetricsGet_t")
        request.version = _VERSION
        request.numMetrics = len(_COUNTERS)
        request.sample1, request.sample2 = self._older, self._newer
        for place, (number, *_) in enumerate(_COUNTERS):
            request.metrics[place].metricId = number
        self._library.call("nvmlGpmMetricsGet", request)
        return [
            None if answer.nvmlReturn else float(answer.value) * factor
            for answer, (*_, factor) in zip(request.metrics, _COUNTERS, strict=False)
        ]
