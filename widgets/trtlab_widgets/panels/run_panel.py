"""How to measure: how long, after which warm-up, and what to record meanwhile."""

import ipywidgets as w

from trtlab.session.requests import (
    DEFAULT_DURATION_S,
    DEFAULT_ITERATIONS,
    DEFAULT_WARMUP_MS,
    Extents,
    RunRequest,
)
from trtlab_widgets.pages.text import plural
from trtlab_widgets.panels.form import Changed, group, labelled, on_value

_LONGEST_S = 3600.0
_MOST_ITERATIONS = 1_000_000


class RunPanel(w.VBox):
    """Asks for the benchmark's length and its records.

    Args:
        changed: Called after every edit.
    """

    def __init__(self, changed: Changed) -> None:
        self._duration = labelled(
            w.BoundedFloatText,
            "Duration (s)",
            value=DEFAULT_DURATION_S,
            max=_LONGEST_S,
            step=1,
        )
        self._warmup = labelled(
            w.BoundedFloatText,
            "Warm-up (ms)",
            value=DEFAULT_WARMUP_MS,
            max=_LONGEST_S * 1e3,
            step=100,
        )
        self._iterations = labelled(
            w.BoundedIntText,
            "Min. queries",
            value=DEFAULT_ITERATIONS,
            min=1,
            max=_MOST_ITERATIONS,
            tooltip="Inferences, however long they take",
        )
        self._layers = w.Checkbox(value=True, description="Time every layer", indent=False)
        self._telemetry = w.Checkbox(value=True, description="Record sensors", indent=False)
        fields = [
            self._duration,
            self._warmup,
            self._iterations,
            self._layers,
            self._telemetry,
        ]
        on_value(fields, changed)
        super().__init__([group("Benchmark", *fields)])

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs from the defaults."""
        told = (
            (self._duration.value != DEFAULT_DURATION_S, f"{self._duration.value:g} s"),
            (self._warmup.value != DEFAULT_WARMUP_MS, f"{self._warmup.value:g} ms warm-up"),
            (
                self._iterations.value != DEFAULT_ITERATIONS,
                f"at least {plural(self._iterations.value, 'query')}",
            ),
            (not self._layers.value, "layers untimed"),
            (not self._telemetry.value, "no sensors"),
        )
        return tuple(text for differs, text in told if differs)

    def reset(self) -> None:
        """The default length, with all records."""
        self._duration.value = DEFAULT_DURATION_S
        self._warmup.value = DEFAULT_WARMUP_MS
        self._iterations.value = DEFAULT_ITERATIONS
        self._layers.value = self._telemetry.value = True

    def request(self, shapes: dict[str, Extents]) -> RunRequest:
        """What is asked for, at the given shapes."""
        return RunRequest(
            shapes=shapes,
            duration_s=self._duration.value,
            warmup_ms=self._warmup.value,
            iterations=self._iterations.value,
            profile_layers=self._layers.value,
            telemetry=self._telemetry.value,
        )
