"""A stand-in for `pynvml`: answers from a table and refuses what the test says."""

from types import SimpleNamespace

POWER_INSTANT, POWER_AVERAGE, ENERGY, MEMORY_TEMPERATURE = 186, 185, 83, 82
POWER_CAP_COUNTER = 74
NOT_SUPPORTED = 3


class FakeNvml:
    """One or more GPUs.

    Attributes:
        refused: Function names, field numbers or GPM numbers that answer "Not Supported".
        fields: Field number → (member of the value union, value); change them between samples.
        bits: Clock event reasons.
        calls: Names of the functions called, in order.
        users: Calls of nvmlInit less those of nvmlShutdown.
    """

    class NVMLError(Exception):
        """NVML's error."""

    def __init__(self, *, gpus=1, refused=(), driver=True, gpm=True):
        self.refused = set(refused)
        self.driver = driver
        self.gpus = gpus
        self.gpm = gpm
        self.users = 0
        self.calls = []
        self.bits = 0x1
        self.sm_clock = 1980
        self.mig = {}
        self.fields = {
            POWER_INSTANT: (1, 300_000),
            POWER_AVERAGE: (1, 250_000),
            ENERGY: (3, 5_000_000),
            MEMORY_TEMPERATURE: (1, 45),
            POWER_CAP_COUNTER: (3, 7_000_000_000),
            269: (3, 0),
            270: (3, 0),
            271: (3, 0),
            77: (3, 0),
            79: (3, 0),
        }

    def __getattr__(self, name):
        """Functions that a release lacks are absent from the module."""
        if not name.startswith("nvmlDevice") and not name.startswith("nvmlGpm"):
            raise AttributeError(name)
        answers = {
            "nvmlDeviceGetCount": lambda: self.gpus,
            "nvmlDeviceGetClockInfo": lambda _, kind: {1: self.sm_clock, 2: 3201}[kind],
            "nvmlDeviceGetMaxClockInfo": lambda _, kind: {1: 1980, 2: 3201}[kind],
            "nvmlDeviceGetPowerUsage": lambda _: 240_000,
            "nvmlDeviceGetEnforcedPowerLimit": lambda _: 700_000,
            "nvmlDeviceGetTemperatureV": lambda _, __: 50,
            "nvmlDeviceGetTemperature": lambda _, __: 51,
            "nvmlDeviceGetTemperatureThreshold": lambda _, kind: {1: 89, 2: 95}[kind],
            "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=90, memory=40),
            "nvmlDeviceGetMemoryInfo": self._memory,
            "nvmlDeviceGetPerformanceState": lambda _: 0,
            "nvmlDeviceGetCurrPcieLinkGeneration": lambda _: 5,
            "nvmlDeviceGetMaxPcieLinkGeneration": lambda _: 5,
            "nvmlDeviceGetCurrPcieLinkWidth": lambda _: 16,
            "nvmlDeviceGetMaxPcieLinkWidth": lambda _: 16,
            "nvmlDeviceGetCurrentClocksEventReasons": lambda _: self.bits,
            "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _: self.bits,
            "nvmlDeviceGetFieldValues": self._field_values,
            "nvmlDeviceGetHandleByIndex": self._by_index,
            "nvmlDeviceGetHandleByUUID": self._by_uuid,
            "nvmlDeviceGetHandleByPciBusId": self._by_bus,
            "nvmlDeviceGetDeviceHandleFromMigDeviceHandle": lambda handle: self.mig[handle],
            "nvmlDeviceGetGpuInstanceId": lambda _: 7,
            "nvmlGpmQueryDeviceSupport": lambda _: SimpleNamespace(isSupportedDevice=self.gpm),
            "nvmlGpmSampleAlloc": lambda: SimpleNamespace(of=None),
            "nvmlGpmSampleFree": lambda _: None,
            "nvmlGpmSampleGet": lambda handle, sample: setattr(sample, "of", handle),
            "nvmlGpmMigSampleGet": lambda h, i, sample: setattr(sample, "of", (h, i)),
            "nvmlGpmMetricsGet": self._gpm_metrics,
        }
        if name not in answers:
            raise AttributeError(name)

        def call(*arguments):
            self.calls.append(name)
            if not self.driver or name in self.refused:
                raise self.NVMLError("Not Supported")
            return answers[name](*arguments)

        return call

    def nvmlInit(self):  # noqa: N802  NVML's name
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.users += 1

    def nvmlShutdown(self):  # noqa: N802  NVML's name
        self.users -= 1

    def nvmlErrorString(self, code):  # noqa: N802  NVML's name
        return {NOT_SUPPORTED: "Not Supported"}[code]

    def c_nvmlGpmMetricsGet_t(self):  # noqa: N802  NVML's name
        return SimpleNamespace(metrics=[SimpleNamespace(nvmlReturn=0) for _ in range(98)])

    def _memory(self, handle):
        used = 5 if handle in self.mig else 20
        return SimpleNamespace(used=used * 2**30, total=140 * 2**30)

    def _by_index(self, index):
        if index >= self.gpus:
            raise self.NVMLError("Invalid Argument")
        return f"gpu-{index}"

    def _by_bus(self, bus_id):
        """The place is the number: 0000:01:00.0 is the second GPU."""
        return self._by_index(int(bus_id.split(":")[1]))

    def _by_uuid(self, uuid):
        if uuid.startswith("MIG-"):
            self.mig[uuid] = "gpu-0"
            return uuid
        return "gpu-0"

    def _field_values(self, _, numbers):
        return [self._field(number) for number in numbers]

    def _field(self, number):
        if number not in self.fields or number in self.refused:
            return SimpleNamespace(nvmlReturn=NOT_SUPPORTED)
        kind, value = self.fields[number]
        member = {1: "uiVal", 3: "ullVal"}[kind]
        return SimpleNamespace(
            nvmlReturn=0, valueType=kind, value=SimpleNamespace(**{member: value})
        )

    def _gpm_metrics(self, request):
        assert request.version == 1
        assert request.sample1 is not request.sample2
        assert request.sample1.of is not None
        for place in range(request.numMetrics):
            answer = request.metrics[place]
            answer.value = float(answer.metricId)
            answer.nvmlReturn = NOT_SUPPORTED if answer.metricId in self.refused else 0
