"""Work under way: events, cancel and result."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from trtlab.core.errors import CancelledError, TrtlabError
from trtlab.session.requests import JobEvent

Result = TypeVar("Result")
Listener = Callable[[JobEvent], None]


class Job(Generic[Result]):
    """One piece of work in the worker.

    Args:
        cancel: Asks the worker to stop this job.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self._listeners: list[Listener] = []
        self._latest: JobEvent | None = None
        self._outcome: Result | TrtlabError | None = None
        self._lock = threading.RLock()
        self._over = threading.Event()

    def listen(self, listener: Listener) -> None:
        """Hear all events from now on; someone who comes late hears the latest one first."""
        with self._lock:
            self._listeners.append(listener)
            if self._latest is not None:
                listener(self._latest)

    def cancel(self) -> None:
        """Ask the work to stop; the last event says when it has."""
        if not self._over.is_set():
            self._cancel()

    @property
    def done(self) -> bool:
        """Whether the outcome is there."""
        return self._over.is_set()

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the outcome.

        Raises:
            TrtlabError: What stopped the work (`CancelledError` after `cancel`).
            TimeoutError: It is still under way after ``timeout_s``.
        """
        if not self._over.wait(timeout_s):
            raise TimeoutError(f"the job is still under way after {timeout_s} s")
        if isinstance(self._outcome, TrtlabError):
            raise self._outcome
        return self._outcome  # pyright: ignore[reportReturnType] - set before `_over`

    # ---- the worker's side -------------------------------------------------------------

    def tell(self, event: JobEvent) -> None:
        """Pass an event on."""
        with self._lock:
            self._latest = event
            for listener in tuple(self._listeners):
                listener(event)

    def finish(self, outcome: Result | TrtlabError) -> None:
        """Set the outcome and tell the last event; only the first call counts."""
        with self._lock:
            if self._over.is_set():
                return
            self._outcome = outcome
            self._over.set()
        if isinstance(outcome, CancelledError):
            self.tell(JobEvent("cancelled", message=outcome.what))
        elif isinstance(outcome, TrtlabError):
            self.tell(JobEvent("failed", message=str(outcome)))
        else:
            self.tell(JobEvent("done"))
