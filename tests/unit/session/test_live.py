"""What a watch tells its listener, sample by sample."""

import os
import queue

from fake_source import FakeSource

from trtlab.profiling.telemetry.source import Metric, Reading
from trtlab.session.live import TelemetryWatch
from trtlab.session.session import Session

LOAD = Metric("cpu.process_load", "Load of the worker", "%", 200.0)


class Seldom(FakeSource):
    """Has a value only once for each that the test writes down."""

    def __init__(self, missing):
        super().__init__([LOAD], [], missing={LOAD.name: missing})
        self.due = queue.SimpleQueue()

    def read(self, *, thorough=False):
        del thorough
        return Reading([None if self.due.empty() else self.due.get()])


def next_of(heard, metric, wanted):
    """The first chunk of a metric that is as wanted."""
    while True:
        for chunk in heard.get(timeout=60):
            if chunk.metric == metric and wanted(chunk):
                return chunk


def test_a_metric_without_values_tells_why_once_and_then_its_values():
    source = Seldom("no worker yet")
    heard = queue.Queue()
    watch = TelemetryWatch(heard.put, 5, [source])
    try:
        (first,) = heard.get(timeout=60)
        assert (first.label, first.times_ns, first.missing) == (
            "Load of the worker",
            (),
            "no worker yet",
        )
        source.due.put(50.0)
        (second,) = heard.get(timeout=60)  # nothing was told twice
        assert (second.values, second.missing, second.limit) == ((50.0,), "", 200.0)
        (third,) = heard.get(timeout=60)  # the reason is still there, the values are not
        assert (third.values, third.missing) == ((), "no worker yet")
    finally:
        watch.close()


def test_a_session_watches_its_worker_and_the_one_that_follows(tmp_path):
    heard = queue.Queue()
    with Session(tmp_path) as session:
        watch = session.watch_telemetry(heard.put, 50)
        try:
            chunk = next_of(heard, "memory.rss", lambda c: c.missing)
            assert (chunk.label, chunk.missing) == ("Memory of the worker", "no worker yet")
            session.open_model("missing.onnx")  # reason enough to start a worker
            assert session._worker_pid() not in {None, os.getpid()}
            assert next_of(heard, "memory.rss", lambda c: c.values).values[-1] > 0
            session._worker.kill()
            session._worker.wait()
            chunk = next_of(heard, "memory.rss", lambda c: c.missing)
            assert chunk.missing == "the worker has ended"
            assert session._worker_pid() is None
        finally:
            watch.close()
