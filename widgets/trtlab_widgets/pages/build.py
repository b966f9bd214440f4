"""What the builder did: phases, passes with what they declined, and the closest contests."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from trtlab.report.contests import timed_at, timed_in
from trtlab.report.percent import increase, percent
from trtlab.report.records import (
    BuildRecord,
    ContenderRecord,
    PassRecord,
    Report,
    SelectionRecord,
)
from trtlab.report.short_name import bare_name, short_name
from trtlab_widgets.pages.asked import outcomes
from trtlab_widgets.pages.markup import (
    Cell,
    Markup,
    element,
    panel,
    stacked_bar,
    swatch,
    table,
    text,
)
from trtlab_widgets.pages.text import nbytes, plural, seconds, time_us
from trtlab_widgets.pages.title import layer_counts
from trtlab_widgets.palette import part_colour

_NONE = "none"  # how the tactic of a layer that does not run begins
_LETTERS = 40  # of a layer's name
_MOST_ROWS = 60  # contests listed; the explorer has all of them
_MOST_REFUSALS = 40  # reasons listed for one pass


def build_page(report: Report) -> str:
    """The whole page as HTML, ready to stand inside an element of class ``trtl``."""
    build = report.build
    notes = [*build.warnings, *outcomes(report)]
    parts = phases(build, notes), passes(report), contests(report)
    return element("div", *parts, class_="t-page")


def phases(build: BuildRecord, notes: Sequence[str] = ()) -> str:
    """How the build's time divides; below it, what there is to say of the whole build."""
    total = sum(build.phases.values()) or 1.0
    longest = max(build.phases, key=lambda name: build.phases[name], default="")
    message = (
        f"{seconds(build.seconds)}, {percent(build.phases[longest] / total)} in {longest}"
        f"; the engine has {nbytes(build.engine_bytes)}"
        if longest
        else f"{seconds(build.seconds)}; no phases were recorded"
    )
    coloured = [(name, value, part_colour(name)) for name, value in build.phases.items()]
    legend = [
        element(
            "li",
            swatch(colour),
            text("span", name),
            text("b", seconds(value)),
            text("span", percent(value / total), "t-dim"),
        )
        for name, value, colour in coloured
    ]
    bar = stacked_bar(coloured, message)
    items = [element("li", text("b", "Note", "t-sign"), text("span", note)) for note in notes]
    told = element("ul", *items, class_="t-verdict", aria_label="Notes") if items else ""
    return panel("Build time", message, bar, element("ul", *legend, class_="t-legend"), told)


def passes(report: Report) -> str:
    """The pass log: what each changed, and where it declined and why."""
    build = report.build
    if not build.passes:
        return panel(
            "Passes", "no pass ran", text("p", "The network was built as it is.", "t-dim")
        )
    message = layer_counts(report)
    changed = [record for record in build.passes if record.changes]
    idle = [record for record in build.passes if not record.changes]
    rest = (
        element(
            "details",
            text("summary", f"{plural(len(idle), 'pass')} found nothing to change"),
            _pass_table(idle),
            class_="t-details",
        )
        if idle
        else ""
    )
    refusals = map(_refusals, build.passes)
    return panel("Passes", message, _pass_table(changed), rest, *refusals)


def _pass_table(records: Sequence[PassRecord]) -> str:
    head: list[Cell] = [
        "Pass",
        ("Changes", "t-num"),
        ("Layers", "t-num"),
        ("Time", "t-num"),
        ("Declined", "t-num"),
    ]
    rows: list[list[Cell]] = [
        [
            (record.name, "t-mono"),
            (f"{record.changes:,}", "t-num"),
            (f"{record.layers_before:,} → {record.layers_after:,}", "t-num"),
            (time_us(record.wall_ms * 1e3), "t-num"),
            (str(len(record.rejections) or ""), "t-num"),
        ]
        for record in records
    ]
    return element("div", table(head, rows), class_="t-scroll")


def _refusals(record: PassRecord) -> str:
    if not record.rejections:
        return ""
    items = [
        element(
            "li",
            text("b", bare_name(r.subject), "t-mono"),
            text("span", f" {r.reason}"),
            text(
                "span", f" ({', '.join(map(bare_name, r.where))})" if r.where else "", "t-dim"
            ),
        )
        for r in record.rejections[:_MOST_REFUSALS]
    ]
    rest = len(record.rejections) - len(items)
    if rest:
        items.append(text("li", f"and {rest:,} more", "t-dim"))
    summary = text(
        "summary", f"{record.name} declined {plural(len(record.rejections), 'time')}"
    )
    return element("details", summary, element("ul", *items), class_="t-details")


def not_timed(contender: ContenderRecord) -> bool:
    """Whether a tactic was ruled out before: by its own check, an option, or its estimate."""
    return bool(contender.rejection) and not contender.refused


def idle_layers(report: Report) -> frozenset[str]:
    """Layers that run nothing, because they share memory or are known from the shapes.

    The memory plan tells which, after tactics have competed for them.
    """
    return frozenset(layer.name for layer in report.layers if layer.tactic.startswith(_NONE))


@dataclass(frozen=True, slots=True)
class Contest:
    """Layers with the same problem, for which tactics competed once.

    Attributes:
        selection: The contest, as the first of the layers has it.
        layers: Whose contest it is, in the order of execution.
        time_us: Of the chosen tactic, for one layer.
        gap: How much slower the runner-up was: 0.1 took 10 % longer. None without one.
    """

    selection: SelectionRecord
    layers: tuple[str, ...]
    time_us: float
    gap: float | None


def contest_rows(report: Report) -> list[Contest]:
    """Contests of what runs, by falling time; layers that share one are together."""
    idle = idle_layers(report)
    shared: dict[tuple[tuple[ContenderRecord, ...], str], list[SelectionRecord]] = {}
    for selection in report.build.selections:
        if selection.layer not in idle:
            shared.setdefault((selection.contenders, selection.chosen), []).append(selection)
    rows = [row for selections in shared.values() if (row := _contest(selections))]
    return sorted(rows, key=lambda row: -row.time_us)


def _contest(selections: Sequence[SelectionRecord]) -> Contest | None:
    """One row of equal selections; None where the chosen tactic has no time."""
    first = selections[0]
    timed = {c.tactic: c.time_us for c in first.contenders if c.time_us is not None}
    chosen = timed.pop(first.chosen, None)
    if not chosen:
        return None
    gap = min(timed.values()) / chosen - 1 if timed else None
    return Contest(first, tuple(s.layer for s in selections), chosen, gap)


def contests(report: Report) -> str:
    """Which tactic won each contest, by how much, and how many were not timed or failed."""
    build = report.build
    rows = contest_rows(report)
    at = timed_at(report)
    message = (
        f"{plural(build.tactics_tried, 'tactic')} considered, {_times(build)};"
        " a contest that several layers share counts once, as one row"
        + (f"; timed at {at}" if at else "")
    )
    head: list[Cell] = [
        "Layer",
        ("Layers", "t-num"),
        "Chosen tactic",
        ("Time of each", "t-num"),
        ("Runner-up", "t-num"),
        ("With a time", "t-num"),
        ("Not timed", "t-num"),
        ("Refused", "t-num"),
    ]
    body = [_contest_cells(row) for row in rows[:_MOST_ROWS]]
    foot = "".join(text("p", note, "t-dim") for note in _left_out(report, len(rows)))
    return panel(
        "Tactics", message, element("div", table(head, body), class_="t-scroll"), foot
    )


def _contest_cells(row: Contest) -> list[Cell]:
    contenders = row.selection.contenders
    return [
        _layers(row.layers),
        (f"{len(row.layers):,}", "t-num"),
        (row.selection.chosen, "t-mono"),
        (time_us(row.time_us), "t-num"),
        (increase(row.gap) if row.gap is not None else "none", "t-num"),
        (str(sum(c.time_us is not None for c in contenders)), "t-num"),
        (str(sum(not_timed(c) for c in contenders)), "t-num"),
        (str(sum(c.refused for c in contenders) or ""), "t-num"),
    ]


def _layers(names: Sequence[str]) -> Cell:
    """The first layer's name; all of them unfold below it."""
    first = short_name(names[0], _LETTERS)
    if len(names) == 1:
        return (first, "t-name", names[0])
    items = (text("li", bare_name(name)) for name in names)
    summary = element("summary", escape(first), title=names[0])
    folded = element("details", summary, element("ul", *items), class_="t-details")
    return (Markup(folded), "t-name")


def _times(build: BuildRecord) -> str:
    """How many have a time, and where it comes from: each is counted once."""
    timed = timed_in(build)
    number = timed.here + timed.cached
    if timed.here and timed.cached:
        return f"{number:,} with a time ({timed})"
    return f"{number:,} with a time, {timed}" if number else str(timed)


def _left_out(report: Report, rows: int) -> list[str]:
    """Sentences on the contests, and on the layers, that the table does not list."""
    idle = len({s.layer for s in report.build.selections} & idle_layers(report))
    notes: list[str] = []
    if rows > _MOST_ROWS:
        slowest = f"The {_MOST_ROWS} slowest of {rows:,} contests"
        notes.append(f"{slowest}; the explorer shows every layer's.")
    if idle:
        notes.append(
            f"{plural(idle, 'layer')} left out: what shares memory with another runs nothing."
        )
    return notes
