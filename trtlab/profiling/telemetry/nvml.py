"""One NVIDIA GPU's sensors.

Each metric is probed once; what does not answer is listed with NVML's reason. Of a MIG
instance, memory and activity are its own, clocks, power and temperature those of the GPU
around it.
"""

import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

from trtlab.profiling.query import Clock
from trtlab.profiling.telemetry import nvml_throttle
from trtlab.profiling.telemetry.gpm import Gpm
from trtlab.profiling.telemetry.nvml_library import NvmlLibrary, NvmlRefusalError
from trtlab.profiling.telemetry.nvml_metrics import WANTED, Call, Field, Wanted
from trtlab.profiling.telemetry.source import Metric, Reading

_REASON_CALLS = (
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetCurrentClocksThrottleReasons",  # its name before driver 535
)


@dataclass(slots=True)
class _Sensor:
    """A metric that answered, and how.

    Attributes:
        metric: What it is.
        way: A call, or the place among the field values of its period.
        handle: Of the GPU or MIG instance.
        period_ms: Read no more often than this.
        scale: Times this, to get the metric's unit,
        offset: less this.
    """

    metric: Metric
    way: Call | int
    handle: object
    period_ms: int
    scale: float = 1.0
    offset: float = 0.0


class NvmlSource:
    """The sensors of one GPU.

    Args:
        index: NVML's number of the GPU: in the order of the PCI bus, not of CUDA.
        uuid: ``GPU-…`` or ``MIG-…`` instead of the number; CUDA tells it too.
        bus_id: Place on the PCI bus instead of either, such as ``0000:1b:00.0``.
        prefix: Of the metrics' names; for several GPUs choose ``gpu0``, ``gpu1`` ….
        module: A stand-in for `pynvml`.
        now_ns: The clock.
    """

    name = "nvml"

    def __init__(
        self,
        index: int = 0,
        *,
        uuid: str = "",
        bus_id: str = "",
        prefix: str = "gpu",
        module: ModuleType | None = None,
        now_ns: Clock = time.monotonic_ns,
    ) -> None:
        self._index = index
        self._uuid = uuid
        self._bus_id = bus_id
        self._prefix = prefix
        self._module = module
        self._now_ns = now_ns
        self._reset()

    def _reset(self) -> None:
        self._library: NvmlLibrary | None = None
        self._device: object = None
        self._sensors: list[_Sensor] = []
        self._fields: defaultdict[int, list[int]] = defaultdict(list)  # by period
        self._read_ns: dict[int, int] = {}  # by period: when last
        self._gpm: Gpm | None = None
        self._reason_call = ""
        self._missing: dict[str, str] = {}

    @property
    def metrics(self) -> Sequence[Metric]:
        """What answered; see `Source.metrics`."""
        return [s.metric for s in self._sensors] + list(self._gpm.metrics if self._gpm else ())

    @property
    def missing(self) -> Mapping[str, str]:
        """What did not, and why."""
        return self._missing

    def open(self) -> None:
        """Start NVML and probe; without a driver everything is missing."""
        self._reset()
        try:
            library = NvmlLibrary(self._module)
            library.call("nvmlInit")
        except NvmlRefusalError as error:
            self._missing[self._prefix] = f"no NVIDIA driver ({error})"
            return
        self._library = library
        try:
            device, instance = self._find(library)
        except NvmlRefusalError as error:
            which = self._uuid or self._bus_id or f"number {self._index}"
            self._missing[self._prefix] = f"NVML has no GPU {which} ({error})"
            return
        self._device = device
        for wanted in WANTED:
            self._probe(library, wanted, instance if wanted.of_instance else device)
        self._probe_counters(library)
        self._probe_reasons(library)
        self._probe_gpm(library, instance)

    def read(self, *, thorough: bool = False) -> Reading:
        """Read now what is due; see `Source.read`."""
        library = self._library
        if library is None or self._device is None:
            return Reading(())
        now_ns = self._now_ns()
        due = self._due(now_ns, thorough=thorough)
        fields = {period: self._read_fields(library, period) for period in due}
        values = [
            self._value(library, sensor, fields[sensor.period_ms])
            if sensor.period_ms in due
            else None
            for sensor in self._sensors
        ]
        if self._gpm is not None:
            values += self._activity(self._gpm, now_ns)
        throttled, notes = self._throttled(library)
        return Reading(values, throttled, notes)

    def _due(self, now_ns: int, *, thorough: bool) -> set[int]:
        """Periods whose turn it is, noted as read."""
        due = {
            period
            for period in {sensor.period_ms for sensor in self._sensors}
            if thorough
            or period not in self._read_ns
            or now_ns - self._read_ns[period] >= period * 1_000_000
        }
        self._read_ns.update(dict.fromkeys(due, now_ns))
        return due

    def close(self) -> None:
        """Free what was opened; NVML counts its users."""
        library, self._library = self._library, None
        if library is None:
            return
        try:
            if self._gpm is not None:
                self._gpm.close()
            library.call("nvmlShutdown")
        except NvmlRefusalError as error:
            self._missing[self._prefix] = f"NVML did not close: {error}"

    def _find(self, library: NvmlLibrary) -> tuple[object, object]:
        """Handles of the GPU and of what memory belongs to: itself or a MIG instance."""
        if not self._uuid:
            device = (
                library.call("nvmlDeviceGetHandleByPciBusId", self._bus_id)
                if self._bus_id
                else library.call("nvmlDeviceGetHandleByIndex", self._index)
            )
            return device, device
        found = library.call("nvmlDeviceGetHandleByUUID", self._uuid)
        if not self._uuid.startswith("MIG-"):
            return found, found
        return library.call("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", found), found

    def _probe(self, library: NvmlLibrary, wanted: Wanted, handle: object) -> None:
        name = f"{self._prefix}.{wanted.name}"
        found = self._first(library, wanted.ways, handle, wanted.period_ms)
        if isinstance(found, str):
            self._missing[name] = found
            return
        way, scale, value = found
        metric = Metric(name, wanted.label, wanted.unit, self._limit(library, wanted))
        offset = value if wanted.name == "energy" else 0.0  # the driver counts since it loaded
        self._sensors.append(_Sensor(metric, way, handle, wanted.period_ms, scale, offset))

    def _first(
        self,
        library: NvmlLibrary,
        ways: Sequence[Call | Field],
        handle: object,
        period_ms: int,
    ) -> tuple[Call | int, float, float] | str:
        """The first way that answers, with its scale and value; or why the best does not."""
        refusals: list[str] = []
        for way in ways:
            try:
                if isinstance(way, Field):
                    place, value = self._add_field(library, way, period_ms)
                    return place, way.scale, value * way.scale
                value = way.pick(library.call(way.function, handle, *way.arguments))
            except NvmlRefusalError as error:
                refusals.append(str(error))
            else:
                return way, way.scale, value * way.scale
        return refusals[0]

    def _add_field(
        self, library: NvmlLibrary, field: Field, period_ms: int
    ) -> tuple[int, float]:
        number = library.constant(field.constant, field.default)
        (answer,) = library.field_values(self._device, [number])
        if isinstance(answer, str):
            raise NvmlRefusalError(answer)
        self._fields[period_ms].append(number)
        return len(self._fields[period_ms]) - 1, answer

    def _limit(self, library: NvmlLibrary, wanted: Wanted) -> float | None:
        way = wanted.limit
        if way is None:
            return None
        try:
            answer = library.call(way.function, self._device, *way.arguments)
        except NvmlRefusalError:
            return None  # the trace is worth as much without its limit
        return way.pick(answer) * way.scale

    def _probe_counters(self, library: NvmlLibrary) -> None:
        for counter in nvml_throttle.THROTTLE_COUNTERS:
            words, period_ms = counter.reason, counter.period_ms
            name = f"{self._prefix}.throttled.{words.replace(' ', '_')}"
            found = self._first(library, counter.ways, self._device, period_ms)
            if isinstance(found, str):
                self._missing[name] = found
            else:
                metric = Metric(name, f"Held back: {words}", "ns", None, self._words(words))
                self._sensors.append(_Sensor(metric, found[0], self._device, period_ms))

    def _probe_reasons(self, library: NvmlLibrary) -> None:
        for function in _REASON_CALLS:
            try:
                library.call(function, self._device)
            except NvmlRefusalError as error:
                self._missing[f"{self._prefix}.throttle_reasons"] = str(error)
            else:
                self._reason_call = function
                self._missing.pop(f"{self._prefix}.throttle_reasons", None)
                return

    def _probe_gpm(self, library: NvmlLibrary, instance: object) -> None:
        try:
            number = None
            if instance is not self._device:
                number = int(library.call("nvmlDeviceGetGpuInstanceId", instance))
            self._gpm = Gpm(library, self._device, self._prefix, number)
        except NvmlRefusalError as error:
            self._missing[f"{self._prefix}.sm_active"] = str(error)

    def _read_fields(self, library: NvmlLibrary, period_ms: int) -> Sequence[float | str]:
        numbers = self._fields[period_ms]
        if not numbers:
            return ()
        try:
            return library.field_values(self._device, numbers)
        except NvmlRefusalError as error:
            return [str(error)] * len(numbers)

    def _value(
        self, library: NvmlLibrary, sensor: _Sensor, fields: Sequence[float | str]
    ) -> float | None:
        if isinstance(sensor.way, int):
            answer = fields[sensor.way]
        else:
            way = sensor.way
            try:
                answer = way.pick(library.call(way.function, sensor.handle, *way.arguments))
            except NvmlRefusalError as error:
                answer = str(error)
        if isinstance(answer, str):
            self._missing[sensor.metric.name] = f"answered at first, then: {answer}"
            return None
        return answer * sensor.scale - sensor.offset

    def _activity(self, gpm: Gpm, now_ns: int) -> Sequence[float | None]:
        try:
            values = gpm.read(now_ns)
        except NvmlRefusalError as error:
            self._missing[f"{self._prefix}.sm_active"] = f"answered at first, then: {error}"
            return [None] * len(gpm.metrics)
        return [None if v is None or math.isnan(v) else v for v in values]

    def _throttled(
        self, library: NvmlLibrary
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        if not self._reason_call:
            return None, ()
        try:
            bits = int(library.call(self._reason_call, self._device))
        except NvmlRefusalError as error:
            name = f"{self._prefix}.throttle_reasons"
            self._missing[name] = f"answered at first, then: {error}"
            return None, ()
        words = tuple(self._words(reason) for reason in nvml_throttle.reasons(bits))
        return words, nvml_throttle.notes(bits)

    def _words(self, reason: str) -> str:
        """The reason, with the GPU's name where there are several."""
        return reason if self._prefix == "gpu" else f"{self._prefix}: {reason}"
