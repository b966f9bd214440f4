"""The run that is shown beside an earlier one of the same model."""

import threading
from collections.abc import Sequence
from datetime import datetime
from html import escape

import ipywidgets as w

from trtlab.core.errors import TrtlabError
from trtlab.profiling.comparison import compare_reports
from trtlab_widgets.pages.compared import compared_page
from trtlab_widgets.pages.markup import element, text
from trtlab_widgets.panels.form import classed, labelled, note
from trtlab_widgets.runs import is_measured, run_labels
from trtlab_widgets.shown import Shown

_Pair = tuple[Shown, Shown]  # before, after

_ONE_RUN = (
    "One run so far",
    """Run again with other options: this tab then shows what they changed.
A saved report of the same model can be opened for it, too.""",
)
_NOT_MEASURED = ("Not measured yet", "Once it has run, this tab shows what has changed.")


class ComparePanel(w.VBox):
    """Asks which run to compare with, and tells what became of the times.

    To compare takes a second or so: it happens in a thread of its own, and only while somebody
    looks.
    """

    def __init__(self) -> None:
        self._choice = labelled(w.Dropdown, "Compare with")
        self._choice.layout.flex = "1 1 auto"
        self._state = note("")
        self._page = classed(w.HTML(), "trtl")
        self._row = classed(w.HBox([self._choice, self._state]), "trtl-compare-with")
        super().__init__([self._row, self._page])
        self.add_class("trtl-compare")
        self._shown: Shown | None = None
        self._earlier: tuple[Shown, ...] = ()
        self._picked: Shown | None = None  # by the user; None follows the run before
        self._visible = False
        self._quiet = False
        self._lock = threading.Lock()
        self._wanted: _Pair | None = None
        self._drawn: _Pair | None = None
        self._worker: threading.Thread | None = None
        self._choice.observe(lambda _: self._choose(), names="value")
        self.tell("", "")

    @property
    def page(self) -> str:
        """The HTML below the choice."""
        return self._page.value

    @property
    def choices(self) -> tuple[str, ...]:
        """The runs that can be compared with, the latest first."""
        return tuple(label for label, _ in self._choice.options)

    def show(self, shown: Shown, earlier: Sequence[Shown]) -> None:
        """Compare this from now on.

        Args:
            shown: What all tabs show.
            earlier: Runs of the same model, the latest first.
        """
        self._shown, self._earlier = shown, tuple(earlier)
        place = next((n for n, run in enumerate(earlier) if run is self._picked), 0)
        self._picked = earlier[place] if place else None
        labels = run_labels(self._earlier, shown, datetime.now().astimezone().date())
        self._quiet = True
        self._choice.options = [(label, n) for n, label in enumerate(labels)]
        self._choice.index = place if labels else None
        self._quiet = False
        self._row.layout.display = None if labels else "none"
        if not is_measured(shown.report):
            self._wait(*_NOT_MEASURED)
        elif not labels:
            self._wait(*_ONE_RUN)
        else:
            self._want((self._earlier[place], shown))

    def tell(self, title: str, message: str) -> None:
        """Say why there is nothing to compare."""
        self._row.layout.display = "none"
        self._wait(title, message)

    def look(self, *, visible: bool) -> None:
        """Hear whether the page can be seen: it is drawn only then."""
        self._visible = visible
        self._begin()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until what is wanted is drawn, for scripts."""
        worker = self._worker
        if worker is not None:
            worker.join(timeout_s)

    # ---- drawing -----------------------------------------------------------------------

    def _choose(self) -> None:
        place = self._choice.value
        if self._quiet or place is None or self._shown is None:
            return
        self._choice.tooltip = self._choice.label  # long names are cut off
        self._picked = self._earlier[place] if place else None
        if is_measured(self._shown.report):
            self._want((self._earlier[place], self._shown))

    def _want(self, pair: _Pair) -> None:
        self._wanted = pair
        if self._drawn is None:
            self._page.value = _waiting("Comparing …", "")
        self._begin()

    def _begin(self) -> None:
        """Draw what is wanted, unless that is being done, or nobody looks."""
        with self._lock:
            idle = self._worker is None and self._wanted is not self._drawn
            if not (idle and self._visible):
                return
            self._say("Comparing …")
            work = threading.Thread(target=self._work, name="trtlab-compare", daemon=True)
            self._worker = work
        work.start()

    def _work(self) -> None:
        """Until the latest wish is drawn: there may be another by the time one is."""
        try:
            while self._draw(self._wanted):
                pass
        finally:
            with self._lock:  # unless another has begun since
                if self._worker is threading.current_thread():
                    self._worker = None
                    self._say("")

    def _draw(self, pair: _Pair | None) -> bool:
        """Draw it, unless something else is wanted by then; whether that is so."""
        html = "" if pair is None else _compared(pair)
        with self._lock:
            if pair is not self._wanted:
                return True
            if pair is not None:
                self._page.value = html
            self._drawn = pair
            self._worker = None
            self._say("")
            return False

    def _wait(self, title: str, message: str) -> None:
        with self._lock:
            self._wanted = self._drawn = None
            self._page.value = _waiting(title, message)

    def _say(self, words: str) -> None:
        self._state.value = element("span", escape(words), role="status")
        (self.add_class if words else self.remove_class)("is-late")


def _compared(pair: _Pair) -> str:
    before, after = (side.report for side in pair)
    try:
        return compared_page(compare_reports(before, after))
    except TrtlabError as error:
        lines = [error.what[:1].upper() + error.what[1:] + ".", error.hint]
        return _waiting("These two cannot be compared", "\n".join(filter(None, lines)))


def _waiting(title: str, message: str) -> str:
    return element(
        "div", text("strong", title), text("p", message), class_="t-wait", role="status"
    )
