"""Figures whose text has the colour of the page's own text, light or dark.

No grey has enough contrast on every light and every dark ground, and plotly takes no colour that
the page decides. But it takes HTML in its texts: there the colour can be the page's variable.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import plotly.graph_objects as go

FALLBACK = "#70757e"  # 4.5:1 or more on white and on black, where no page says its colour
_PAGES = f"var(--jp-ui-font-color1, var(--vscode-editor-foreground, {FALLBACK}))"
_BEGIN, _END = f'<span style="color:{_PAGES}">', "</span>"
_AXIS = re.compile(r"[xy]axis\d*$")
# Behind labels that appear when something is pointed at: the page's text reads on it, light or
# dark, and white does.
_HOVER = {
    "bgcolor": "#6b7079",
    "bordercolor": "rgba(0, 0, 0, 0)",
    "font": {"color": "#ffffff"},
}


class FollowingFigure(go.Figure):
    """A figure that is drawn with the page's text colour; in Python its texts are plain."""

    follows_page: ClassVar[bool] = True

    def to_dict(self) -> dict[str, Any]:
        """What is drawn, with every text in the page's colour."""
        drawn: dict[str, Any] = super().to_dict()
        layout: dict[str, Any] = drawn["layout"]
        for holder, key in _texts(drawn):
            holder[key] = _inked(holder[key])
        for name in filter(_AXIS.match, list(layout)):
            _ink_ticks(layout[name])
        layout.setdefault("hoverlabel", _HOVER)
        return drawn


def _texts(drawn: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Every text outside of the drawing, as the dictionary that holds it and its key there."""
    layout: dict[str, Any] = drawn["layout"]
    titles = [layout.get("title", {}), layout.get("title", {}).get("subtitle", {})]
    titles += [layout[name].get("title", {}) for name in layout if _AXIS.match(name)]
    for holder in (*titles, *layout.get("annotations", ())):
        if holder.get("text"):
            yield holder, "text"
    for trace in drawn["data"]:
        if trace.get("name") and trace.get("type") != "box":  # a box's is its place on an axis
            yield trace, "name"
        if trace.get("text") is not None and trace.get("textposition") == "outside":
            yield trace, "text"


def _ink_ticks(axis: dict[str, Any]) -> None:
    if axis.get("ticktext") is not None:  # these have neither prefix nor suffix
        axis["ticktext"] = _inked(axis["ticktext"])
    else:
        axis.update(tickprefix=_BEGIN, ticksuffix=_END)


def _inked(text: Any) -> Any:  # noqa: ANN401 - a text, or an array of them
    """The text, or each of several, in the page's colour; a copy's are already."""
    if not isinstance(text, str):
        return [_inked(each) for each in text]
    return text if text.startswith(_BEGIN) else f"{_BEGIN}{text}{_END}"
