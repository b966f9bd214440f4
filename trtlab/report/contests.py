"""How many tactics were timed, and where; a contest that several layers share counts once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trtlab.report.records import BuildRecord, ContenderRecord, Report, SelectionRecord


@dataclass(frozen=True, slots=True)
class Timed:
    """Where times of tactics come from.

    Attributes:
        here: Timed in this build.
        cached: Known from the timing cache.
    """

    here: int
    cached: int

    def __str__(self) -> str:
        """``timed in this build``, ``from the timing cache``, or both with counts."""
        if not self.cached:
            return "timed in this build" if self.here else "none timed"
        if not self.here:
            return "from the timing cache"
        return f"{self.here:,} timed in this build, {self.cached:,} from the timing cache"


def timed(contenders: Iterable[ContenderRecord]) -> Timed:
    """Of these, how many have a time, and from where."""
    cached = [c.from_cache for c in contenders if c.time_us is not None]
    return Timed(len(cached) - sum(cached), sum(cached))


def timed_in(build: BuildRecord) -> Timed:
    """Of all contests of a build; one that several layers share counts once."""
    return timed(distinct_contenders(build.selections))


def distinct_contenders(selections: Iterable[SelectionRecord]) -> list[ContenderRecord]:
    """Of all contests, each of which counts once."""
    distinct = dict.fromkeys(selection.contenders for selection in selections)
    return [c for contenders in distinct for c in contenders]


def counts_text(build: BuildRecord) -> str:
    """Every tactic that was considered, counted once, by what became of it."""
    contenders = distinct_contenders(build.selections)
    times = timed(contenders)
    counts = {
        "timed in this build": times.here,
        "with a time from the timing cache": times.cached,
    }
    for contender in contenders:
        if contender.time_us is None:
            fate = _fate(contender)
            counts[fate] = counts.get(fate, 0) + 1
    told = [f"{count:,} {fate}" for fate, count in counts.items() if count]
    return f"{len(contenders):,} tactics considered" + (f": {', '.join(told)}" if told else "")


def _fate(contender: ContenderRecord) -> str:
    if contender.refused:
        return "failed"
    if contender.passed_over:
        return "passed over by their estimates"
    return "declined" if contender.rejection else "not timed"


def timed_at(report: Report) -> str:
    """At which shapes tactics were timed: ``x 1×3×224×224, the profile's opt``.

    The opt shapes of the first profile; with others, where layers were timed. Empty for a model
    without inputs.
    """
    profiles, run = report.config.profiles, report.benchmark
    tuned = {name: shapes[1] for name, shapes in profiles[0].items()} if profiles else {}
    if not tuned:
        return ""
    ranges = any(low != high for low, _, high in profiles[0].values())
    said = _shapes(tuned) + (", the profile's opt" if ranges else "")
    measured = {} if run is None else {n: s for n, s in run.shapes.items() if n in tuned}
    if any(shape != tuned[name] for name, shape in measured.items()):
        said += f"; the layers' times are at {_shapes(measured)}"
    return said


def _shapes(shapes: Mapping[str, tuple[int, ...]]) -> str:
    texts = (
        f"{name} {'×'.join(map(str, shape)) or 'scalar'}" for name, shape in shapes.items()
    )
    return ", ".join(texts)
