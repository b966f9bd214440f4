"""What all figures share: transparent paper, neutral type, the layer families' colours."""

from typing import Literal

import plotly.graph_objects as go

from trtlab_widgets.palette import FAMILIES, family_index

Theme = Literal["auto", "light", "dark"]
Rows = list[dict[str, object]]

ACCENT = "#3e78ea"
WARN = "#d08421"
BAD = "#d2483f"
# Greys that read on white and on black, for figures that do not know where they will stand.
_INK = {"auto": "#757c87", "light": "#3b4250", "dark": "#c3c8d0"}
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


def blank(title: str, theme: Theme, *, height: int = 320) -> go.Figure:
    """An empty figure with the shared look; the title is the figure's message."""
    ink, axis = _INK[theme], axis_look(theme)
    return go.Figure(
        layout={
            "title": {"text": title, "x": 0, "xanchor": "left", "font": {"size": 14}},
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": ink},
            "paper_bgcolor": "rgba(0, 0, 0, 0)",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "margin": {"l": 56, "r": 16, "t": 44, "b": 44},
            "height": height,
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"orientation": "h", "y": -0.2},
            "bargap": 0.15,
        }
    )
