"""Runs a session's jobs one after another without blocking anyone."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from trtlab.core.errors import TrtlabError, UsageError
from trtlab.session.requests import JobEvent
from trtlab_widgets.protocol import Job

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step(Generic[T]):
    """One job and what becomes of its result.

    Attributes:
        begin: Starts the job and returns at once.
        take: Called with the result in a thread of its own, so it may take its time.
    """

    begin: Callable[[], Job[T]]
    take: Callable[[T], None]


class JobRunner:
    """One sequence of steps at a time; a step that fails ends its sequence.

    Args:
        tell: Hears every event of every job, from the session's thread.
        failed: Hears what ended a sequence early.
        busy: Told True when a sequence begins and False when it has ended.
    """

    def __init__(
        self,
        tell: Callable[[JobEvent], None],
        failed: Callable[[TrtlabError], None],
        busy: Callable[[bool], None],
    ) -> None:
        self._tell = tell
        self._failed = failed
        self._busy = busy
        self._lock = threading.Lock()
        self._job: Job[Any] | None = None
        self._error: TrtlabError | None = None
        self._idle = threading.Event()
        self._idle.set()

    def start(self, *steps: Step[Any]) -> None:
        """Begin the first step; the others follow by themselves.

        Raises:
            UsageError: Another sequence is under way.
            TrtlabError: The first job could not be started.
        """
        with self._lock:
            if not self._idle.is_set():
                raise UsageError("work is under way already", hint="wait for it, or cancel it")
            self._idle.clear()
            self._error = None
        self._busy(True)  # noqa: FBT003 - the callback's only argument
        try:
            self._begin(steps)
        except TrtlabError:
            self._end()
            raise

    def cancel(self) -> None:
        """Ask the job under way to stop; its sequence ends with it."""
        job = self._job
        if job is not None:
            job.cancel()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until nothing is under way.

        Raises:
            TrtlabError: What ended the sequence early.
            TimeoutError: It is still under way after ``timeout_s``.
        """
        if not self._idle.wait(timeout_s):
            raise TimeoutError(f"work is still under way after {timeout_s} s")
        if self._error is not None:
            raise self._error

    def _begin(self, steps: tuple[Step[Any], ...]) -> None:
        job = steps[0].begin()
        self._job = job
        job.listen(lambda event: self._hear(job, steps, event))

    def _hear(self, job: Job[Any], steps: tuple[Step[Any], ...], event: JobEvent) -> None:
        self._tell(event)
        if event.state == "running":
            return
        with self._lock:
            if self._job is not job:
                return  # told twice: once late, once live
            self._job = None
        threading.Thread(
            target=self._finish, args=(job, steps), name="trtlab-finish", daemon=True
        ).start()

    def _finish(self, job: Job[Any], steps: tuple[Step[Any], ...]) -> None:
        goes_on = False
        try:
            steps[0].take(job.result())
            if len(steps) > 1:
                self._begin(steps[1:])
                goes_on = True
        except TrtlabError as error:
            self._error = error
            self._failed(error)
        finally:
            if not goes_on:
                self._end()

    def _end(self) -> None:
        self._busy(False)  # noqa: FBT003 - the callback's only argument
        self._idle.set()
