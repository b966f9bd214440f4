"""The tabs below the form: overview, explorer, build, Python."""

from html import escape
from pathlib import Path

import ipywidgets as w

from trtlab.report.records import Report
from trtlab_widgets.live.code_view import CodeView
from trtlab_widgets.live.explorer import Explorer
from trtlab_widgets.pages.build import build_page
from trtlab_widgets.pages.overview import overview_page
from trtlab_widgets.panels.form import classed
from trtlab_widgets.panels.save_panel import SavePanel, Say

TITLES = ("Overview", "Layers & timeline", "Build", "Python")


class Results(w.Tab):
    """What the last report says, ways to keep it, and the code that makes it again.

    Args:
        say: Hears what became of saving.
    """

    def __init__(self, say: Say) -> None:
        self.saves = SavePanel(say)
        self.explorer = Explorer()
        self.code = CodeView()
        self._overview = classed(w.HTML(), "trtl")
        self._build = classed(w.HTML(), "trtl")
        first = classed(w.VBox([self.saves, self._overview]), "trtl-first")
        super().__init__([first, self.explorer, self._build, self.code])
        self.titles = TITLES
        self.selected_index = 0
        self.add_class("trtl-tabs")
        self._wait("No report yet", "Choose a model, then build and run it.")

    def show(self, report: Report, engine: Path | None = None) -> None:
        """Draw a report on all tabs; its engine's file, if there is one, can be saved."""
        self.saves.show(report, engine)
        self._overview.value = overview_page(report)
        self._build.value = build_page(report)
        self.explorer.show(report)

    def ready(self, model: str) -> None:
        """Say what to do next with a model that was opened, unless there is a report."""
        if self.explorer.report is None:
            self._wait(
                model, "Press Run to build it, measure it, and see where the time goes."
            )

    def loading(self, what: str) -> None:
        """Say that work is under way, unless an older report is there to look at."""
        if self.explorer.report is None:
            self._wait(what, "")
            self.explorer.tell("loading", what)

    def stopped(self, state: str, message: str) -> None:
        """Say why there is no new report; an older one stays."""
        if self.explorer.report is not None:
            self.explorer.tell("ready")
        else:
            self._wait("Cancelled" if state == "cancelled" else "It did not work", message)
            self.explorer.tell(state, message)

    def _wait(self, title: str, text: str) -> None:
        page = (
            '<div class="t-wait" role="status">'
            f"<strong>{escape(title)}</strong><p>{escape(text)}</p></div>"
        )
        self._overview.value = page
        self._build.value = page
