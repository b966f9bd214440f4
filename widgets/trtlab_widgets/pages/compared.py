"""Two runs of one model: what became of the latency, and of every part of the model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from trtlab.profiling.comparison import Outcome, Part, ReportComparison
from trtlab.profiling.doubts import opposed, unstable_runs
from trtlab.profiling.statistics import Verdict
from trtlab.report.percent import MINUS, changed
from trtlab.report.short_name import short_name
from trtlab.report.which_run import PROFILED
from trtlab_widgets.pages.markup import element, panel, text
from trtlab_widgets.pages.text import DASH, digits, plural, time_ms
from trtlab_widgets.pages.time_parts import source

_LETTERS = 40  # of a part's name
_MOST_ROWS = 60  # parts listed, those that differ most
_STATES: dict[Outcome, str] = {"faster": "good", "slower": "bad"}
_SHORT_US = 100.0  # a table of shorter times has a second decimal
_CHANCE = (
    "Each part is judged by itself with 95 % confidence: of a hundred that did not change,"
    " some five are called different."
)
_TOO_FEW = "Timed too few times to tell it from noise"


def compared_page(found: ReportComparison) -> str:
    """The whole page as HTML, ready to stand inside an element of class ``trtl``."""
    lines = [
        _latency_line(found),
        *_doubt_lines(found),
        *_unstable_lines(found),
        *_condition_lines(found),
    ]
    items = [
        element("li", text("b", sign, f"t-sign is-{state}"), element("span", said))
        for state, sign, said in lines
    ]
    answer = element("ul", *items, class_="t-verdict", aria_label="What changed")
    return element("div", answer, _parts(found), class_="t-page")


def layers_sentence(found: ReportComparison) -> str:
    """``Layers 2.000 → 1.500 ms (−25 %): 3 parts faster, 1 slower, 9 the same or undecided``."""
    before, after = found.layers_ms
    told = Counter(part.outcome for part in found.parts)
    return (
        f"Layers {before:.3f} → {after:.3f} ms ({changed(before, after)}):"
        f" {plural(told['faster'], 'part')} faster, {told['slower']} slower,"
        f" {told['same'] + told['undecided']} the same or undecided"
    )


def _latency_line(found: ReportComparison) -> tuple[str, str, str]:
    """State, sign and HTML of the answer."""
    runs = [side.benchmark for side in (found.before, found.after)]
    medians = [run.latency_ms.median for run in runs if run is not None]
    if len(medians) < len(runs):
        return "plain", "Note", "The latency was not measured in both runs."
    before, after = medians
    times = f"Latency {time_ms(before)} → {time_ms(after)}"
    told = found.latency
    if told is None:
        few = f"{times} ({changed(before, after)}): too few queries to tell it from noise."
        return "plain", "Undecided", escape(few)
    sign = {Verdict.NOISE: "Same", Verdict.UNDECIDED: "Undecided"}.get(told.verdict)
    state = "plain"
    if sign is None and found.doubts:
        sign = "Doubtful"
    elif sign is None:
        state, sign = ("good", "Faster") if told.ratio < 1 else ("bad", "Slower")
    return state, sign, f"{text('b', times)}. {escape(found.latency_sentence)}"


def _doubt_lines(found: ReportComparison) -> list[tuple[str, str, str]]:
    return [("plain", "Doubt", escape(doubt.sentence)) for doubt in found.doubts]


def _unstable_lines(found: ReportComparison) -> list[tuple[str, str, str]]:
    """What each run says against itself, and what the two kinds of run say against each other."""
    sides = (found.before, found.after)
    apart = opposed(sides, found.latency, found.layers_ms)
    lines = [("warn", "Opposed", escape(apart))] if apart else []
    return lines + [("warn", "Unstable", escape(line)) for line in unstable_runs(sides)]


def _condition_lines(found: ReportComparison) -> list[tuple[str, str, str]]:
    if not found.conditions:
        return [("plain", "Alike", "Device, shapes, precision and options are the same.")]
    facts = " · ".join(text("span", words, "t-fact") for words in found.conditions)
    return [("plain", "Differs", facts)]


def _parts(found: ReportComparison) -> str:
    """The table, as far as it helps."""
    name = "Parts of the model"
    if not all(found.layers_ms):
        why = "The layers were not timed in both runs: Time every layer, in Options, does it."
        return panel(name, "no times to compare", text("p", why, "t-dim"))
    shown = found.parts[:_MOST_ROWS]
    most_us = max((abs(part.saved_us) for part in shown), default=0.0) or 1.0
    head = [
        text("th", "Part"),
        text("th", "Difference µs"),
        text("th", "Before µs", "t-num"),
        text("th", "After µs", "t-num"),
        element("th", "Ratio", class_="t-num", title="After ÷ before, with its 95 % interval"),
        text("th", "Verdict"),
        text("th", "Done otherwise"),
    ]
    longest_us = max(max(part.before_us, part.after_us) for part in shown)
    scale = _Scale(most_us, 1 if longest_us >= _SHORT_US else 2)
    rows = [_row(part, found.changes_of(part), scale) for part in shown]
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *rows),
        class_="t-plain t-compared",
    )
    notes = [text("p", note, "t-dim") for note in (*_left_out(found.parts), _CHANCE)]
    foot = source(f"{PROFILED}; sums of the layers' medians")
    return panel(
        name, layers_sentence(found), element("div", table, class_="t-scroll"), *notes, foot
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Of the table: the largest difference, and decimals of its times."""

    most_us: float
    decimals: int

    def told(self, time_us: float, sign: str = "") -> str:
        return f"{time_us:{sign},.{self.decimals}f}".replace("-", MINUS)


def _row(part: Part, changes: Sequence[str], scale: _Scale) -> str:
    words = "; ".join(changes)
    return element(
        "tr",
        element("td", escape(short_name(part.name, _LETTERS)), class_="t-name", title=_whole(part)),
        element("td", _bar(part, scale), class_="t-difference"),
        text("td", scale.told(part.before_us) if part.before else DASH, "t-num"),
        text("td", scale.told(part.after_us) if part.after else DASH, "t-num"),
        element("td", *_ratio(part), class_="t-num"),
        element("td", _verdict(part)),
        element("td", text("span", words or DASH), class_="t-mono t-changes", title=words),
    )  # fmt: skip


def _whole(part: Part) -> str:
    """The part's name, and the layers of both sides where they are others."""
    sides = [", ".join(layer.name for layer in side) for side in (part.before, part.after)]
    if sides[0] == sides[1]:
        return part.name if sides[0] == part.name else f"{part.name}\n{sides[0]}"
    before, after = (side or "none" for side in sides)
    return f"{part.name}\nBefore: {before}\nAfter: {after}"


def _bar(part: Part, scale: _Scale) -> str:
    """From the middle to the left where time was saved, and to the right where it was lost."""
    # In per cent; each direction has half the width.
    share = 50 * abs(part.saved_us) / scale.most_us
    left = 50 - share if part.saved_us > 0 else 50
    fill = element("i", style=f"left: {left:.2f}%; width: {share:.2f}%")
    said = scale.told(-part.saved_us, "+") if part.saved_us else "0"
    bar = element("span", fill, class_=f"t-change is-{part.outcome}", aria_hidden="true")
    return bar + text("span", said, "t-num")


def _ratio(part: Part) -> tuple[str, ...]:
    found = part.verdict
    if found is None:
        both = part.before_us and part.after_us
        return (digits(part.after_us / part.before_us) if both else DASH,)
    interval = text("span", f"{found.low:.3f}–{found.high:.3f}", "t-dim t-interval")
    return (f"{found.ratio:.3f} ", interval)


def _verdict(part: Part) -> str:
    """One word; coloured only where it was told from noise."""
    if not (part.before and part.after):
        return text("span", "only after" if part.after else "only before", "t-tag")
    if part.verdict is None:
        return element("span", part.outcome, class_="t-tag", title=_TOO_FEW)
    state = _STATES.get(part.outcome, "plain")
    why = part.verdict.sentence
    return element("span", part.outcome, class_=f"t-tag is-{state}", title=why)


def _left_out(parts: Sequence[Part]) -> list[str]:
    """A sentence on the parts that the table does not list."""
    rest = parts[_MOST_ROWS:]
    if not rest:
        return []
    lost = f"{-sum(part.saved_us for part in rest):+,.1f}".replace("-", MINUS)
    listed = f"The {_MOST_ROWS} parts that differ most of {len(parts):,}"
    return [f"{listed}; the other {len(rest):,} together {lost} µs."]
