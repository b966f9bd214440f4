import io
import json
import subprocess
import sys

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
