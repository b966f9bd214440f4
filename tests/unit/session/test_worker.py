import io
import json
import subprocess
import sys

import pytest

from trtlab.core.errors import CancelledError
from trtlab.profiling.progress import Step
from trtlab.session.worker import Worker, _Teller


def test_a_worker_whose_session_is_gone_ends_without_a_word() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-m", "trtlab.session.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    worker.stdout.close()  # as when a script ends while its model is still being read
    worker.stdin.write(json.dumps({"job": 1, "do": "open", "source": "missing.onnx"}) + "\n")
    worker.stdin.flush()
    try:
        assert worker.wait(60) == 0
        assert worker.stderr.read() == ""
    finally:
        worker.kill()
        worker.stdin.close()
        worker.stderr.close()


def test_steps_that_are_told_again_never_exceed_their_phase() -> None:
    """A wait for other processes tells its step at every look, the last one too."""
    sink = io.StringIO()
    teller = _Teller(Worker(io.StringIO(), sink), 1)
    teller.phase_start("Prove tactics", None, 3)
    for step in (0, 0, 1, 3):
        assert teller.step_complete("Prove tactics", step)
    teller.phase_start("Compile kernels", None, 1)
    events = [json.loads(line)["event"] for line in sink.getvalue().splitlines()]
    assert [(e["done"], e["total"]) for e in (events[0], events[-2])] == [(0, 3), (3, 3)]
    assert events[-1]["total"] == 0  # one step is no share: the bar only moves


def test_phases_of_a_measurement_are_told_at_once_and_their_steps_now_and_then() -> None:
    sink = io.StringIO()
    teller = _Teller(Worker(io.StringIO(), sink), 1)
    teller.measured(Step("Warming up"))
    teller.measured(Step("Measuring", 0, 100, "%", "0 inferences"))
    teller.measured(Step("Timing layers", 0, 100, "%", "0 inferences"))
    for begun in range(1000):
        teller.measured(Step("Timing layers", 1, 100, "%", f"{begun} inferences"))
    teller.measured(Step("Timing layers", 100, 100, "%", "1000 inferences"))
    events = [json.loads(line)["event"] for line in sink.getvalue().splitlines()]
    assert [e["phase"] for e in events[:3]] == ["Warming up", "Measuring", "Timing layers"]
    assert len(events) < 1000
    assert (events[-1]["done"], events[-1]["unit"]) == (100, "%")
    assert events[-1]["message"] == "1000 inferences"


def test_a_cancelled_measurement_stops_at_the_step_that_follows() -> None:
    worker = Worker(io.StringIO(), io.StringIO())
    teller = _Teller(worker, 1)
    teller.measured(Step("Timing layers", 3, 100, "%"))
    worker._cancelled.add(1)
    with pytest.raises(CancelledError):
        teller.measured(Step("Timing layers", 4, 100, "%"))
