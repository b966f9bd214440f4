"""The Python that does what was clicked; running it gives the same engine and measurement."""

import json
from dataclasses import fields
from typing import Any

from trtlab.report.conditions import created_text
from trtlab.report.records import Report
from trtlab.session.requests import BuildRequest, RunRequest
from trtlab_widgets.saving import file_stem

_WIDTH = 88
_HEAD = "import trtlab\n\n"


def python_code(build: BuildRequest, run: RunRequest, problem: str = "") -> str:
    """A script for two requests; options that keep their default are left out.

    Args:
        build: What the builder is asked for.
        run: What the benchmark is asked for.
        problem: What is wrong in the form: such a field is left out, and a comment says so.
    """
    if not problem:
        return _HEAD + _script(build, run)
    told = " ".join(problem.split())
    wrong = f"# Incomplete: the form has a mistake, and this script leaves it out.\n# {told}\n"
    return wrong + _HEAD + _script(build, run)


def recorded_code(report: Report) -> str:
    """A script that asks again for what a saved report tells of: its model, options and run.

    What a report does not hold, such as the warm-up, has its default; comments say what else
    may differ.
    """
    notes = [f"# Asks again for what was recorded on {report.device.name},"]
    notes += [f"# {created_text(report)}; what a report does not hold has its default."]
    if report.config.flags:
        notes += [f"# It was built with the flags {', '.join(report.config.flags)}."]
    if not report.model.source.startswith("zoo:"):
        notes += ["# The path of the model is the one of the machine that recorded it."]
    build, run = recorded_requests(report)
    told = "\n".join(notes)
    if report.benchmark is not None:
        return f"{told}\n{_HEAD}{_script(build, run)}"
    engine = _call("trtlab.build", [literal(build.source)], _chosen(build, BuildRequest("")))
    return f"{told}\n# It was built, but not measured.\n{_HEAD}engine = {engine}\n"


def recorded_requests(report: Report) -> tuple[BuildRequest, RunRequest]:
    """What a report's build and run were asked for, as far as it tells."""
    config, benchmark = report.config, report.benchmark
    declared = {tensor.name: tensor.shape for tensor in report.model.inputs}
    profile = config.profiles[0] if config.profiles else {}
    build = BuildRequest(
        report.model.source,
        device=report.device.kind,
        precision=config.precision,
        layer_precisions=dict(config.layer_precisions),
        profiles={n: shapes for n, shapes in profile.items() if declared.get(n) != shapes[1]},
        max_aux_streams=config.max_aux_streams,
        memory_pools_bytes=dict(config.memory_pools_bytes),
        tactic_sources=config.tactic_sources or None,
        optimization_level=config.optimization_level,
    )
    if benchmark is None:
        return build, RunRequest()
    usual = {name: shapes[1] for name, shapes in profile.items()}
    other = {n: s for n, s in benchmark.shapes.items() if usual.get(n, declared.get(n)) != s}
    run = RunRequest(
        shapes=other,
        duration_s=_asked_s(benchmark.wall_seconds),
        profile_layers=any(layer.time_us.samples for layer in report.layers),
        telemetry=report.telemetry is not None,
    )
    return build, run


def _asked_s(wall_s: float) -> float:
    """The duration that was asked for: a run ends with the first query that reaches it."""
    whole = float(round(wall_s))
    return whole if abs(wall_s - whole) <= 0.02 * wall_s else round(wall_s, 2)


def _script(build: BuildRequest, run: RunRequest) -> str:
    engine = _call("trtlab.build", [literal(build.source)], _chosen(build, BuildRequest("")))
    report = _call("trtlab.profile", ["engine"], _chosen(run, RunRequest()))
    stem = file_stem(_model(build.source), build.precision, build.device)
    kept = f"layers = report.to_pandas()\nreport.save({literal(stem + '.json')})\n"
    return f"engine = {engine}\nreport = {report}\n{kept}"


def _model(source: str) -> str:
    """What a source calls its model: ``resnet50`` in ``zoo:resnet50`` and ``a/resnet50.onnx``."""
    return (
        source.removeprefix("zoo:").replace("\\", "/").rpartition("/")[2].removesuffix(".onnx")
    )


def _chosen(request: BuildRequest | RunRequest, default: object) -> dict[str, Any]:
    """Option → value, for those that differ from the default request."""
    names = [f.name for f in fields(request) if f.name != "source"]
    return {
        name: getattr(request, name)
        for name in names
        if getattr(request, name) != getattr(default, name)
    }


def _call(function: str, positional: list[str], options: dict[str, Any]) -> str:
    """A call in one line, or with one argument a line when that is too long."""
    short = [*positional, *(f"{name}={literal(value)}" for name, value in options.items())]
    line = f"{function}({', '.join(short)})"
    if len(line) + len("engine = ") <= _WIDTH:
        return line
    broken = [*positional, *(f"{name}={_block(value)}" for name, value in options.items())]
    lines = "".join(f"    {argument},\n" for argument in broken)
    return f"{function}(\n{lines})"


def literal(value: object) -> str:
    """Plain values as Python source, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        items = (f"{literal(key)}: {literal(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, tuple):
        items = [literal(item) for item in value]
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    return repr(value)


def _block(value: object) -> str:
    """A literal; a dictionary of more than one entry has one entry a line."""
    if not isinstance(value, dict) or len(value) < 2:
        return literal(value)
    lines = "".join(
        f"        {literal(key)}: {literal(item)},\n" for key, item in value.items()
    )
    return f"{{\n{lines}    }}"
