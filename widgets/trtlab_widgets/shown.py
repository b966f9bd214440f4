"""Which results are shown, and whether the form still asks for them."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from trtlab.profiling.doubts import unstable
from trtlab.report.records import Report
from trtlab.session.requests import BuildRequest, OpenedModel, RunRequest
from trtlab_widgets.inputs import extents_text
from trtlab_widgets.pages.text import plural, seconds, time_ms

_MOST_INPUTS = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A report and where it comes from.

    Attributes:
        report: What is shown.
        build: What it was built by; None when it was made elsewhere.
        run: What it was measured by; None when it was not, or elsewhere.
        file: The file that it was loaded from; None when from none.
    """

    report: Report
    build: BuildRequest | None = None
    run: RunRequest | None = None
    file: Path | None = None

    @property
    def recorded(self) -> bool:
        """Whether it was made elsewhere, not by the form."""
        return self.build is None

    @property
    def name(self) -> str:
        """Model and precision: ``mobilenet_v2 · fp16``."""
        return f"{self.report.model.name} · {self.report.config.precision}"

    def is_of(self, opened: OpenedModel) -> bool:
        """Whether it tells of the model that is open."""
        mine, other = self.report.model, opened.model
        return (mine.name, mine.digest) == (other.name, other.digest)

    def is_built_by(self, request: BuildRequest) -> bool:
        """Whether this is what the request asks for; the model itself is not compared."""
        return self.build is not None and replace(self.build, source=request.source) == request


def shown_sentence(shown: Shown, today: date) -> str:
    """``Shown: mobilenet_v2 · fp16 · 4×3×224×224, 18:13.``; another day's has its date."""
    report = shown.report
    shapes = shapes_text(report)
    facts = [shown.name, *([shapes] if shapes else [])]
    if report.benchmark is None:
        facts.append("not measured")
    parts = [" · ".join(facts), time_text(report.created, today)]
    if shown.file is not None:
        parts.append(f"loaded from {shown.file.name}")
    return f"Shown: {', '.join(part for part in parts if part)}."


def shapes_text(report: Report) -> str:
    """What it was measured at, or is most likely to run at; dynamic dimensions by name."""
    benchmark = report.benchmark
    if benchmark is not None:
        shapes = dict(benchmark.shapes)
    else:
        profile = report.config.profiles[0] if report.config.profiles else {}
        likely = {name: shape for name, (_, shape, _) in profile.items()}
        shapes = {t.name: likely.get(t.name, t.shape) for t in report.model.inputs}
    if len(shapes) == 1:
        return next(map(extents_text, shapes.values()))
    told = [f"{name} {extents_text(shape) or 'scalar'}" for name, shape in shapes.items()]
    more = f" and {len(told) - _MOST_INPUTS} more" if len(told) > _MOST_INPUTS else ""
    return ", ".join(told[:_MOST_INPUTS]) + more


def time_text(created: str, today: date) -> str:
    """``18:13``; another day's has its date."""
    try:
        made = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{made:%H:%M}" if made.date() == today else f"{made:%Y-%m-%d %H:%M}"


def build_sentence(report: Report) -> str:
    """What a build has brought, for the status line."""
    took = seconds(report.build.seconds)
    return f"Built {plural(len(report.layers), 'layer')} in {took}."


def run_sentence(report: Report) -> tuple[str, str]:
    """What a run has brought, for the status line, and its sign: ``good`` or ``warn``."""
    if report.benchmark is None:
        return "Done.", "good"
    latency = time_ms(report.benchmark.latency_ms.median)
    queries = plural(report.benchmark.iterations, "query")
    measured = f"Measured {queries}: median latency {latency}."
    shaken = (
        unstable(report).partition(" (")[0].partition(";")[0]
    )  # without threshold and advice
    return (f"{measured} {shaken}.", "warn") if shaken else (measured, "good")
