"""What can be done now: options, sensors, build, run."""

from collections.abc import Callable

import ipywidgets as w

Clicked = Callable[[object], None]


class ActionsPanel(w.HBox):
    """The buttons: options, sensors, build, run."""

    def __init__(self, build: Clicked, run: Clicked) -> None:
        narrow = {"width": "auto"}
        self.options = w.ToggleButton(description="Options", layout=narrow)
        self.sensors = w.ToggleButton(description="Sensors", layout=narrow)
        self.sensors.tooltip = "Clocks, power, temperature and load as they are now"
        self._build = w.Button(description="Build", layout={"width": "76px"})
        self._run = w.Button(
            description="Run", button_style="primary", layout={"width": "76px"}
        )
        self._build.on_click(build)
        self._run.on_click(run)
        super().__init__([self.options, self.sensors, self._build, self._run])
        self.add_class("trtl-actions")

    def count(self, changes: int) -> None:
        """Say on the button how many options differ from their defaults."""
        self.options.description = f"Options · {changes} changed" if changes else "Options"

    def enable(self, problem: str, *, busy: bool, stale: bool) -> None:
        """Offer what can be done now, and say why the rest cannot.

        Args:
            problem: Why nothing can be built; empty when it can.
            busy: Work is under way.
            stale: The results that are shown were built with other options.
        """
        for each in (self._build, self._run):
            each.disabled = bool(problem) or busy
        self._build.tooltip = problem or "Build an engine with these options"
        self._build.button_style = "warning" if stale else ""
        if stale:
            self._build.tooltip = "The form has changed since the results that are shown"
        self._run.tooltip = problem or "Measure; builds first when needed"
