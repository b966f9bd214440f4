"""The notebook workbench: choose, tweak, build, run, look; nothing of it blocks the kernel."""

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as w

from trtlab.report.html import summary_html
from trtlab.report.records import LayerRecord, Report
from trtlab.session.requests import BuildRequest, RunRequest
from trtlab_widgets.desk import Desk
from trtlab_widgets.live.bundle import style
from trtlab_widgets.live.explorer import Explorer
from trtlab_widgets.live.fallback import Fallback
from trtlab_widgets.live.monitor import Monitor
from trtlab_widgets.panels.form import classed
from trtlab_widgets.protocol import Session, Watch
from trtlab_widgets.shown import Shown

_SENSOR_INTERVAL_MS = 250.0
_SHEETS = ("pages.css", "compared.css", "workbench.css", "notices.css")


class Workbench(w.VBox):
    """Load a model, tweak, build, run, and see layer times, timeline, sensors and memory.

    Runs of one model are compared with each other, on a tab of their own.

    Args:
        source: Path of an ONNX file or of a saved report, or ``zoo:NAME``; opened at once.
        report: A report to look at, for instance one that was recorded on another machine.
        session: What does the work; a session of its own by default.
    """

    _watch: Watch | None = None  # here for `close`, which may come before the constructor ends

    def __init__(
        self,
        source: str | Path = "",
        *,
        report: Report | None = None,
        session: Session | None = None,
    ) -> None:
        self._session = session if session is not None else _own_session()
        self._fallback = Fallback()
        self._desk = Desk(self._session, lambda: self._fallback.update(self._summary()))
        self.monitor = Monitor()
        super().__init__(self._compose())
        self.add_class("trtl")
        self.add_class("trtl-workbench")
        self.monitor.observe(self._watch_sensors, names="visible")
        self.explorer.observe(lambda _: self._suggest(), names="selection")
        if report is not None:
            self.show(report)
        if source:
            self.load(source)

    # ---- what a notebook can ask -------------------------------------------------------

    @property
    def explorer(self) -> Explorer:
        """The linked views."""
        return self._desk.results.explorer

    @property
    def report(self) -> Report | None:
        """The last report: after a build without a benchmark, after a run with one."""
        return None if self._desk.shown is None else self._desk.shown.report

    @property
    def selected(self) -> tuple[LayerRecord, ...]:
        """The layers that are selected in the explorer."""
        return self.explorer.selected

    @property
    def code(self) -> str:
        """The Python that does what the form says; empty until a model is open."""
        return self._desk.results.code.code

    @property
    def build_request(self) -> BuildRequest:
        """What the form asks the builder for.

        Raises:
            UsageError: No model is open, or a field is wrong; says which.
        """
        return self._desk.build_request

    @property
    def run_request(self) -> RunRequest:
        """What the form asks the benchmark for."""
        return self._desk.run_request

    def show(self, report: Report) -> None:
        """Look at a report, whoever made it."""
        self._desk.show(Shown(report))

    def load(self, source: str | Path) -> None:
        """Open a model, or look at a report that was saved; returns at once.

        Raises:
            UsageError: Other work is under way.
        """
        self._desk.load(source)

    def build(self) -> None:
        """Build what the form says; returns at once.

        Raises:
            UsageError: No model is open, a field is wrong, or other work is under way.
        """
        self._desk.build()

    def run(self) -> None:
        """Measure, and build before when the form has changed since; returns at once.

        Raises:
            UsageError: No model is open, a field is wrong, or other work is under way.
        """
        self._desk.run()

    def cancel(self) -> None:
        """Stop what is under way; an older report stays."""
        self._desk.cancel()

    def wait(self, timeout_s: float | None = None) -> Report | None:
        """Wait for what is under way, for scripts; gives the last report.

        Raises:
            TrtlabError: What stopped it.
            TimeoutError: It is still under way after ``timeout_s``.
        """
        self._desk.jobs.wait(timeout_s)
        return self.report

    # ---- what happens behind the buttons -----------------------------------------------

    def _compose(self) -> list[w.Widget]:
        sheet = w.HTML(f"<style>{style(*_SHEETS)}</style>")
        sheet.layout.display = "none"
        desk = self._desk
        desk.actions.options.observe(self._toggle_options, names="value")
        desk.actions.sensors.observe(self._toggle_sensors, names="value")
        self.monitor.layout.display = "none"
        desk.model.layout.flex = "1 1 420px"
        bar = classed(w.Box([desk.model, desk.actions]), "trtl-bar")
        form = [bar, desk.progress, desk.options, self.monitor]
        return [sheet, *form, desk.errors, desk.above, desk.results]

    def _suggest(self) -> None:
        """Offer the model's layers that the selected engine layers stand for."""
        if self._desk.opened is None:
            return
        wanted = {origin for record in self.selected for origin in record.origins}
        names = [x.name for x in self._desk.opened.layers if wanted & set(x.origins)]
        self._desk.options.precision.suggest(names)

    def _watch_sensors(self, change: dict[str, Any]) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if change["new"]:
            watch = self._session.watch_telemetry(self.monitor.append, _SENSOR_INTERVAL_MS)
            self._watch = watch

    def _toggle_options(self, change: dict[str, Any]) -> None:
        self._desk.options.fold(away=not change["new"])

    def _toggle_sensors(self, change: dict[str, Any]) -> None:
        self.monitor.layout.display = None if change["new"] else "none"

    def close(self) -> None:
        """Stop watching sensors and remove the widget."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        super().close()

    def _repr_mimebundle_(self, **kwargs: dict[str, Any]) -> dict[str, str] | None:
        """The live view, and a summary for places that cannot run it."""
        data = super()._repr_mimebundle_(**kwargs)
        return None if data is None else {**data, "text/html": self._summary()}

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        if bundle is not None:
            self._fallback.show(bundle, self._summary())

    def _summary(self) -> str:
        if self._desk.shown is not None:
            return summary_html(self._desk.shown.report)
        source = f" of <code>{escape(self._desk.source)}</code>" if self._desk.source else ""
        return f"<p>A trtlab workbench{source}.</p>"


def _own_session() -> Session:
    # Imported here because it brings compilers that a viewer of reports can do without.
    from trtlab.session.session import Session as OwnSession  # noqa: PLC0415

    return OwnSession()
