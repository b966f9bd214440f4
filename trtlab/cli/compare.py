"""``trtlab compare``: two saved reports of one model, part by part."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from trtlab.cli.command import Command
from trtlab.cli.options import check_distinct, check_folders, parse_count, parse_percent
from trtlab.cli.printing import table
from trtlab.profiling.comparison import Part, ReportComparison, compare_reports
from trtlab.report.atomic_write import write_atomically
from trtlab.report.conditions import conditions
from trtlab.report.csv_files import columns_text
from trtlab.report.percent import MINUS, changed
from trtlab.report.short_name import short_name

_SHOWN = 15
_LETTERS, _WORDS = 40, 60
_REGRESSED = 1


class Compare(Command):
    """Show what got faster or slower between two reports, and what was done otherwise.

    trtlab profile model.onnx --json before.json
    trtlab profile model.onnx --precision fp16 --json after.json
    trtlab compare before.json after.json

    Layers are matched by the model's nodes that they stand for, however each engine fused them.
    """

    name: ClassVar[str] = "compare"

    def prepare(self, parser: ArgumentParser) -> None:
        """The two files, how much to show, and what counts as a failure."""
        parser.add_argument("before", type=Path, metavar="BEFORE", help="a saved report")
        parser.add_argument("after", type=Path, metavar="AFTER", help="another of the model")
        parser.add_argument("--top", type=parse_count, default=_SHOWN, metavar="N",
                            help="parts to show, largest differences first (15)")  # fmt: skip
        parser.add_argument("--csv", type=Path, metavar="FILE",
                            help="write all parts as a table")  # fmt: skip
        parser.add_argument("--max-slowdown", type=parse_percent, metavar="PERCENT",
                            help="exit with 1 when the latency is slower by more")  # fmt: skip

    def run(self, args: Namespace) -> int:
        """Print it; 1 when it got slower than allowed."""
        check_folders(args.csv)
        for report in (args.before, args.after):
            check_distinct(report, {"--csv": args.csv})
        found = compare_reports(args.before, args.after)
        print(comparison_text(found, args.top))
        if args.csv is not None:
            print(write_atomically(args.csv, columns_text(found.columns()).encode()))
        return _verdict(found, args.max_slowdown)


def _verdict(found: ReportComparison, allowed_percent: float | None) -> int:
    if allowed_percent is None:
        return 0
    if found.latency is None:
        print("latency: not measured on both sides, so nothing is held against the limit")
        return _REGRESSED
    slower = found.latency.low - 1 > allowed_percent / 100
    explained = slower and any(doubt.decides for doubt in found.doubts)
    told = ", but not by what was built: not a failure" if explained else ""
    print(
        f"latency: {'more' if slower else 'not more'} than {allowed_percent:g} % slower{told}"
    )
    return _REGRESSED if slower and not explained else 0


def comparison_text(found: ReportComparison, shown: int = _SHOWN) -> str:
    """Conditions, answer, and the parts with the largest differences."""
    lines = [
        f"{label}  {found_of.model.name}: {', '.join(conditions(found_of))}"
        for label, found_of in (("before", found.before), ("after ", found.after))
    ]
    lines += [f"differs: {sentence}" for sentence in found.conditions]
    runs = (found.before.benchmark, found.after.benchmark)
    if found.latency is not None and all(runs):
        before, after = (run.latency_ms.median for run in runs if run is not None)
        lines.append(f"latency {before:.3f} → {after:.3f} ms: {found.latency_sentence}")
    lines += [f"doubt:  {sentence}" for sentence in found.cautions]
    before, after = found.layers_ms
    lines += [f"layers  {before:.3f} → {after:.3f} ms ({changed(before, after)})", ""]
    top = found.parts[: max(shown, 0)]
    header = ("part of the model", "what differs", "before µs", "after µs", "change")
    rows = [_row(part, found.changes_of(part)) for part in top]
    lines.append(table(header, rows, left=2))
    rest = found.parts[len(top) :]
    if rest:
        saved = sum(part.saved_us for part in rest)
        lines.append(f"… and {len(rest)} more parts, together {_signed(-saved)} µs")
    return "\n".join(lines)


def _row(part: Part, changes: Sequence[str]) -> list[str]:
    """Cells; ``changes`` are those that are not told above the table."""
    before, after = part.before_us, part.after_us
    return [
        short_name(part.name, _LETTERS),
        _shortened("; ".join(changes) or "–"),
        f"{before:,.1f}" if part.before else "–",
        f"{after:,.1f}" if part.after else "–",
        _change(part),
    ]


def _change(part: Part) -> str:
    """What became of the time, and a word where that may be chance."""
    words = changed(part.before_us, part.after_us)
    if part.outcome == "undecided":
        return f"undecided, {words}"
    return "same" if part.outcome == "same" else words


def _shortened(words: str) -> str:
    return words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"


def _signed(value: float) -> str:
    return f"{value:+,.1f}".replace("-", MINUS)
