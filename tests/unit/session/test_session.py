"""The real worker process: everything that a notebook asks of it."""

import os
import signal
import threading
import time

import onnx
import pytest

from tests.support.tiny_models import branches
from trtlab.core.errors import (
    CancelledError,
    DeviceError,
    DeviceLostError,
    ParseError,
    UsageError,
)
from trtlab.session.requests import BuildRequest, RunRequest
from trtlab.session.session import Session
from trtlab.session.wire import encode_error

FAST = RunRequest(duration_s=0.05, warmup_ms=5, iterations=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "branches.onnx"
    onnx.save(branches(), path)
    return str(path)


@pytest.fixture(scope="module")
def session(model):
    """A session whose last engine is the model's."""
    with Session() as opened:
        opened.start_build(BuildRequest(model)).result(300)
        yield opened


def test_open_build_and_run(session, model):
    opened = session.open_model(model).result(300)
    assert opened.model.name == "branches"
    assert {layer.type for layer in opened.layers} >= {"CONVOLUTION", "CONCATENATION"}
    events = []
    job = session.start_build(BuildRequest(model))
    job.listen(events.append)
    built = job.result(300)
    assert built.benchmark is None
    assert built.build.tactics_timed + built.build.cache_hits > 0
    assert events[-1].state == "done"
    phases = [e.phase for e in events if e.state == "running"]
    assert "Select tactics" in phases
    told = []
    job = session.start_run(FAST)
    job.listen(told.append)
    report = job.result(300)
    assert report.benchmark.iterations >= 3
    assert report.timeline
    measuring = [e.phase for e in told if e.unit == "%"]
    assert list(dict.fromkeys(measuring)) == ["Measuring", "Timing layers"]
    assert session.engine_path.exists()


def test_one_job_at_a_time(session, model):
    job = session.start_run(RunRequest(duration_s=1000))
    with pytest.raises(UsageError, match="under way already"):
        session.start_run(FAST)
    job.cancel()
    with pytest.raises(CancelledError):
        job.result(300)


def test_cancel_stops_a_measurement_and_the_session_goes_on(session):
    job = session.start_run(RunRequest(duration_s=1000))
    time.sleep(0.3)
    job.cancel()
    with pytest.raises(CancelledError):
        job.result(300)  # of the 1000 s that it would have taken
    assert session.start_run(FAST).result(300).benchmark is not None


def test_cancel_stops_a_build(session):
    job = session.start_build(BuildRequest("zoo:mobilenet_v2"))
    seen = threading.Event()
    job.listen(lambda e: seen.set() if e.phase == "Select tactics" and e.done > 1 else None)
    assert seen.wait(300)
    job.cancel()
    with pytest.raises(CancelledError):
        job.result(300)


def test_the_job_after_a_stubborn_one_has_a_worker_of_its_own(session, model, monkeypatch):
    monkeypatch.setattr("trtlab.session.session._PATIENCE_S", 0.2)
    session.open_model(model).result(300)
    job = session.start_run(RunRequest(duration_s=1000))
    stopped = session._worker
    os.kill(stopped.pid, signal.SIGSTOP)  # as if it were deep in a library
    job.cancel()
    with pytest.raises(CancelledError, match="ending the worker"):
        job.result(300)
    assert session.open_model(model).result(300).model.name == "branches"
    assert stopped.wait(300) == -signal.SIGKILL


def test_errors_arrive_with_their_class_and_hint(session, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"this is not a model")
    with pytest.raises(ParseError):
        session.open_model(str(broken)).result(300)
    with pytest.raises(UsageError, match="resnet5") as caught:
        session.open_model("zoo:resnet5").result(300)
    assert "resnet50" in caught.value.hint


def test_a_killed_worker_is_told_and_replaced(session, model):
    job = session.start_run(RunRequest(duration_s=1000))
    time.sleep(0.2)
    os.kill(session._worker.pid, signal.SIGKILL)
    with pytest.raises(DeviceError, match="exit code -9"):
        job.result(300)
    assert session.open_model(model).result(300).model.name == "branches"
    # The engine on disk is still there: measuring goes on where it was.
    assert session.start_run(FAST).result(300).benchmark is not None


def test_a_worker_that_lost_its_gpu_is_replaced(session, model):
    job = session.start_run(RunRequest(duration_s=1000))
    time.sleep(0.2)
    worker, number = session._worker, session._count
    said = {"job": number, "error": encode_error(DeviceLostError("an illegal address"))}
    session._handle(said)  # as if the worker had said so
    with pytest.raises(DeviceLostError, match="is replaced: start again"):
        job.result(300)
    assert worker.poll() is not None
    assert session.open_model(model).result(300).model.name == "branches"
    assert session._worker is not worker
    assert session.start_run(FAST).result(300).benchmark is not None
