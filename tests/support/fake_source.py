"""A telemetry source that says what the test wrote down, one reading after the other."""

from trtlab.profiling.telemetry.source import Reading


class FakeSource:
    """Readings in turn; the last one stays."""

    def __init__(self, metrics, readings, *, name="nvml", missing=None, on_read=None):
        self.name = name
        self.metrics = metrics
        self.missing = missing or {}
        self.readings = [r if isinstance(r, Reading) else Reading(r) for r in readings]
        self.on_read = on_read
        self.reads = 0
        self.opened = self.closed = 0

    def open(self):
        self.opened += 1

    def read(self, *, thorough=False):
        self.thorough = thorough
        if self.on_read is not None:
            self.on_read()
        reading = self.readings[min(self.reads, len(self.readings) - 1)]
        self.reads += 1
        return reading

    def close(self):
        self.closed += 1
