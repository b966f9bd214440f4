"""What was asked of the builder beyond the defaults, and what came of it."""

import re

from trtlab.report.records import ConfigRecord, Report
from trtlab_widgets.pages.text import nbytes, plural

_LEVEL = 3  # the default optimization level
# How a tactic that needs more scratch than its pool allows was turned down: `tactics.contest`.
_POOL = re.compile(r"needs [\d,]+ bytes of (?P<pool>\w+), the pool allows ")


def options(config: ConfigRecord) -> list[str]:
    """Each option that differs from its default, in words."""
    found: list[str] = []
    if config.optimization_level != _LEVEL:
        found.append(f"level {config.optimization_level}")
    if config.max_aux_streams:
        found.append(plural(config.max_aux_streams, "auxiliary stream"))
    found += [f"{_words(pool)} {nbytes(b)}" for pool, b in config.memory_pools_bytes.items()]
    if config.tactic_sources:
        found.append("tactics of " + ", ".join(config.tactic_sources))
    if config.layer_precisions:
        kinds = ", ".join(sorted(set(config.layer_precisions.values())))
        found.append(f"{plural(len(config.layer_precisions), 'layer')} set to {kinds}")
    return found + [_words(flag) for flag in config.flags]


def outcomes(report: Report) -> list[str]:
    """Sentences on limits that ruled tactics out, and on streams that nothing could use."""
    return [*_pool_limits(report), *_idle_streams(report)]


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _pool_limits(report: Report) -> list[str]:
    limits = report.config.memory_pools_bytes
    ruled_out: dict[str, list[str]] = {}  # the layer of every such tactic, by pool
    for selection in report.build.selections:
        for contender in selection.contenders:
            match = _POOL.match(contender.rejection)
            if match:
                ruled_out.setdefault(match["pool"], []).append(selection.layer)
    return [
        f"The {pool} limit of {nbytes(limits.get(pool.upper()))} ruled out"
        f" {plural(len(layers), 'tactic')} of {plural(len(set(layers)), 'layer')}."
        for pool, layers in ruled_out.items()
    ]


def _idle_streams(report: Report) -> list[str]:
    allowed = report.config.max_aux_streams
    used = len({layer.stream for layer in report.layers} - {0})
    if not allowed or used == allowed:
        return []
    if used:
        return [f"{plural(allowed, 'auxiliary stream')} allowed, {used} used."]
    streams = plural(allowed, "auxiliary stream")
    return [f"{streams} allowed, none used: no branches are independent of each other."]
