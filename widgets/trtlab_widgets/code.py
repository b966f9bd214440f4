"""The Python that does what was clicked; running it gives the same engine and measurement."""

import json
from dataclasses import fields
from typing import Any

from trtlab.session.requests import BuildRequest, RunRequest
from trtlab_widgets.saving import file_stem

_WIDTH = 88
_HEAD = "import trtlab\n\n"


def python_code(build: BuildRequest, run: RunRequest) -> str:
    """A script for two requests; options that keep their default are left out."""
    engine = _call("trtlab.build", [literal(build.source)], _chosen(build, BuildRequest("")))
    report = _call("trtlab.profile", ["engine"], _chosen(run, RunRequest()))
    stem = file_stem(_model(build.source), build.precision, build.device)
    kept = f"layers = report.to_pandas()\nreport.save({literal(stem + '.json')})\n"
    return f"{_HEAD}engine = {engine}\nreport = {report}\n{kept}"


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
