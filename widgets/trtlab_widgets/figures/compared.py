"""Two reports of one model: which parts take less time, and which more."""

import plotly.graph_objects as go

from trtlab.profiling.comparison import Outcome, Part, ReportComparison
from trtlab.report.short_name import short_name
from trtlab_widgets.figures.look import ACCENT, BAD, Rows, Theme, blank
from trtlab_widgets.pages.compared import layers_sentence

_REST = "#9aa1ab"
_COLOURS: dict[Outcome, str] = {"faster": ACCENT, "slower": BAD}
_LETTERS = 44  # of a part's name
_MOST = 15


def compared_rows(found: ReportComparison) -> Rows:
    """One row a part: times, ratio with its interval, verdict, what was done otherwise."""
    table = found.columns()
    return [
        dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)
    ]


def compared(
    found: ReportComparison, *, most: int = _MOST, theme: Theme = "auto"
) -> go.Figure:
    """Bars: how the times of the parts that differ most changed, with 95 % intervals.

    Args:
        found: Of `trtlab.compare`.
        most: Parts to show.
        theme: Of the page.
    """
    shown = found.parts[: max(most, 1)]
    figure = blank(layers_sentence(found), theme, height=120 + 26 * len(shown))
    figure.add_bar(
        x=[-part.saved_us for part in shown],
        # Names alone may be equal once they are shortened.
        y=[f"{n + 1}. {short_name(part.name, _LETTERS)}" for n, part in enumerate(shown)],
        orientation="h",
        marker_color=[_COLOURS.get(part.outcome, _REST) for part in shown],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_beyond(part)[1] for part in shown],
            "arrayminus": [_beyond(part)[0] for part in shown],
            "color": _REST,
            "thickness": 1.2,
        },
        customdata=[
            (f"{part.before_us:,.1f} → {part.after_us:,.1f} µs", "<br>".join(part.changes))
            for part in shown
        ],
        hovertemplate="%{y}<br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="Change of the time (µs): left is faster, grey may be chance")
    return figure


def _beyond(part: Part) -> tuple[float, float]:
    """How far the interval of the change reaches below and above it, in microseconds."""
    if part.verdict is None:
        return 0.0, 0.0
    low, high = (
        part.before_us * (ratio - 1) for ratio in (part.verdict.low, part.verdict.high)
    )
    return max(-part.saved_us - low, 0.0), max(high + part.saved_us, 0.0)
