"""Python code with a copy button, as a notebook widget."""

import anywidget
import traitlets

from trtlab_widgets.live.bundle import script, style


class CodeView(anywidget.AnyWidget):
    """Shows `code`, coloured, with a button that copies it."""

    _esm = script("code_view")
    _css = style("code_view.css")

    code = traitlets.Unicode("").tag(sync=True)

    def __init__(self, code: str = "") -> None:
        super().__init__()
        self.code = code
