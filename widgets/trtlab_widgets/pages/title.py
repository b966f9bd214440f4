"""The head of a report's pages: the model, and everything that a number depends on."""

from collections import Counter
from collections.abc import Mapping
from html import escape

from trtlab.report.clocks import benchmark_clock, layers_clock
from trtlab.report.conditions import created_text
from trtlab.report.percent import MINUS
from trtlab.report.precisions import precision_text
from trtlab.report.records import Report
from trtlab_widgets.pages.asked import options
from trtlab_widgets.pages.markup import element, text
from trtlab_widgets.pages.text import count, plural, shape

Shapes = Mapping[str, tuple[int | str, ...]]


def title(report: Report) -> str:
    """The model, and everything a number depends on."""
    model, config = report.model, report.config
    precision = precision_text(config, report.layers)
    precision = precision.replace("(emulated)", "(emulated: shows accuracy, not speed)")
    facts = [
        report.device.name,
        precision,
        *options(config),
        layer_counts(report),
        f"{count(model.parameters)} parameters",
        f"opset {model.opset}",
        *(f"{name} {shape(extents)}" for name, extents in shapes(report).items()),
        *clocks(report),
        created_text(report),
    ]
    line = element("p", " · ".join(text("span", fact) for fact in facts), class_="t-dim")
    return element(
        "header", element("h1", escape(model.name), title=model.name), line, class_="t-title"
    )


def clocks(report: Report) -> list[str]:
    """The clock of the benchmark and that of the layers' own run, by name."""
    named = {"benchmark": benchmark_clock(report), "layers": layers_clock(report)}
    return [f"{name} at {clock}" for name, clock in named.items() if clock is not None]


def shapes(report: Report) -> Shapes:
    """Each input's shape as it ran, or as the build was tuned for before any run."""
    if report.benchmark is not None:
        return report.benchmark.shapes
    if report.config.profiles:
        return {name: opt for name, (_, opt, _) in report.config.profiles[0].items()}
    return {tensor.name: tensor.shape for tensor in report.model.inputs}


def layer_counts(report: Report) -> str:
    """From nodes to layers, step by step: ``154 nodes → 152 layers → 54 + 1 reformat = 55``."""
    model, passes, number = report.model, report.build.passes, len(report.layers)
    nodes = plural(model.nodes, "node")
    if not passes:
        return f"{nodes} → {plural(number, 'layer')}"
    before, after = passes[0].layers_before, passes[-1].layers_after
    constants = model.op_counts.get("Constant", 0)
    known = f" ({plural(constants, 'constant')})" if constants else ""
    return f"{nodes}{known} → {plural(before, 'layer')} → {after:,}{_placed(report, after)}"


def _placed(report: Report, after: int) -> str:
    """What came after the passes: reformats between layers, and whatever else."""
    number = len(report.layers)
    reformats = Counter(layer.type for layer in report.layers)["REFORMAT"]
    if number == after:
        return ""
    if number == after + reformats:
        return f" + {plural(reformats, 'reformat')} = {number:,}"
    rest = number - after
    return f" {'+' if rest > 0 else MINUS} {abs(rest):,} = {number:,}"
