"""What all figures share: transparent paper, neutral type, the layer families' colours."""

from typing import Literal

import plotly.graph_objects as go

from trtlab_widgets.figures.ink import FALLBACK, FollowingFigure
from trtlab_widgets.figures.lines import title_lines
from trtlab_widgets.palette import FAMILIES, family_index

Theme = Literal["auto", "light", "dark"]
Rows = list[dict[str, object]]

ACCENT = "#3e78ea"
WARN = "#d08421"
BAD = "#d2483f"
_CLEAR = "rgba(0, 0, 0, 0)"
_TOOLS = "rgba(128, 134, 145, 0.6)"  # reads on white and on black
_LINE_PX = 20  # the height of a line of a title
_INK = {"auto": FALLBACK, "light": "#3b4250", "dark": "#c3c8d0"}
_GRID = {
    "auto": "rgba(128, 134, 145, 0.25)",
    "light": "rgba(31, 36, 48, 0.12)",
    "dark": "rgba(228, 231, 236, 0.16)",
}


def family_colour(kind: str, theme: Theme) -> str:
    """The colour of a layer type."""
    family = FAMILIES[family_index(kind)]
    return family.dark if theme == "dark" else family.light


def axis_look(theme: Theme) -> dict[str, object]:
    """Lines of an axis; a figure of several rows needs it for every row."""
    grid = _GRID[theme]
    return {"gridcolor": grid, "zerolinecolor": grid, "linecolor": grid, "automargin": True}


def figure_of(theme: Theme) -> type[go.Figure]:
    """The class of a theme's figures."""
    return FollowingFigure if theme == "auto" else go.Figure


def _template(ink: str) -> go.layout.Template:
    """In place of Plotly's own, whose white outlines and dark lines hold on one ground only."""
    return go.layout.Template(
        data={"bar": [{"marker": {"line": {"width": 0}}}]},
        layout={"shapedefaults": {"line": {"color": ink}}},
    )


def blank(title: str, theme: Theme, *, height: int = 320) -> go.Figure:
    """An empty figure with the shared look; the title is the figure's message.

    With ``auto`` its text has the colour of the page's text, wherever it will stand.
    """
    ink, axis = _INK[theme], axis_look(theme)
    lines = title_lines(title)
    more = _LINE_PX * max(0, len(lines) - 1)  # what the title takes beyond one line
    return figure_of(theme)(
        layout={
            "template": _template(ink),
            "title": {
                "text": "<br>".join(lines),
                "x": 0,
                "xanchor": "left",
                "y": 1,  # from the top, whatever stands between it and the drawing
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 14},
                "font": {"size": 14},
                "subtitle": {"font": {"size": 12, "color": ink}},
            },
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": ink},
            "paper_bgcolor": _CLEAR,
            "plot_bgcolor": _CLEAR,
            "margin": {"l": 56, "r": 16, "t": 44 + more, "b": 44},
            "height": height + more,
            # Plotly makes the toolbar's ground of the paper's colour: black where it is clear.
            "modebar": {"bgcolor": _CLEAR, "color": _TOOLS, "activecolor": ACCENT},
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"orientation": "h", "y": -0.2},
            "bargap": 0.15,
        }
    )
