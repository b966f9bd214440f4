"""Long-running work in a process of its own, so that the notebook's kernel stays free.

The worker is started with the first job and kept for the next ones: its kernels stay compiled
and the last engine stays loaded. A cancelled job stops at its next step; one that does not
react is ended with its process, which loses nothing but the job.
"""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from trtlab import zoo
from trtlab.core.errors import (
    CancelledError,
    DeviceError,
    DeviceLostError,
    InternalError,
    TrtlabError,
    UsageError,
)
from trtlab.profiling.telemetry.machine import machine_sources
from trtlab.profiling.telemetry.process import ObservedProcess
from trtlab.report.codec import load as load_report
from trtlab.report.plain_data import MismatchError, from_plain, to_plain
from trtlab.report.records import Report
from trtlab.session.capabilities import capabilities
from trtlab.session.job import Job
from trtlab.session.live import TelemetryWatch
from trtlab.session.requests import (
    BuildRequest,
    Capabilities,
    JobEvent,
    OpenedModel,
    RunRequest,
    TelemetryChunk,
)
from trtlab.session.wire import decode_error, receive, send

Result = TypeVar("Result")
_PATIENCE_S = 4.0


class Session:
    """Opens, builds, runs and measures models, one job at a time.

    Args:
        folder: Where engines and reports of this session go; a temporary one by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = (
            tempfile.TemporaryDirectory(prefix="trtlab-") if folder is None else None
        )
        self.folder = Path(self._temporary.name) if self._temporary else Path(folder or ".")
        self._lock = threading.RLock()
        self._worker: subprocess.Popen[str] | None = None
        self._jobs: dict[int, tuple[Job[Any], Callable[[dict[str, Any]], Any]]] = {}
        self._count = 0
        self._listener: threading.Thread | None = None

    @property
    def engine_path(self) -> Path:
        """File of the engine that was built last."""
        return self.folder / "last.engine"

    def zoo_models(self) -> tuple[str, ...]:
        """Names of the models that come along."""
        return zoo.names()

    def capabilities(self) -> tuple[Capabilities, ...]:
        """Devices of this machine, the best one first."""
        return capabilities()

    def open_model(self, source: str) -> Job[OpenedModel]:
        """Read a model file, or ``zoo:NAME``."""
        return self._start(
            {"do": "open", "source": source}, lambda m: from_plain(OpenedModel, m["opened"])
        )

    def start_build(self, request: BuildRequest) -> Job[Report]:
        """Build an engine; the report has no benchmark yet."""
        message = {
            "do": "build",
            "request": to_plain(request),
            "engine": str(self.engine_path),
        }
        return self._start(message, self._load_report)

    def start_run(self, request: RunRequest) -> Job[Report]:
        """Measure the engine that was built last."""
        message = {"do": "run", "request": to_plain(request), "engine": str(self.engine_path)}
        return self._start(message, self._load_report)

    def watch_telemetry(
        self, listener: Callable[[tuple[TelemetryChunk, ...]], None], interval_ms: float
    ) -> TelemetryWatch:
        """Hear sensor samples until the watch is closed.

        Load and memory are those of the worker, whichever it is at the time.
        """
        process = ObservedProcess("the worker", self._worker_pid)
        return TelemetryWatch(listener, interval_ms, machine_sources(process=process))

    def close(self) -> None:
        """End the worker and remove the session's temporary files."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            if self._listener is not None:
                self._listener.join(_PATIENCE_S)
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ---- the worker --------------------------------------------------------------------

    def _start(
        self, message: dict[str, Any], decode: Callable[[dict[str, Any]], Result]
    ) -> Job[Result]:
        with self._lock:
            if self._jobs:
                raise UsageError(
                    "a job is under way already", hint="wait for it, or cancel it first"
                )
            worker = self._living_worker()
            self._count += 1
            number = self._count
            job: Job[Result] = Job(lambda: self._cancel(number))
            self._jobs[number] = (job, decode)
        job.tell(JobEvent("running", phase="Starting"))
        report = self.folder / f"report-{number}.json.gz"
        if worker.stdin is None:
            raise DeviceError("the worker has no input")
        try:
            send(worker.stdin, {**message, "job": number, "report": str(report)})
        except OSError:
            self._lost(worker)
        return job

    def _worker_pid(self) -> int | None:
        worker = self._worker
        return None if worker is None or worker.poll() is not None else worker.pid

    def _living_worker(self) -> subprocess.Popen[str]:
        if self._worker is None or self._worker.poll() is not None:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "trtlab.session.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # interrupting a kernel must not end its worker
                encoding="utf-8",
            )
            self._listener = threading.Thread(
                target=self._listen, args=(self._worker,), name="trtlab-session", daemon=True
            )
            self._listener.start()
        return self._worker

    def _listen(self, worker: subprocess.Popen[str]) -> None:
        if worker.stdout is None:
            return
        while not worker.stdout.closed:
            try:
                message = receive(worker.stdout)
            except ValueError:
                continue  # a library printed something; not ours
            if message is None:
                break
            self._handle(message)
        self._lost(worker)

    def _handle(self, message: dict[str, Any]) -> None:
        found = self._jobs.get(int(message.get("job", 0)))
        if found is None:
            return
        job, decode = found
        if "event" in message:
            with contextlib.suppress(MismatchError):  # progress only: the result will tell
                job.tell(from_plain(JobEvent, message["event"]))
            return
        if self._jobs.pop(int(message["job"]), None) is None:
            return  # it was given up in this moment
        if "error" in message:
            job.finish(self._fit_for_more(decode_error(message["error"])))
            return
        try:
            job.finish(decode(message))
        except TrtlabError as error:
            job.finish(error)
        except MismatchError as error:
            job.finish(
                InternalError(f"the worker's answer is not understood: {error.path} {error}")
            )

    def _fit_for_more(self, error: TrtlabError) -> TrtlabError:
        """The error; where the worker has lost its GPU, another one takes its place."""
        worker = self._worker
        if not isinstance(error, DeviceLostError) or worker is None:
            return error
        worker.kill()
        self._lost(worker)
        hint = "the worker process that lost its CUDA context is replaced: start again"
        return DeviceLostError(error.what, where=error.where, hint=hint)

    def _cancel(self, number: int) -> None:
        worker = self._worker
        if worker is None or worker.stdin is None:
            return
        with contextlib.suppress(OSError):
            send(worker.stdin, {"do": "cancel", "job": number})
        timer = threading.Timer(_PATIENCE_S, self._end_stubborn, (worker, number))
        timer.daemon = True
        timer.start()

    def _end_stubborn(self, worker: subprocess.Popen[str], number: int) -> None:
        with self._lock:
            job, _ = self._jobs.pop(number, (None, None))
            if job is None:
                return  # it stopped by itself
            worker.kill()
            if self._worker is worker:
                self._worker = None  # it lives on for a moment: not for the next job
        job.finish(CancelledError("stopped by ending the worker", hint="start again"))

    def _lost(self, worker: subprocess.Popen[str]) -> None:
        code = worker.wait()
        for stream in (worker.stdin, worker.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with self._lock:
            if self._worker not in {None, worker}:
                return  # another one has taken its place, and the jobs are that one's
            self._worker = None
            lost = [job for job, _ in self._jobs.values()]
            self._jobs.clear()
        for job in lost:
            job.finish(
                DeviceError(
                    f"the worker process ended with exit code {code} before the job was done",
                    hint="exit code −9 often means that memory ran out: try smaller shapes; "
                    "nothing else was lost, start again",
                )
            )

    def _load_report(self, message: dict[str, Any]) -> Report:
        path = Path(message["report"])
        report = load_report(path)
        path.unlink(missing_ok=True)
        return report
