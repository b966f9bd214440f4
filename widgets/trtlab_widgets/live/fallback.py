"""The static summary that a saved notebook shows where no kernel runs.

JupyterLab draws nothing of an output whose widget is gone, not even the other formats of the same
output. So a live view is shown as two outputs: the widget, and below it a summary as plain HTML
that the widget's JavaScript hides while it is alive. The summary is replaced whenever there is a
newer one, so the notebook is saved with the last.
"""

from typing import Any

from IPython.display import DisplayHandle, display

from trtlab_widgets.pages.markup import element, text


class Fallback:
    """The second output of one live view."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, bundle: dict[str, Any], html: str) -> None:
        """Show a widget's bundle, and the summary below it."""
        live = {kind: data for kind, data in bundle.items() if kind != "text/html"}
        display({**live, "text/plain": "A live view of trtlab."}, raw=True)
        self._handle = DisplayHandle()
        self._handle.display({"text/html": _page(html), "text/plain": ""}, raw=True)

    def update(self, html: str) -> None:
        """Replace the summary, if one is shown; may be called from any thread."""
        if self._handle is not None:
            self._handle.update({"text/html": _page(html), "text/plain": ""}, raw=True)


def _page(html: str) -> str:
    note = text("p", "A saved summary; run the cell for the live view.")
    return element("div", note, html, class_="trtl-fallback")
