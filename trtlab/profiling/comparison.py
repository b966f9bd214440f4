"""Two reports of one model, part by part: what got faster or slower, and what was done otherwise.

Engines fuse differently, so their layers do not match one to one. But every layer names the
model's nodes that it stands for. Layers of both sides that share a node belong together: a *part*
is the smallest set of nodes that whole layers of both engines stand for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trtlab.core.errors import UsageError
from trtlab.profiling.differing import differing_conditions
from trtlab.profiling.doubts import Doubt, doubts, opposed, unstable_runs
from trtlab.profiling.statistics import FEWEST, Comparison, Verdict, compare
from trtlab.report.codec import load
from trtlab.report.columns import Cell, Columns
from trtlab.report.percent import changed
from trtlab.report.records import LayerRecord, Report

if TYPE_CHECKING:
    from pandas import DataFrame

MADE_BY_THE_BUILD = "formats and types"
"""The part of layers that stand for no node of the model: reformats and casts."""
Outcome = Literal["faster", "slower", "same", "undecided"]
_SMALLEST_EFFECT = 0.01
_RESAMPLES = 500  # a part; there may be a thousand
_SHARED = 0.5  # of the smaller model's nodes, at least, for the two to be one model


@dataclass(frozen=True, slots=True)
class Part:
    """What two engines make of the same nodes.

    Attributes:
        name: Of the first side's first layer, or `MADE_BY_THE_BUILD`.
        before: Layers of the first report.
        after: Layers of the second one.
        verdict: Whether their times differ; None with fewer than ten inferences on a side.
    """

    name: str
    before: tuple[LayerRecord, ...]
    after: tuple[LayerRecord, ...]
    verdict: Comparison | None = field(default=None, repr=False)

    @property
    def before_us(self) -> float:
        """Time of the first report's layers, 0 where there are none."""
        return _total_us(self.before)

    @property
    def after_us(self) -> float:
        """The same of the second report."""
        return _total_us(self.after)

    @property
    def saved_us(self) -> float:
        """How much less time the second report's layers take; negative when it is more."""
        return self.before_us - self.after_us

    @property
    def outcome(self) -> Outcome:
        """What became of the time, in a word.

        Without a verdict (a part of one side alone, or timed too few times) every difference
        counts.
        """
        found = self.verdict
        if found is None:
            return "faster" if self.saved_us > 0 else "slower" if self.saved_us else "same"
        if found.verdict is Verdict.REAL:
            return "faster" if found.ratio < 1 else "slower"
        return "same" if found.verdict is Verdict.NOISE else "undecided"

    @property
    def changes(self) -> tuple[str, ...]:
        """What was done otherwise, in words: number of layers, precision, tactics."""
        sides = (self.before, self.after)
        found: list[str] = []
        counts = [len(side) for side in sides]
        if counts[0] != counts[1]:
            found.append(f"{counts[0]} → {counts[1]} layer{'' if counts[1] == 1 else 's'}")
        precisions = [_distinct(layer.precision for layer in side) for side in sides]
        if precisions[0] != precisions[1] and all(precisions):
            found.append(" → ".join(precisions))
        tactics = [_distinct(layer.tactic for layer in side) for side in sides]
        if tactics[0] != tactics[1]:
            found.append(_between(*(tactic or "nothing runs" for tactic in tactics)))
        return tuple(found)


@dataclass(frozen=True, slots=True, repr=False)
class ReportComparison:
    """Two reports of one model.

    Attributes:
        before: The first report.
        after: The second one.
        parts: Of the model, the largest difference first.
        latency: Whether the benchmarks' latencies differ; None where one was not measured.
        conditions: What else is different, one sentence each: device, options, shapes, versions.
        doubts: What speaks against the latencies' difference where the samples call it real.
    """

    before: Report
    after: Report
    parts: tuple[Part, ...]
    latency: Comparison | None
    conditions: tuple[str, ...]
    doubts: tuple[Doubt, ...]

    @property
    def layers_ms(self) -> tuple[float, float]:
        """Sums of all layers' medians of both reports."""
        return _layers_ms(self.before), _layers_ms(self.after)

    @property
    def latency_sentence(self) -> str:
        """The verdict on the latency in words; empty where it was not measured."""
        if self.latency is None:
            return ""
        said = self.latency.sentence
        return said.replace("Real:", "Doubtful:", 1) if self.doubts else said

    @property
    def cautions(self) -> tuple[str, ...]:
        """Why the times may tell more of the machine than of the engines, a sentence each.

        The doubts, that latency and layers went opposite ways, and runs that were unstable.
        """
        sides = (self.before, self.after)
        apart = opposed(sides, self.latency, self.layers_ms)
        told = [doubt.sentence for doubt in self.doubts]
        return (*told, *([apart] if apart else []), *unstable_runs(sides))

    def changes_of(self, part: Part) -> tuple[str, ...]:
        """`Part.changes` without what `conditions` tell of all parts: the precision."""
        known = " → ".join(side.config.precision for side in (self.before, self.after))
        return tuple(words for words in part.changes if words != known)

    def columns(self) -> Columns:
        """One row a part: times, ratio with its 95 % interval, verdict, what was done otherwise."""
        rows = [_row(part) for part in self.parts]
        return {name: [row[name] for row in rows] for name in _COLUMNS}

    def to_pandas(self) -> "DataFrame":
        """`columns` as a table."""
        from pandas import DataFrame  # noqa: PLC0415 - optional

        return DataFrame(self.columns())

    def __repr__(self) -> str:
        before, after = self.layers_ms
        change = changed(before, after)
        names = " → ".join(report.model.name for report in (self.before, self.after))
        return (
            f"ReportComparison({names}, layers {before:.3f} → {after:.3f} ms ({change}),"
            f" {len(self.parts)} parts)"
        )


_COLUMNS = (
    "part", "before_us", "after_us", "saved_us", "ratio", "ratio_low", "ratio_high", "verdict",
    "changes", "layers_before", "layers_after",
)  # fmt: skip


def compare_reports(
    before: Report | str | Path, after: Report | str | Path
) -> ReportComparison:
    """Match the layers of two reports by the model's nodes, and tell which times differ.

    Every difference is judged by itself, with 95 % confidence: of a hundred parts that did not
    change, some five are called different.

    Args:
        before: What is compared against: a report, or the file of one.
        after: What is looked at.

    Raises:
        UsageError: No layer of one report stands for a node of the other's.
        EngineFormatError: A file is no report.
    """
    before, after = (
        report if isinstance(report, Report) else load(report) for report in (before, after)
    )
    _check_of_one_model(before, after)
    groups = _groups(before.layers, after.layers)
    parts = [Part(name, a, b, _verdict(a, b)) for name, a, b in groups]
    parts.sort(key=lambda part: -abs(part.saved_us))
    latency = _latency(before, after)
    conditions = differing_conditions(before, after)
    alike = not conditions and not any(part.changes for part in parts)
    spent_ms = (_layers_ms(before), _layers_ms(after))
    against = doubts((before, after), latency, spent_ms, alike=alike)
    return ReportComparison(before, after, tuple(parts), latency, conditions, against)


def _check_of_one_model(before: Report, after: Report) -> None:
    nodes = [
        {node for layer in side.layers for node in layer.origins} for side in (before, after)
    ]
    shared, fewest = len(nodes[0] & nodes[1]), min(len(side) for side in nodes)
    if not shared or shared < _SHARED * fewest:
        told = f"share {shared} of {fewest} nodes" if shared else "have no node in common"
        raise UsageError(
            f"the reports {told}: one is of {before.model.name}, "
            f"the other of {after.model.name}",
            hint="compare two runs of the same ONNX file",
        )


_Group = tuple[str, tuple[LayerRecord, ...], tuple[LayerRecord, ...]]


def _groups(before: Sequence[LayerRecord], after: Sequence[LayerRecord]) -> list[_Group]:
    """Layers that share nodes, directly or through others, in the first report's order."""
    leader: dict[str, str] = {}

    def find(node: str) -> str:
        while leader.setdefault(node, node) != node:
            leader[node] = node = leader[leader[node]]
        return node

    for layer in (*before, *after):
        for node in layer.origins:
            leader[find(node)] = find(layer.origins[0])
    sides: dict[str, tuple[list[LayerRecord], list[LayerRecord]]] = {}
    for number, layers in enumerate((before, after)):
        for layer in layers:
            key = find(layer.origins[0]) if layer.origins else MADE_BY_THE_BUILD
            sides.setdefault(key, ([], []))[number].append(layer)
    return [
        (key if key == MADE_BY_THE_BUILD else (a or b)[0].name, tuple(a), tuple(b))
        for key, (a, b) in sides.items()
    ]


def _verdict(before: Sequence[LayerRecord], after: Sequence[LayerRecord]) -> Comparison | None:
    """Of the sums over inferences; layers that run nothing have no time."""
    sums = [_sums(side) for side in (before, after)]
    if min(len(side) for side in sums) < FEWEST or any(s <= 0 for side in sums for s in side):
        return None
    return compare(*sums, smallest_effect=_SMALLEST_EFFECT, resamples=_RESAMPLES)


def _sums(layers: Sequence[LayerRecord]) -> list[float]:
    """Microseconds of all layers in each inference."""
    columns = [layer.time_us.samples for layer in layers if layer.time_us.samples]
    shortest = min((len(column) for column in columns), default=0)
    return [sum(column[n] for column in columns) for n in range(shortest)]


def _latency(before: Report, after: Report) -> Comparison | None:
    runs = (before.benchmark, after.benchmark)
    samples = [run.samples_ms for run in runs if run is not None]
    if len(samples) < len(runs) or min(len(s) for s in samples) < FEWEST:
        return None
    if samples[0] == samples[1]:
        same = "No difference: these are the same measurements."
        return Comparison(Verdict.NOISE, 1.0, 1.0, 1.0, None, same)
    return compare(*samples, smallest_effect=_SMALLEST_EFFECT)


def _layers_ms(report: Report) -> float:
    return _total_us(report.layers) / 1e3


def _total_us(layers: Iterable[LayerRecord]) -> float:
    return sum(layer.time_us.median or 0.0 for layer in layers)


def _between(before: str, after: str) -> str:
    """``cuda.product.wgmma/64x64 → …wgmma/128x128``: what both begin with is told once."""
    shared = 0
    for place, (first, second) in enumerate(zip(before, after, strict=False)):
        if first != second:
            break
        shared = place + 1 if first in "./" else shared
    return f"{before} → {'…' if shared else ''}{after[shared:]}"


def _distinct(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(word for word in words if word))


def _row(part: Part) -> dict[str, Cell]:
    found = part.verdict
    return {
        "part": part.name,
        "before_us": part.before_us,
        "after_us": part.after_us,
        "saved_us": part.saved_us,
        "ratio": found.ratio if found else None,
        "ratio_low": found.low if found else None,
        "ratio_high": found.high if found else None,
        "verdict": (found.verdict if found else Verdict.UNDECIDED).value,
        "changes": "; ".join(part.changes),
        "layers_before": ", ".join(layer.name for layer in part.before),
        "layers_after": ", ".join(layer.name for layer in part.after),
    }
