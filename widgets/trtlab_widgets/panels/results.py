"""The tabs: overview, explorer, build, comparison, Python."""

from html import escape
from typing import Any

import ipywidgets as w

from trtlab.report.records import Report
from trtlab_widgets.live.code_view import CodeView
from trtlab_widgets.live.explorer import Explorer
from trtlab_widgets.pages.build import build_page
from trtlab_widgets.pages.overview import overview_page
from trtlab_widgets.panels.compare_panel import ComparePanel
from trtlab_widgets.panels.form import classed, note

FORM = "The form as it is now, as a script that does the same."
RECORDED = (
    "The form did not make these results. A script that asks for the same, from the report:"
)
TITLES = ("Overview", "Layers & timeline", "Build", "Compare", "Python")


class Results(w.Tab):
    """What the last report says, and the code that does what the form says."""

    def __init__(self) -> None:
        self.explorer = Explorer()
        self.code = CodeView()
        self.compared = ComparePanel()
        self._overview = classed(w.HTML(), "trtl")
        self._build = classed(w.HTML(), "trtl")
        self._head = note(FORM)
        script = classed(w.VBox([self._head, self.code]), "trtl-script")
        pages = [self._overview, self.explorer, self._build, self.compared, script]
        super().__init__(pages)
        self.titles = TITLES
        self.selected_index = 0
        self.add_class("trtl-tabs")
        self.observe(self._turn, names="selected_index")
        self._wait("No report yet", "Choose a model, then build and run it.")

    def show(self, report: Report) -> None:
        """Draw a report on all tabs."""
        self._overview.value = overview_page(report)
        self._build.value = build_page(report)
        self.explorer.show(report)

    def tell_code(self, code: str, *, recorded: bool = False) -> None:
        """Show the script of the form, or that of a report which the form did not make."""
        self._head.value = escape(RECORDED if recorded else FORM)
        self.code.code = code

    def dim(self, *, outdated: bool) -> None:
        """Draw the results a little paler while the form asks for something else."""
        (self.add_class if outdated else self.remove_class)("is-outdated")

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

    def stopped(self, state: str, title: str, message: str) -> None:
        """Say that there is no new report; an older one stays."""
        if self.explorer.report is not None:
            self.explorer.tell("ready")
        else:
            self._wait(title, message)
            self.explorer.tell(state, f"{title}\n{message}")

    def _wait(self, title: str, text: str) -> None:
        page = (
            '<div class="t-wait" role="status">'
            f"<strong>{escape(title)}</strong><p>{escape(text)}</p></div>"
        )
        self._overview.value = page
        self._build.value = page
        self.compared.tell(title, text)

    def _turn(self, change: dict[str, Any]) -> None:
        place = change["new"]
        self.compared.look(visible=place is not None and self.children[place] is self.compared)
