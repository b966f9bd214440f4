"""The panels of the workbench and the work behind them: what is open, built and shown."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from trtlab.core.errors import CancelledError, TrtlabError, UsageError
from trtlab.report.records import Report
from trtlab.session.requests import BuildRequest, OpenedModel, RunRequest
from trtlab_widgets.code import python_code, recorded_code
from trtlab_widgets.jobs import JobRunner, Step
from trtlab_widgets.opening import is_report, read_report
from trtlab_widgets.panels.actions_panel import ActionsPanel, Clicked
from trtlab_widgets.panels.error_panel import ErrorPanel
from trtlab_widgets.panels.model_panel import ModelPanel
from trtlab_widgets.panels.options_panel import OptionsPanel
from trtlab_widgets.panels.progress_panel import ProgressPanel
from trtlab_widgets.panels.results import Results
from trtlab_widgets.panels.shown_panel import ShownPanel
from trtlab_widgets.protocol import Job, Session
from trtlab_widgets.runs import Runs
from trtlab_widgets.shown import Shown, build_sentence, run_sentence

T = TypeVar("T")

_NO_MODEL = "No model is open."
_CHANGED = "The form has changed since"
_SIGNS = {  # what the box says, and the status line
    "open": ("Not opened", "The model was not opened."),
    "read": ("Not opened", "The report was not opened."),
    "build": ("Build failed", "The build failed."),
    "run": ("Run failed", "The run failed."),
}


class Desk:
    """Takes what the form asks for to the session, and what comes back to the panels.

    Args:
        session: What does the work.
        showed: Called when other results are shown.

    Attributes:
        source: Of the model that is open, or was asked for last.
        opened: The model; None while there is none.
        shown: The results; None while there are none.
    """

    def __init__(self, session: Session, showed: Callable[[], None]) -> None:
        self._session = session
        self._showed = showed
        self.source = ""
        self.opened: OpenedModel | None = None
        self.shown: Shown | None = None
        self._runs = Runs()
        self._built: BuildRequest | None = None  # what the session's engine was built by
        self._busy = False
        self._doing = "open"  # the step that is under way, or was
        self._said = ("", "", "")  # what the status line last said of the form
        self.model = ModelPanel(session.zoo_models(), self._choose)
        self.options = OptionsPanel(session.capabilities(), self.changed)
        self.actions = ActionsPanel(self._click(self.build), self._click(self.run))
        self.progress = ProgressPanel(self.cancel)
        self.jobs = JobRunner(self.progress.tell, self._failed, self._set_busy)
        self.errors = ErrorPanel()
        self.above = ShownPanel(self.progress.say)
        self.results = Results()
        self.refresh()

    @property
    def build_request(self) -> BuildRequest:
        """What the form asks the builder for.

        Raises:
            UsageError: No model is open, or a field is wrong; says which.
        """
        problem = self._problem()
        if problem:
            raise UsageError(problem, hint="correct the form, or choose a model first")
        return self.options.build_request(self.source)

    @property
    def run_request(self) -> RunRequest:
        """What the form asks the benchmark for."""
        return self.options.run_request

    def load(self, source: str | Path) -> None:
        """Open a model, or look at a report that was saved; returns at once.

        Raises:
            UsageError: Other work is under way.
        """
        name = str(source)
        self.jobs.start(self._read_step(name) if is_report(name) else self._open_step(name))

    def build(self) -> None:
        """Build what the form says; returns at once.

        Raises:
            UsageError: No model is open, a field is wrong, or other work is under way.
        """
        self.jobs.start(self._build_step())

    def run(self) -> None:
        """Measure, and build before when the form has changed since; returns at once.

        Raises:
            UsageError: No model is open, a field is wrong, or other work is under way.
        """
        step = self._run_step()
        self.jobs.start(*([step] if self._is_built() else [self._build_step(), step]))

    def cancel(self) -> None:
        """Stop what is under way; an older report stays."""
        self.jobs.cancel()

    def show(self, shown: Shown, engine: Path | None = None) -> None:
        """Draw results; their engine's file, if there is one, can be saved."""
        self.shown = shown
        self.above.saves.show(shown.report, engine)
        self.results.show(shown.report)
        self.results.compared.show(shown, self._runs.keep(shown))
        self._tell_code(recorded=shown.recorded)
        self.refresh()
        self._showed()

    # ---- steps -------------------------------------------------------------------------

    def _step(
        self, doing: str, begin: Callable[[], Job[T]], take: Callable[[T], None]
    ) -> Step[T]:
        """A step whose failure is told as its own; what went wrong before is over."""

        def start() -> Job[T]:
            self._doing = doing
            self.errors.clear()
            return begin()

        return Step(start, take)

    def _open_step(self, name: str) -> Step[OpenedModel]:
        def begin() -> Job[OpenedModel]:
            self.source = name
            self.opened = None
            self.model.set_source(name)
            self.model.tell(f"Opening {name} …")
            self.refresh()
            return self._session.open_model(name)

        def take(opened: OpenedModel) -> None:
            self.opened = opened
            self._built = None  # the file may be another one by now
            self.model.show(opened)
            self.options.set_model(opened)
            self.results.ready(opened.model.name)
            self._say_ready()

        return self._step("open", begin, take)

    def _read_step(self, name: str) -> Step[Report]:
        def take(report: Report) -> None:
            self.show(Shown(report, file=Path(name)))
            if self.opened is None:  # nor is there a model that stays open
                self.source = name
                self.model.tell_report(report)
            self.model.set_source(self.source)
            self.progress.say(f"Opened the report {name}.", "good")

        return self._step("read", lambda: read_report(Path(name)), take)

    def _build_step(self) -> Step[Report]:
        request = self.build_request

        def begin() -> Job[Report]:
            self._built = None
            self.results.loading("Building …")
            return self._session.start_build(request)

        def take(report: Report) -> None:
            self._built = request
            self.show(Shown(report, request), self._session.engine_path)
            self._said = self._readiness()
            self.progress.say(build_sentence(report), "good")

        return self._step("build", begin, take)

    def _run_step(self) -> Step[Report]:
        request = self.run_request

        def begin() -> Job[Report]:
            self.results.loading("Measuring …")
            return self._session.start_run(request)

        def take(report: Report) -> None:
            self.show(Shown(report, self._built, request), self._session.engine_path)
            self._said = self._readiness()
            self.progress.say(*run_sentence(report))

        return self._step("run", begin, take)

    def _failed(self, error: TrtlabError) -> None:
        if self.opened is None:
            self.options.forget()
            self.model.tell(_NO_MODEL)
        self.refresh()
        if isinstance(error, CancelledError):
            self.progress.say("Cancelled.", "warn")
            again = "Press Build or Run to begin again." if self.opened else _NO_MODEL
            self.results.stopped("cancelled", "Cancelled", again)
        else:
            sign, sentence = _SIGNS[self._doing]
            self.errors.tell(sign, error)
            self.progress.say(sentence, "bad")
            self.results.stopped("error", sentence, "The message above says why.")

    # ---- what the panels call ----------------------------------------------------------

    def _choose(self, source: str) -> None:
        self._click(lambda: self.load(source))(None)
        if self._busy and self.source != source:
            self.model.set_source(self.source)

    def _click(self, action: Callable[[], None]) -> Clicked:
        """A button's callback: what goes wrong is said in the form, not in the log."""

        def clicked(_: object) -> None:
            try:
                action()
            except TrtlabError as error:
                if self._busy:  # the panels tell of other work, which goes on
                    self.errors.tell("Not begun", error)
                else:
                    self._failed(error)

        return clicked

    def _set_busy(self, busy: bool) -> None:  # noqa: FBT001 - a callback's only argument
        self._busy = busy
        self.refresh()

    def _problem(self) -> str:
        return "no model is open" if self.opened is None else self.options.problem

    def changed(self) -> None:
        """After every edit: buttons, the line above the results, and the code."""
        self.refresh()
        if self.opened is not None and not self._busy and self._readiness() != self._said:
            self._say_ready()
        self._tell_code()

    def _tell_code(self, *, recorded: bool = False) -> None:
        """The script of the form, or of the report that the form did not make."""
        if recorded and self.shown is not None:
            self.results.tell_code(recorded_code(self.shown.report), recorded=True)
        elif self.opened is not None:
            build, run = self.options.build_request(self.source), self.run_request
            self.results.tell_code(python_code(build, run, problem=self._problem()))

    def _is_built(self) -> bool:
        """Whether the session's engine is the one that the form asks for."""
        return (
            self._built is not None
            and not self._problem()
            and self._built == self.build_request
        )

    def _readiness(self) -> tuple[str, str, str]:
        """Sentence, sign and more: can the form be built, and what is unusual in it."""
        problem = self._problem()
        if problem:
            return f"Not ready: {problem}.", "warn", ""
        what = "Ready to run." if self._is_built() else "Ready to build."
        return what, "good", " · ".join(self.options.changes)

    def _say_ready(self) -> None:
        self._said = self._readiness()
        self.progress.say(*self._said)

    def _differs(self) -> str:
        """How the form differs from what is shown; empty when it does not, or never made it."""
        shown = self.shown
        if shown is None or shown.recorded:
            return ""
        if self.opened is None:
            return f"{_CHANGED}: {_NO_MODEL.lower()}" if not self._busy else f"{_CHANGED}."
        if not shown.is_of(self.opened):
            return f"{_CHANGED}: {self.opened.model.name} is open."
        same_run = shown.run is None or shown.run == self.run_request
        same = not self._problem() and same_run and self._same_build(shown)
        return "" if same else f"{_CHANGED}."

    def _same_build(self, shown: Shown) -> bool:
        """Whether the form asks for the engine that was measured."""
        request = self.options.build_request(self.source)
        return (
            self.opened is not None and shown.is_of(self.opened) and shown.is_built_by(request)
        )

    def refresh(self) -> None:
        """Buttons and lines, after whatever has happened."""
        problem, differs = self._problem(), self._differs()
        shown = self.shown
        stale = bool(shown and differs and not problem and not self._same_build(shown))
        self.actions.enable(problem, busy=self._busy, stale=stale)
        self.actions.count(len(self.options.changes))
        self.above.saves.enable(busy=self._busy)
        self.results.dim(outdated=bool(differs))
        if shown is not None:
            self.above.tell(shown, differs)
