"""Everything that can be asked for beside the model; counts what differs from the defaults."""

from collections.abc import Sequence
from html import escape

import ipywidgets as w

from trtlab.session.requests import BuildRequest, Capabilities, OpenedModel, RunRequest
from trtlab_widgets.panels.form import Changed, classed, note
from trtlab_widgets.panels.limits_panel import LimitsPanel
from trtlab_widgets.panels.precision_panel import PrecisionPanel
from trtlab_widgets.panels.run_panel import RunPanel
from trtlab_widgets.panels.shapes_panel import ShapesPanel


class OptionsPanel(w.Box):
    """Asks for precision, shapes, limits and the benchmark.

    Args:
        devices: What this machine has, the best one first.
        changed: Called after every edit.
    """

    def __init__(self, devices: Sequence[Capabilities], changed: Changed) -> None:
        self._changed = changed
        self._quiet = True
        self.precision = PrecisionPanel(devices, self._edited)
        self._device = self.precision.device
        self.limits = LimitsPanel(self.precision.capabilities, self._edited)
        self.shapes = ShapesPanel(self._edited)
        self.measuring = RunPanel(self._edited)
        self._quiet = False
        self._sum = classed(note(""), "trtl-options-sum")
        self.back = w.Button(description="Reset", layout={"width": "76px"})
        self.back.tooltip = "All options back to their defaults"
        self.back.on_click(lambda _: self.reset())
        foot = classed(w.HBox([self._sum, self.back]), "trtl-options-foot")
        last = w.VBox([self.limits, self.measuring])  # the tallest column: it never grows
        super().__init__([self.precision, self.shapes, last, foot])
        self.add_class("trtl-options")
        self.fold(away=True)
        self._tell()

    def fold(self, *, away: bool) -> None:
        """Fold the options away, or show them."""
        (self.add_class if away else self.remove_class)("is-closed")

    def set_model(self, opened: OpenedModel) -> None:
        """Another model: its shapes are taken over, its layers differ in nothing yet."""
        self._quiet = True
        self.shapes.set_inputs(opened.model.inputs, opened.profiles)
        self.precision.set_layers(opened.layers)
        self._quiet = False
        self._edited()

    def forget(self) -> None:
        """No model is open: what was set for one is dropped."""
        self._quiet = True
        self.shapes.set_inputs((), {})
        self.precision.set_layers(())
        self._quiet = False
        self._edited()

    def reset(self) -> None:
        """All options as they were before the first edit."""
        self._quiet = True
        self.precision.reset()
        self._follow_device()
        for panel in (self.shapes, self.limits, self.measuring):
            panel.reset()
        self._quiet = False
        self._edited()

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs from the defaults, a few words each."""
        panels = (self.precision, self.shapes, self.limits, self.measuring)
        return tuple(change for panel in panels for change in panel.changes)

    @property
    def problem(self) -> str:
        """What is wrong; empty when all is well."""
        return self.shapes.problem or self.precision.problem or self.limits.problem

    @property
    def run_request(self) -> RunRequest:
        """What the form asks the benchmark for."""
        return self.measuring.request(self.shapes.shapes)

    def build_request(self, source: str) -> BuildRequest:
        """What the form asks the builder for; wrong fields are left out."""
        return BuildRequest(
            source=source,
            device=self.precision.device,
            precision=self.precision.precision,
            layer_precisions=self.precision.layer_precisions,
            profiles=self.shapes.profiles,
            max_aux_streams=self.limits.max_aux_streams,
            memory_pools_bytes=self.limits.memory_pools_bytes,
            tactic_sources=self.limits.tactic_sources,
            optimization_level=self.limits.optimization_level,
        )

    def _edited(self) -> None:
        if self._quiet:
            return
        self._follow_device()
        self._tell()
        self._changed()

    def _follow_device(self) -> None:
        """Another device has other limits."""
        if self.precision.device != self._device:
            self._device = self.precision.device
            self.limits.set_device(self.precision.capabilities)

    def _tell(self) -> None:
        changes = self.changes
        told = " · ".join(changes) if changes else "All options have their defaults."
        self._sum.value = escape(told)
        self.back.disabled = not changes
