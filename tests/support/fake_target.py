"""Targets on a clock that only moves when something happens: all numbers are exact."""

from collections import deque

from trtlab.profiling.target import LayerStamp, QueryStamps, Span

US = 1000  # nanoseconds


class FakeClock:
    """Nanoseconds that the target and `sleep` move."""

    def __init__(self):
        self.ns = 1_000_000_000

    def __call__(self):
        return self.ns

    def sleep(self, seconds):
        self.ns += round(seconds * 1e9)


class SyncTarget:
    """Computes inside enqueue, like the CPU device.

    Attributes:
        compute_us: Time of each query's computing, in turn; the last one stays.
        layers: Stream and microseconds of each layer; a gap of 1 µs follows each.
    """

    depth = 1
    batch = 4
    clock_uncertainty_ns = 0

    def __init__(self, clock, *, launch_us=10, copy_us=100, compute_us=(1000,), layers=()):
        self.clock = clock
        self.launch_us = launch_us
        self.copy_us = copy_us
        self.compute_us = deque(compute_us)
        self.layers = layers
        self.shapes = {"image": (4, 3)}
        self.seeds = []
        self.log = []
        self.spans = {}

    def set_random_inputs(self, seed):
        self.seeds.append(seed)

    def _spend(self, name, time_us):
        start = self.clock.ns
        self.clock.ns += time_us * US
        self.spans[name] = Span(start, self.clock.ns)

    def transfer_in(self, slot):
        self.log.append(("in", slot))
        self._spend("h2d", self.copy_us)

    def enqueue(self, slot, *, profiled=False):
        self.log.append(("profiled" if profiled else "enqueue", slot))
        self.clock.ns += self.launch_us * US
        if not profiled:
            us = self.compute_us.popleft() if len(self.compute_us) > 1 else self.compute_us[0]
            self._spend("compute", us)
            return
        start, self.stamps = self.clock.ns, []
        for index, (stream, time_us) in enumerate(self.layers):
            begin = self.clock.ns
            self.clock.ns += time_us * US
            self.stamps.append(LayerStamp(index, stream, begin, self.clock.ns))
            self.clock.ns += US
        self.spans["compute"] = Span(start, self.clock.ns)

    def transfer_out(self, slot):
        self.log.append(("out", slot))
        self._spend("d2h", self.copy_us)

    def synchronize(self, slot):
        self.log.append(("wait", slot))
        self.clock.ns += 5 * US
        spans, self.spans = self.spans, {}
        stamps, self.stamps = getattr(self, "stamps", []), []
        return QueryStamps(spans["compute"], spans.get("h2d"), spans.get("d2h"), tuple(stamps))


class AsyncTarget(SyncTarget):
    """Queues work on a device beside the host, like CUDA with two sets of buffers."""

    depth = 2

    def __init__(self, clock, **options):
        super().__init__(clock, **options)
        self.free_ns = 0  # when the device has finished all that was queued
        self.queued = {}

    def _queue(self, slot, name, time_us):
        start = max(self.free_ns, self.clock.ns)
        self.free_ns = start + time_us * US
        self.queued.setdefault(slot, {})[name] = Span(start, self.free_ns)

    def transfer_in(self, slot):
        assert slot not in self.queued, "a slot is used again only after its synchronize"
        self.log.append(("in", slot))
        self._queue(slot, "h2d", self.copy_us)

    def enqueue(self, slot, *, profiled=False):
        assert not profiled
        self.log.append(("enqueue", slot))
        self.clock.ns += self.launch_us * US
        self._queue(slot, "compute", self.compute_us[0])

    def transfer_out(self, slot):
        self.log.append(("out", slot))
        self._queue(slot, "d2h", self.copy_us)

    def synchronize(self, slot):
        self.log.append(("wait", slot))
        spans = self.queued.pop(slot)
        self.clock.ns = max(self.clock.ns, *(s.end_ns for s in spans.values()))
        return QueryStamps(spans["compute"], spans.get("h2d"), spans.get("d2h"))
