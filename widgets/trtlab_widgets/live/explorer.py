"""The linked views of one report as a notebook widget."""

from collections.abc import Iterable
from typing import Any

import anywidget
import traitlets

from trtlab.core.errors import UsageError
from trtlab.report.html import summary_html
from trtlab.report.records import LayerRecord, Report
from trtlab_widgets.live.bundle import script, style
from trtlab_widgets.live.fallback import Fallback
from trtlab_widgets.payload import pack

STATES = ("empty", "loading", "ready", "error", "cancelled")


class Explorer(anywidget.AnyWidget):
    """Timeline with sensors, layer table with drawer, and memory plan, all linked.

    Args:
        report: What to show; an empty explorer says what to do.
        selection: Layers to select at first, by index or name.

    Attributes:
        selection: Indices of the selected layers; set it, or observe it, from Python.
        status: ``state`` (one of `STATES`) and ``message``; another state than ``ready`` shows
            a placeholder of the same height.

    Raises:
        UsageError: A selected layer is not in the report.
    """

    _esm = script("explorer")
    _css = style("explorer.css")

    payload = traitlets.Bytes().tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    status = traitlets.Dict({"state": "empty", "message": ""}).tag(sync=True)

    def __init__(
        self, report: Report | None = None, *, selection: Iterable[int | str] = ()
    ) -> None:
        super().__init__()
        self._report: Report | None = None
        self._fallback = Fallback()
        if report is not None:
            self.show(report)
        self.select(*selection)

    @property
    def report(self) -> Report | None:
        """What is shown."""
        return self._report

    def show(self, report: Report) -> None:
        """Show another report; the selection stays when its layers have the same names."""
        before = [layer.name for layer in self._report.layers] if self._report else []
        packed = pack(report)
        with self.hold_sync():
            if before != [layer.name for layer in report.layers]:
                self.selection = []
            self._report = report
            self.payload = packed
            self.status = {"state": "ready", "message": ""}
        self._fallback.update(self._summary())

    def tell(self, state: str, message: str = "") -> None:
        """Show a placeholder, or with ``ready`` the views again.

        Raises:
            UsageError: There is no such state, or nothing that could be ready.
        """
        if state not in STATES:
            raise UsageError(f"no state {state!r}", hint=f"one of {', '.join(STATES)}")
        if state == "ready" and self._report is None:
            raise UsageError("nothing to show yet", hint="call show(report)")
        self.status = {"state": state, "message": message}

    def select(self, *layers: int | str) -> None:
        """Select layers by index or name; none clears the selection.

        Raises:
            UsageError: A layer is not in the report.
        """
        self.selection = [self._index(layer) for layer in layers]

    @property
    def selected(self) -> tuple[LayerRecord, ...]:
        """The records of the selected layers."""
        layers = self._report.layers if self._report else ()
        return tuple(layers[index] for index in self.selection)

    def _index(self, layer: int | str) -> int:
        layers = self._report.layers if self._report else ()
        if isinstance(layer, str):
            if self._report is None:
                raise UsageError("there is no report to select in", hint="call show(report)")
            return self._report.layer(layer).index
        if not 0 <= layer < len(layers):
            raise UsageError(
                f"no layer {layer}", hint=f"the report has layers 0 to {len(layers) - 1}"
            )
        return layer

    @traitlets.validate("selection")
    def _validate_selection(self, proposal: dict[str, Any]) -> list[int]:
        return [self._index(index) for index in proposal["value"]]

    def _repr_mimebundle_(
        self, **kwargs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The live view, and a summary for places that cannot run it."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return {**data, "text/html": self._summary()}, metadata

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        if bundle is not None:
            self._fallback.show(bundle[0], self._summary())

    def _summary(self) -> str:
        return (
            summary_html(self._report) if self._report else "<p>An empty trtlab explorer.</p>"
        )
