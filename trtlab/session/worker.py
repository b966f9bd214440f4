"""The worker process: reads requests from its input, writes events and results.

Run as ``python -m trtlab.session.worker``. Jobs run one after another in the main thread, while
another thread keeps reading, so that a cancel is heard at once. The end of the input ends the
process.
"""

import os
import queue
import sys
import threading
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

from trtlab.builder.progress import SilentMonitor
from trtlab.core.errors import CancelledError, DeviceError, InternalError, TrtlabError
from trtlab.engine import plan_file
from trtlab.profiling.progress import Step
from trtlab.report.codec import save as save_report
from trtlab.report.plain_data import from_plain, to_plain
from trtlab.session.requests import (
    BuildRequest,
    JobEvent,
    NetworkLayer,
    OpenedModel,
    RunRequest,
)
from trtlab.session.sources import default_profile, open_cached
from trtlab.session.time_left import TimeLeft
from trtlab.session.wire import encode_error, receive, send
from trtlab.session.work import build_engine, describe, measure

if TYPE_CHECKING:
    from trtlab.engine.engine import Engine

_TELL_EVERY_S = 0.08


class Worker:
    """Serves one session.

    Args:
        source: Where requests come from.
        sink: Where events and results go.
    """

    def __init__(self, source: IO[str], sink: IO[str]) -> None:
        self._source = source
        self._sink = sink
        self._requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancelled: set[int] = set()
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Work until the input ends."""
        threading.Thread(target=self._read, daemon=True).start()
        while (message := self._requests.get()) is not None:
            self._work(message)

    def say(self, message: dict[str, Any]) -> None:
        """Send one message."""
        with self._lock:
            send(self._sink, message)

    def is_cancelled(self, number: int) -> bool:
        """Whether the session asked to stop this job."""
        return number in self._cancelled

    def _read(self) -> None:
        while (message := receive(self._source)) is not None:
            if message["do"] == "cancel":
                self._cancelled.add(int(message["job"]))
            else:
                self._requests.put(message)
        self._requests.put(None)
        # The session is gone: whatever still runs is of no use to anyone.
        threading.Timer(1.0, os._exit, (0,)).start()

    def _work(self, message: dict[str, Any]) -> None:
        number = int(message["job"])
        try:
            result = getattr(self, f"_{message['do']}")(number, message)
        except TrtlabError as error:
            result = {"error": encode_error(error)}
        except MemoryError:
            error = DeviceError("the host ran out of memory", hint="give smaller shapes")
            result = {"error": encode_error(error)}
        except Exception as error:  # noqa: BLE001 - a bug must reach the user, not end the worker
            bug = InternalError(f"{type(error).__name__}: {error}", where=_places(error))
            result = {"error": encode_error(bug)}
        self.say({"job": number, **result})

    def _open(self, number: int, message: dict[str, Any]) -> dict[str, Any]:
        teller = _Teller(self, number)
        teller.tell("Reading model", 0, 0, message["source"])
        parsed = open_cached(message["source"])
        layers = tuple(
            NetworkLayer(
                layer.name,
                layer.op.kind,
                tuple(f"{o.node} ({o.op_type})" for o in layer.origins),
            )
            for layer in parsed.network.layers
        )
        profiles = dict(default_profile(parsed.network, message["source"]).inputs)
        return {"opened": to_plain(OpenedModel(parsed.model_record, layers, profiles))}

    def _build(self, number: int, message: dict[str, Any]) -> dict[str, Any]:
        request = from_plain(BuildRequest, message["request"])
        teller = _Teller(self, number)
        teller.tell("Reading model", 0, 0, request.source)
        self._engine = build_engine(request, teller)
        plan_file.save(self._engine, Path(message["engine"]))
        save_report(describe(self._engine), message["report"])
        return {"report": message["report"]}

    def _run(self, number: int, message: dict[str, Any]) -> dict[str, Any]:
        request = from_plain(RunRequest, message["request"])
        if self._engine is None:
            self._engine = plan_file.load(Path(message["engine"]))
        teller = _Teller(self, number)
        report = measure(
            self._engine,
            request,
            cancelled=lambda: self.is_cancelled(number),
            progress=teller.measured,
        )
        save_report(report, message["report"])
        return {"report": message["report"]}


class _Teller(SilentMonitor):
    """A build's progress as job events, not more of them than a person can see."""

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker = worker
        self._number = number
        self._total = 0
        self._phase: str = ""
        self._left = TimeLeft(0, monotonic())
        self._told = 0.0

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """Tell the new phase at once."""
        del parent_phase
        self._total = num_steps if num_steps > 1 else 0  # of one step there is no share
        self._left = TimeLeft(self._total, monotonic())
        self.tell(phase_name, 0, self._total, "", urgent=True)

    def step_complete(self, phase_name: str, step: int) -> bool:
        """Tell the step, unless the last one was told a moment ago."""
        done = min(step + 1, self._total)
        left = self._left.after(done, monotonic()) if self._total else None
        self.tell(phase_name, done, self._total, "", eta_s=left)
        return not self._worker.is_cancelled(self._number)

    def measured(self, step: Step) -> None:
        """Tell a measurement's step, unless the last one was told a moment ago."""
        fresh = (step.phase, step.total) != (self._phase, self._total)
        if fresh:
            self._phase, self._total = step.phase, step.total
            self._left = TimeLeft(step.total, monotonic())
        left = self._left.after(step.done, monotonic()) if step.total else None
        self.tell(
            step.phase, step.done, step.total, step.message,
            eta_s=left, unit=step.unit, urgent=fresh,
        )  # fmt: skip

    def tell(
        self,
        phase: str,
        done: int,
        total: int,
        message: str,
        *,
        eta_s: float | None = None,
        unit: str = "",
        urgent: bool = False,
    ) -> None:
        """Send an event."""
        if self._worker.is_cancelled(self._number):
            raise CancelledError("stopped on request")
        now = monotonic()
        if not urgent and done != total and now - self._told < _TELL_EVERY_S:
            return
        self._told = now
        event = JobEvent("running", phase, done, total, message, eta_s, unit)
        self._worker.say({"job": self._number, "event": to_plain(event)})


def _places(error: BaseException) -> tuple[str, ...]:
    """The innermost places of a traceback, for a bug report."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    return tuple(places[-6:])


def main() -> None:
    """Serve on standard input and output; other prints go to standard error."""
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr
    try:
        Worker(sys.stdin, sink).serve()
    except BrokenPipeError:
        os._exit(0)  # the session ended first: nobody is there to be told, nothing to flush


if __name__ == "__main__":
    main()
