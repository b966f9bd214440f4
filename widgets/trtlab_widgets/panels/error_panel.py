"""What went wrong, where, and what to try: whole, until somebody has read it."""

from html import escape

import ipywidgets as w

from trtlab.core.errors import TrtlabError
from trtlab_widgets.panels.form import classed


class ErrorPanel(w.HBox):
    """A box that shows an error's whole text and can be dismissed."""

    def __init__(self) -> None:
        self._text = classed(w.HTML(), "trtl-error-text")
        self.dismiss = w.Button(description="Dismiss", layout={"width": "auto"})
        self.dismiss.tooltip = "Close this message"
        self.dismiss.on_click(lambda _: self.clear())
        super().__init__([self._text, self.dismiss])
        self.add_class("trtl-error")
        self.clear()

    @property
    def told(self) -> str:
        """The HTML that is shown; empty when nothing is."""
        return self._text.value

    def tell(self, sign: str, error: TrtlabError) -> None:
        """Show an error.

        Args:
            sign: Two words about what did not happen.
            error: Its sentence, its places and its hint are all shown.
        """
        self._text.value = error_html(sign, error)
        self.layout.display = None

    def clear(self) -> None:
        """Take the error away."""
        self.layout.display = "none"
        self._text.value = ""


def error_html(sign: str, error: TrtlabError) -> str:
    """An error as a note: its sign, then what, where and what to try, a line each."""
    where = [f'<p class="t-dim">at {escape(place)}</p>' for place in error.where]
    hint = f"<p><b>Try:</b> {escape(error.hint)}</p>" if error.hint else ""
    return (
        f'<div class="t-error" role="alert"><b class="t-sign is-bad">{escape(sign)}</b>'
        f"<div><p>{escape(error.what)}</p>{''.join(where)}{hint}</div></div>"
    )
