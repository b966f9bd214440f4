"""The notebook workbench: choose, tweak, build, run, look; nothing of it blocks the kernel."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as w

from trtlab.core.errors import CancelledError, TrtlabError, UsageError
from trtlab.report.html import summary_html
from trtlab.report.records import LayerRecord, Report
from trtlab.session.requests import BuildRequest, OpenedModel, RunRequest
from trtlab_widgets.code import python_code
from trtlab_widgets.jobs import JobRunner, Step
from trtlab_widgets.live.bundle import style
from trtlab_widgets.live.explorer import Explorer
from trtlab_widgets.live.fallback import Fallback
from trtlab_widgets.live.monitor import Monitor
from trtlab_widgets.pages.text import plural, seconds, time_ms
from trtlab_widgets.panels.actions_panel import ActionsPanel, Clicked
from trtlab_widgets.panels.form import classed
from trtlab_widgets.panels.limits_panel import LimitsPanel
from trtlab_widgets.panels.model_panel import ModelPanel
from trtlab_widgets.panels.precision_panel import PrecisionPanel
from trtlab_widgets.panels.progress_panel import ProgressPanel
from trtlab_widgets.panels.results import Results
from trtlab_widgets.panels.run_panel import RunPanel
from trtlab_widgets.panels.shapes_panel import ShapesPanel
from trtlab_widgets.protocol import Job, Session, Watch

_SENSOR_INTERVAL_MS = 250.0


class Workbench(w.VBox):
    """Load a model, tweak, build, run, and see layer times, timeline, sensors and memory.

    Args:
        source: Path of an ONNX file, or ``zoo:NAME``; opened at once.
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
        self._source = ""
        self._opened: OpenedModel | None = None
        self._built: BuildRequest | None = None
        self._report: Report | None = None
        devices = self._session.capabilities()
        self._model = ModelPanel(self._session.zoo_models(), self._choose)
        self._precision = PrecisionPanel(devices, self._changed)
        self._device = self._precision.device
        self._limits = LimitsPanel(self._precision.capabilities, self._changed)
        self._shapes = ShapesPanel(self._changed)
        self._run_panel = RunPanel(self._changed)
        self._progress = ProgressPanel(self.cancel)
        self._results = Results(self._progress.say)
        self._fallback = Fallback()
        self._jobs = JobRunner(self._progress.tell, self._failed, self._set_busy)
        self._busy = False
        self._said = ""  # the last wrong field that the status line named
        self.monitor = Monitor()
        self._actions = ActionsPanel(self._click(self.build), self._click(self.run))
        super().__init__(self._compose())
        self.add_class("trtl")
        self.add_class("trtl-workbench")
        self.monitor.observe(self._watch_sensors, names="visible")
        self.explorer.observe(lambda _: self._suggest(), names="selection")
        self._changed()
        if report is not None:
            self.show(report)
        if source:
            self.load(source)

    # ---- what a notebook can ask -------------------------------------------------------

    @property
    def explorer(self) -> Explorer:
        """The linked views."""
        return self._results.explorer

    @property
    def report(self) -> Report | None:
        """The last report: after a build without a benchmark, after a run with one."""
        return self._report

    @property
    def selected(self) -> tuple[LayerRecord, ...]:
        """The layers that are selected in the explorer."""
        return self.explorer.selected

    @property
    def code(self) -> str:
        """The Python that does what the form says; empty until a model is open."""
        return self._results.code.code

    @property
    def build_request(self) -> BuildRequest:
        """What the form asks the builder for.

        Raises:
            UsageError: No model is open, or a field is wrong; says which.
        """
        problem = self._problem()
        if problem:
            raise UsageError(problem, hint="correct the form, or choose a model first")
        return BuildRequest(
            source=self._source,
            device=self._precision.device,
            precision=self._precision.precision,
            layer_precisions=self._precision.layer_precisions,
            profiles=self._shapes.profiles,
            max_aux_streams=self._limits.max_aux_streams,
            memory_pools_bytes=self._limits.memory_pools_bytes,
            tactic_sources=self._limits.tactic_sources,
            optimization_level=self._limits.optimization_level,
        )

    @property
    def run_request(self) -> RunRequest:
        """What the form asks the benchmark for."""
        return self._run_panel.request(self._shapes.shapes)

    def show(self, report: Report) -> None:
        """Look at a report, whoever made it."""
        self._show(report, None)

    def _show(self, report: Report, engine: Path | None) -> None:
        self._report = report
        self._results.show(report, engine)
        self._enable()
        self._fallback.update(self._summary())

    def load(self, source: str | Path) -> None:
        """Open a model; returns at once.

        Raises:
            UsageError: Other work is under way.
        """
        name = str(source)

        def begin() -> Job[OpenedModel]:
            self._source = name
            self._opened = None
            self._model.set_source(name)
            self._model.tell(f"Opening {name} …")
            return self._session.open_model(name)

        self._jobs.start(Step(begin, self._take_model))

    def build(self) -> None:
        """Build what the form says; returns at once.

        Raises:
            UsageError: No model is open, a field is wrong, or other work is under way.
        """
        self._jobs.start(self._build_step())

    def run(self) -> None:
        """Measure, and build before when the form has changed since; returns at once.

        Raises:
            UsageError: No model is open, a field is wrong, or other work is under way.
        """
        request = self.run_request

        def begin() -> Job[Report]:
            self._results.loading("Measuring …")
            return self._session.start_run(request)

        def take(report: Report) -> None:
            self._show(report, self._session.engine_path)
            self._progress.say(_outcome(report), "good")

        step = Step(begin, take)
        steps = [step] if self._built == self.build_request else [self._build_step(), step]
        self._jobs.start(*steps)

    def cancel(self) -> None:
        """Stop what is under way; an older report stays."""
        self._jobs.cancel()

    def wait(self, timeout_s: float | None = None) -> Report | None:
        """Wait for what is under way, for scripts; gives the last report.

        Raises:
            TrtlabError: What stopped it.
            TimeoutError: It is still under way after ``timeout_s``.
        """
        self._jobs.wait(timeout_s)
        return self._report

    # ---- what happens behind the buttons -----------------------------------------------

    def _compose(self) -> list[w.Widget]:
        sheet = w.HTML(f"<style>{style('pages.css', 'workbench.css')}</style>")
        sheet.layout.display = "none"
        self._options = classed(
            w.Box([self._precision, self._shapes, self._limits, self._run_panel]),
            "trtl-options",
            "is-closed",
        )
        self._actions.options.observe(self._toggle_options, names="value")
        self._actions.sensors.observe(self._toggle_sensors, names="value")
        self.monitor.layout.display = "none"
        self._model.layout.flex = "1 1 420px"
        bar = classed(w.Box([self._model, self._actions]), "trtl-bar")
        return [sheet, bar, self._options, self._progress, self.monitor, self._results]

    def _build_step(self) -> Step[Report]:
        request = self.build_request

        def begin() -> Job[Report]:
            self._results.loading("Building …")
            return self._session.start_build(request)

        def take(report: Report) -> None:
            self._built = request
            self._show(report, self._session.engine_path)
            self._changed()
            took = seconds(report.build.seconds)
            self._progress.say(
                f"Built {plural(len(report.layers), 'layer')} in {took}.", "good"
            )

        return Step(begin, take)

    def _take_model(self, opened: OpenedModel) -> None:
        self._opened = opened
        self._built = None
        self._model.show(opened)
        self._shapes.set_inputs(opened.model.inputs, opened.profiles)
        self._precision.set_layers(opened.layers)
        self._changed()
        self._results.ready(opened.model.name)
        self._say_ready()

    def _failed(self, error: TrtlabError) -> None:
        if self._opened is None:
            self._model.tell(str(error))
        if isinstance(error, CancelledError):
            self._progress.say("Cancelled.", "warn")
            again = "Press Build or Run to begin again." if self._opened else str(error)
            self._results.stopped("cancelled", again)
        else:
            self._progress.say(error.what, "bad")
            self._results.stopped("error", str(error))

    def _choose(self, source: str) -> None:
        self._click(lambda: self.load(source))(None)

    def _click(self, action: Callable[[], None]) -> Clicked:
        """A button's callback: what goes wrong is said in the form, not in the log."""

        def clicked(_: object) -> None:
            try:
                action()
            except TrtlabError as error:
                self._progress.say(error.what, "bad")

        return clicked

    def _set_busy(self, busy: bool) -> None:  # noqa: FBT001 - a callback's only argument
        self._busy = busy
        self._enable()

    def _problem(self) -> str:
        if self._opened is None:
            return "no model is open"
        return self._shapes.problem or self._precision.problem or self._limits.problem

    def _changed(self) -> None:
        """After every edit: another device's limits, the buttons, and the code."""
        if self._precision.device != self._device:
            self._device = self._precision.device
            self._limits.set_device(self._precision.capabilities)
        self._enable()
        problem = self._problem()
        if self._opened is not None and not self._busy and problem != self._said:
            self._say_ready()
        if not problem:
            self._results.code.code = python_code(self.build_request, self.run_request)

    def _say_ready(self) -> None:
        """Say that the form can be built, or which of its fields is wrong."""
        self._said = self._problem()
        if self._said:
            self._progress.say(f"Not ready: {self._said}.", "warn")
        else:
            self._progress.say("Ready to build.", "good")

    def _enable(self) -> None:
        problem = self._problem()
        stale = bool(not problem and self._built and self._built != self.build_request)
        self._actions.enable(problem, busy=self._busy, stale=stale)
        self._results.saves.enable(busy=self._busy)

    def _suggest(self) -> None:
        """Offer the model's layers that the selected engine layers stand for."""
        if self._opened is None:
            return
        wanted = {origin for record in self.selected for origin in record.origins}
        names = [x.name for x in self._opened.layers if wanted & set(x.origins)]
        self._precision.suggest(names)

    def _watch_sensors(self, change: dict[str, Any]) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if change["new"]:
            watch = self._session.watch_telemetry(self.monitor.append, _SENSOR_INTERVAL_MS)
            self._watch = watch

    def _toggle_options(self, change: dict[str, Any]) -> None:
        toggle = self._options.remove_class if change["new"] else self._options.add_class
        toggle("is-closed")

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
        if self._report is not None:
            return summary_html(self._report)
        source = f" of <code>{escape(self._source)}</code>" if self._source else ""
        return f"<p>A trtlab workbench{source}.</p>"


def _outcome(report: Report) -> str:
    if report.benchmark is None:
        return "Done."
    latency = time_ms(report.benchmark.latency_ms.median)
    return (
        f"Measured {plural(report.benchmark.iterations, 'query')}: median latency {latency}."
    )


def _own_session() -> Session:
    # Imported here because it brings compilers that a viewer of reports can do without.
    from trtlab.session.session import Session as OwnSession  # noqa: PLC0415

    return OwnSession()
