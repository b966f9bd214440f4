"""What a build tells while it runs, and how it is stopped."""

from typing import Protocol

from trtlab.core.errors import CancelledError


class ProgressMonitor(Protocol):
    """TensorRT's IProgressMonitor; may be called from several threads."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """A phase of so many steps begins."""
        ...

    def step_complete(self, phase_name: str, step: int) -> bool:
        """A step is done; returning False stops the build."""
        ...

    def phase_finish(self, phase_name: str) -> None:
        """The phase is over."""
        ...


class IProgressMonitor:
    """Base of user-written monitors; override what you want to hear."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """A phase of so many steps begins."""

    def step_complete(self, phase_name: str, step: int) -> bool:
        """A step is done; returning False stops the build."""
        del phase_name, step
        return True

    def phase_finish(self, phase_name: str) -> None:
        """The phase is over."""


class SilentMonitor:
    """Nobody listens."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """Ignored."""

    def step_complete(self, phase_name: str, step: int) -> bool:
        """Go on."""
        del phase_name, step
        return True

    def phase_finish(self, phase_name: str) -> None:
        """Ignored."""


def step(monitor: ProgressMonitor, phase: str, number: int) -> None:
    """Report a step.

    Raises:
        CancelledError: The monitor asked to stop.
    """
    if not monitor.step_complete(phase, number):
        monitor.phase_finish(phase)
        raise CancelledError(
            f"the build was stopped in phase {phase!r} after step {number}",
            hint="build again; what was timed so far is in the timing cache",
        )
