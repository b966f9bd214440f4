"""What the workbench needs of a session: the seam that tests replace.

Every method returns at once. Work runs in a worker of the session; listeners are called from a
thread of the session's, in order, and must not block.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from trtlab.report.records import Report
from trtlab.session.requests import (
    BuildRequest,
    Capabilities,
    JobEvent,
    OpenedModel,
    RunRequest,
    TelemetryChunk,
)

Result = TypeVar("Result", covariant=True)


class Job(Protocol[Result]):
    """Work under way."""

    def listen(self, listener: Callable[[JobEvent], None]) -> None:
        """Hear all events from now on; someone who comes late hears the latest one first."""
        ...

    def cancel(self) -> None:
        """Ask the work to stop; the last event says when it has."""
        ...

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the outcome.

        Raises:
            TrtlabError: What stopped the work (`CancelledError` after `cancel`).
            TimeoutError: It is still under way after `timeout_s`.
        """
        ...


class Watch(Protocol):
    """A running stream of sensor samples."""

    def close(self) -> None:
        """Stop sampling."""
        ...


class Session(Protocol):
    """Opens, builds, runs and measures models, one job at a time."""

    @property
    def engine_path(self) -> Path:
        """File of the engine that was built last; missing before the first build."""
        ...

    def zoo_models(self) -> tuple[str, ...]:
        """Names of the models that come along."""
        ...

    def capabilities(self) -> tuple[Capabilities, ...]:
        """Devices of this machine, the best one first."""
        ...

    def open_model(self, source: str) -> Job[OpenedModel]:
        """Read a model file, or ``zoo:NAME``."""
        ...

    def start_build(self, request: BuildRequest) -> Job[Report]:
        """Build an engine; the report has no benchmark yet."""
        ...

    def start_run(self, request: RunRequest) -> Job[Report]:
        """Measure the engine that was built last."""
        ...

    def watch_telemetry(
        self, listener: Callable[[tuple[TelemetryChunk, ...]], None], interval_ms: float
    ) -> Watch:
        """Hear sensor samples until the watch is closed."""
        ...
