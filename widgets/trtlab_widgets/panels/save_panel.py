"""What can be kept of the results: the report, a page of it, the engine."""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as w

from trtlab.core.errors import TrtlabError, UsageError
from trtlab.report.records import Report
from trtlab_widgets.panels.form import classed
from trtlab_widgets.saving import save_engine, save_page, save_report

Say = Callable[[str, str], None]


class SavePanel(w.HBox):
    """Writes what is shown into the notebook's folder.

    Args:
        say: Hears a sentence and its sign (``good`` or ``bad``), for the status line.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._shown: Report | None = None
        self._engine: Path | None = None
        self._written_ns: int | None = None  # when the engine was, to know it again
        self.report = _button("Save report")
        self.page = _button("Save page")
        self.engine = _button("Save engine")
        self.report.on_click(lambda _: self._save("report", save_report))
        self.page.on_click(lambda _: self._save("page", save_page))
        self.engine.on_click(lambda _: self._save("engine", self._copy_engine))
        super().__init__([self.report, self.page, self.engine])
        classed(self, "trtl-row", "trtl-saves")
        self.enable(busy=False)

    def show(self, report: Report, engine: Path | None = None) -> None:
        """Offer a report, and the engine that it tells of where there is one."""
        self._shown = report
        self._engine = engine
        whose = f"of {report.model.name} · {report.config.precision}"
        self.report.tooltip = f"The results {whose} as JSON, to be opened here again"
        self.page.tooltip = f"The results {whose} as one HTML file that opens anywhere"
        self.engine.tooltip = (
            f"The engine file {whose}"
            if engine is not None
            else f"There is no engine {whose} here: build it"
        )
        self._written_ns = None if engine is None else _written_ns(engine)

    def enable(self, *, busy: bool) -> None:
        """Offer what there is; while work is under way, the status line belongs to it."""
        self.layout.visibility = "hidden" if self._shown is None else "visible"
        self.report.disabled = self.page.disabled = busy
        self.engine.disabled = busy or self._written_ns is None

    def _save(self, what: str, save: Callable[[Report, Path], Path]) -> None:
        if self._shown is None:
            return
        try:
            path = save(self._shown, _here())
        except TrtlabError as error:
            told = "; ".join(part for part in (error.what, error.hint) if part)
            self._say(f"The {what} was not saved: {told}.", "bad")
        else:
            self._say(f"Saved the {what}: {path}", "good")

    def _copy_engine(self, report: Report, folder: Path) -> Path:
        if self._engine is None or _written_ns(self._engine) != self._written_ns:
            raise UsageError(
                "it is not the session's last one any more", hint="build it again"
            )
        return save_engine(report, self._engine, folder)


def _button(label: str) -> w.Button:
    return w.Button(description=label, layout={"width": "auto"})


def _here() -> Path:
    """The notebook's folder.

    Raises:
        UsageError: It is gone.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            "the notebook's folder is gone", hint="os.chdir to another"
        ) from error


def _written_ns(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
