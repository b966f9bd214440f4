"""The build: where its time went, and how the tactics of one layer compare."""

import plotly.graph_objects as go

from trtlab.core.errors import UsageError
from trtlab.report.contests import timed
from trtlab.report.percent import percent
from trtlab.report.records import Report, SelectionRecord
from trtlab.report.short_name import short_name
from trtlab_widgets.figures.look import ACCENT, Rows, Theme, blank
from trtlab_widgets.pages.build import not_timed
from trtlab_widgets.pages.text import plural, seconds

_REST = "#9aa1ab"
_LETTERS = 44  # of a layer's name


def build_phases_rows(report: Report) -> Rows:
    """One row a phase of the build, in seconds."""
    return [{"phase": name, "seconds": spent} for name, spent in report.build.phases.items()]


def build_phases(report: Report, *, theme: Theme = "auto") -> go.Figure:
    """Bars: how the build's time divides.

    Raises:
        UsageError: No phase was recorded.
    """
    phases = report.build.phases
    if not phases:
        raise UsageError("the report has no build phases", hint="build again to record them")
    longest = max(phases, key=lambda name: phases[name])
    share = phases[longest] / (sum(phases.values()) or 1.0)
    message = (
        f"The build took {seconds(report.build.seconds)}, {percent(share)} of it {longest}"
    )
    figure = blank(message, theme, height=100 + 28 * len(phases))
    figure.add_bar(
        x=list(phases.values()), y=list(phases), orientation="h", marker_color=ACCENT
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="Seconds")
    return figure


def tactic_contest_rows(report: Report, layer: str) -> Rows:
    """One row a tactic that was considered for a layer: timed ones first, by speed.

    Raises:
        UsageError: No contest of that layer was recorded.
    """
    contenders = sorted(
        _selection(report, layer).contenders,
        key=lambda c: (c.time_us is None, c.time_us or 0.0),
    )
    return [
        {
            "tactic": c.tactic,
            "time_us": c.time_us,
            "samples": len(c.samples_us),
            "workspace_bytes": c.workspace_bytes,
            "rejection": c.rejection,
            "refused": c.refused,
            "from_cache": c.from_cache,
        }
        for c in contenders
    ]


def tactic_contest(report: Report, layer: str, *, theme: Theme = "auto") -> go.Figure:
    """Boxes of the samples of every timed tactic; the others are in the rows.

    Raises:
        UsageError: No contest of that layer was recorded.
    """
    selection = _selection(report, layer)
    fastest = sorted(
        (c for c in selection.contenders if c.time_us is not None),
        key=lambda c: c.time_us or 0.0,
    )
    name = short_name(layer, _LETTERS)
    refused = sum(c.refused for c in selection.contenders)
    unfit = sum(not_timed(c) for c in selection.contenders)
    message = (
        f"{selection.chosen} won {name}: {plural(len(fastest), 'tactic')} with a time"
        f" ({timed(fastest)}), {unfit} not timed, {refused} refused"
    )
    figure = blank(message, theme, height=100 + 34 * len(fastest))
    for contender in fastest:
        figure.add_box(
            x=contender.samples_us or (contender.time_us,),
            name=contender.tactic,
            marker_color=ACCENT if contender.tactic == selection.chosen else _REST,
            showlegend=False,
        )
    figure.update_xaxes(title="Time (µs)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return figure


def _selection(report: Report, layer: str) -> SelectionRecord:
    found = [selection for selection in report.build.selections if selection.layer == layer]
    if not found:
        raise UsageError(
            f"no contest was recorded for {layer!r}",
            hint="list the layers with [s.layer for s in report.build.selections]",
        )
    return found[0]
