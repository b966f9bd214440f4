"""docs/coverage.md from the code's own tables; run it to write the page anew."""

import re
from pathlib import Path

from trtlab.builder.fixed import FixedMembers
from trtlab.builder.flags import REFUSED
from trtlab.core.module_level import ABSENT
from trtlab.core.sealed import Only
from trtlab.network.api.missing import MISSING_METHODS as NETWORK
from trtlab.parser.api import MISSING_METHODS as PARSER
from trtlab.parser.catalog import CONVERTERS
from trtlab.parser.restrictions import RESTRICTIONS
from trtlab.runtime.missing import CONTEXT, ENGINE, RUNTIME

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"
MEMBERS = {
    "INetworkDefinition": NETWORK,
    "OnnxParser": PARSER,
    "BuilderFlag": {flag.name: reason for flag, reason in REFUSED.items()},
    "Runtime": RUNTIME,
    "ICudaEngine": ENGINE,
    "IExecutionContext": CONTEXT,
}
HEAD = """# What is covered, and what is not

The tables follow the code: `python -m tests.support.coverage_page` writes them, and a test compares.

## ONNX operators

{count} operators of ONNX's own domain, from the opset given up to those that the installed `onnx` knows. Functions that a model defines itself are expanded. Any other operator, attribute or input makes `OnnxParser.parse` return `False`, with one error a node.

Engines know every shape before they run: what depends on *values* of the inputs (`NonZero`, `Compress`) is refused by the parser; `network.add_non_zero` takes it, and the build refuses it.

| operator | since opset | restrictions |
| --- | --- | --- |
{operators}

## Missing from TensorRT

Reading such a name raises an error with the reason, so that `hasattr` is false; setting such a flag or option is refused.

| class | missing | why, or what instead |
| --- | --- | --- |
{members}

| option of a builder config | its only value | why |
| --- | --- | --- |
{options}

| name in the module | why it is missing |
| --- | --- |
{names}
"""


def operators():
    """Rows of the operators' table."""
    return [
        f"| {name} | {entry.min_opset} | {RESTRICTIONS.get(name, '')} |"
        for name, entry in sorted(CONVERTERS.items())
    ]


def members():
    """Rows of the missing members: names with one reason share a row."""
    rows = []
    for kind, missing in MEMBERS.items():
        by_reason = {}
        for name, reason in missing.items():
            by_reason.setdefault(reason, []).append(f"`{name}`")
        rows += [f"| {kind} | {', '.join(n)} | {reason} |" for reason, n in by_reason.items()]
    return rows


def options():
    """Rows of the config's members that have one value."""
    fixed = {n: m for n, m in vars(FixedMembers).items() if isinstance(m, Only)}
    return [
        f"| `{name}` | {getattr(only._value, 'name', repr(only._value))} | {only._reason} |"
        for name, only in sorted(fixed.items())
    ]


def spelled(pattern):
    """The names that a pattern of alternatives stands for, … in place of any letters."""
    found = []
    for part in re.findall(r"(?:[^|()]|\([^()]*\))+", pattern):
        before, _, rest = part.partition("(")
        inside, _, after = rest.partition(")")
        found += [f"{before}{each}{after}" for each in inside.split("|")]
    return [name.replace(".*", "…") for name in found]


def names():
    """Rows of the missing names of the module."""
    return [
        f"| {', '.join(f'`{n}`' for n in spelled(pattern))} | {reason} |"
        for reason, pattern in ABSENT.items()
    ]


def page():
    """The page's text."""
    return HEAD.format(
        count=len(CONVERTERS),
        operators="\n".join(operators()),
        members="\n".join(members()),
        options="\n".join(options()),
        names="\n".join(names()),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
