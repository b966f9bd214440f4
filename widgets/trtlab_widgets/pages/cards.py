"""A run's key figures as cards: one number each, with what it is made of."""

from dataclasses import dataclass
from html import escape

from trtlab.report.contests import timed_in
from trtlab.report.percent import percent
from trtlab.report.records import BenchmarkRecord, MemoryRecord, Report
from trtlab.report.short_name import short_name
from trtlab.report.which_run import BENCHMARK, WHY, profiled_run
from trtlab_widgets.metrics import layer_metrics
from trtlab_widgets.pages.latency import half_ms
from trtlab_widgets.pages.markup import element, text
from trtlab_widgets.pages.text import digits, nbytes, plural, seconds, shape, time_ms, time_us
from trtlab_widgets.pages.title import shapes

_LETTERS = 36  # of a layer's name
_TO_RUN = "Run to measure"


@dataclass(frozen=True, slots=True)
class Card:
    """One figure.

    Attributes:
        name: What it is.
        value: The number, with its unit where that is short.
        notes: Lines below it.
        run: Which run it was measured in, if any.
        unit: What the value counts, in smaller type beside it.
        full: The first note in full, where it is shortened.
    """

    name: str
    value: str
    notes: tuple[str, ...]
    run: str = ""
    unit: str = ""
    full: str = ""


def cards(report: Report) -> str:
    """The key figures."""
    build = report.build
    timed = timed_in(build)
    tactics = f"{plural(timed.here + timed.cached, 'tactic')} with a time: {timed}"
    found = [
        _latency(report.benchmark),
        _throughput(report),
        _memory(report),
        _slowest(report),
        Card("Build", seconds(build.seconds), (tactics,)),
    ]
    return element("dl", *map(_drawn, found), class_="t-cards")


def _drawn(card: Card) -> str:
    first, *rest = card.notes
    notes = [element("small", escape(first), title=card.full or first)]
    notes += [element("small", escape(note), title=note) for note in rest]
    if card.run:
        source = f"{card.run.capitalize()}. {WHY}"
        notes.append(element("small", escape(card.run), title=source))
    unit = " " + text("span", card.unit, "t-unit") if card.unit else ""
    value = escape(card.value) + unit
    return element("div", text("dt", card.name), element("dd", value), *notes)


def _latency(benchmark: BenchmarkRecord | None) -> Card:
    name = "Median latency"
    if benchmark is None:
        return Card(name, "–", (_TO_RUN,))
    latency = benchmark.latency_ms
    note = f"± {time_ms(half_ms(latency))} (95 %), p99 {time_ms(latency.p99)}"
    return Card(name, time_ms(latency.median), (note,), BENCHMARK)


def _throughput(report: Report) -> Card:
    benchmark = report.benchmark
    if benchmark is None:
        return Card("Throughput", "–", (_TO_RUN,))
    rate, ran = benchmark.throughput_qps, plural(benchmark.iterations, "query")
    notes = (ran,)
    if benchmark.batch is not None and benchmark.batch != 1:
        what = _samples(report)
        notes = (f"{digits(rate * benchmark.batch)} {what}/s", f"{ran} of {benchmark.batch}")
    return Card("Throughput", digits(rate), notes, BENCHMARK, "queries/s")


def _samples(report: Report) -> str:
    """What a batch consists of: images where the only input has three channels and two axes."""
    inputs = list(shapes(report).values())
    image = len(inputs) == 1 and len(inputs[0]) == 4 and inputs[0][1] == 3
    return "images" if image else "samples"


def _memory(report: Report) -> Card:
    """What the engine needs, before a run and after it, in two parts that add up.

    The tactics' scratch lies among the activations. A run adds its inputs and outputs, which are
    told with the sum, but not in the headline: it would grow by them without another engine.
    """
    memory = report.memory
    engine = memory.weights_bytes + memory.arena_bytes
    scratch = memory.workspace_bytes
    within = f" ({nbytes(scratch)} of it workspace)" if scratch else ""
    notes = (
        f"weights {nbytes(memory.weights_bytes)}",
        f"activations {nbytes(memory.arena_bytes)}{within}",
        f"{_at(report)}{_at_most(memory)}",
        *([_with_bindings(memory, engine)] if memory.io_bytes else []),
    )
    return Card("Engine memory", nbytes(engine), notes)


def _with_bindings(memory: MemoryRecord, engine: int) -> str:
    added, both = nbytes(memory.io_bytes), nbytes(engine + memory.io_bytes)
    return f"{both} with the run's inputs and outputs ({added})"


def _at(report: Report) -> str:
    """The shapes of the figures, or the first where inputs differ."""
    different = list(dict.fromkeys(shape(extents) for extents in shapes(report).values()))
    more = ", …" if len(different) > 1 else ""
    return f"at {different[0]}{more}" if different else "without inputs"


def _at_most(memory: MemoryRecord) -> str:
    most = memory.arena_max_bytes
    if most is None or most <= memory.arena_bytes:
        return ""
    return f"; at max {nbytes(most)} of activations"


def _slowest(report: Report) -> Card:
    pairs = zip(report.layers, layer_metrics(report), strict=True)
    timed = [(layer, m) for layer, m in pairs if m.time_us is not None]
    if not timed:
        return Card("Slowest layer", "–", ("Run with layer profiling",))
    layer, metrics = max(timed, key=lambda pair: pair[1].time_us or 0.0)
    time = time_us(metrics.time_us)
    note = f"{time}, {short_name(layer.name, _LETTERS)}"
    return Card(
        "Slowest layer",
        percent(metrics.share),
        (note,),
        profiled_run(report),
        full=f"{time}, {layer.name}",
    )
