"""Above the tabs: whose results they show, whether the form still asks for them, ways to keep."""

from datetime import datetime
from html import escape

import ipywidgets as w

from trtlab_widgets.panels.form import classed
from trtlab_widgets.panels.save_panel import SavePanel, Say
from trtlab_widgets.shown import Shown, shown_sentence

MATCHES = "Matches the form."
RECORDED = "A recorded report: the form did not make it."


class ShownPanel(w.HBox):
    """Two lines of fixed height, and the buttons that save what they name.

    Args:
        say: Hears what became of saving.
    """

    def __init__(self, say: Say) -> None:
        self.saves = SavePanel(say)
        self._line = classed(w.HTML(), "trtl-shown-line")
        super().__init__([self._line, self.saves])
        self.add_class("trtl-shown")

    @property
    def told(self) -> str:
        """The HTML of both lines; empty without results."""
        return self._line.value

    def tell(self, shown: Shown, differs: str) -> None:
        """Name the results.

        Args:
            shown: What the tabs show.
            differs: How the form differs from it; empty when it does not.
        """
        what = shown_sentence(shown, datetime.now().astimezone().date())
        where = str(shown.file) if shown.file is not None else what
        state = "warn" if differs else "plain"
        note = differs or (RECORDED if shown.recorded else MATCHES)
        text = (
            f'<p title="{escape(where)}">{escape(what)}</p>'
            f'<p class="is-{state}" role="status">{escape(note)}</p>'
        )
        if text != self._line.value:
            self._line.value = text
