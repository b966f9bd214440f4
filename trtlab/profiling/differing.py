"""What two reports were made under that is not the same: it explains times, or spoils them."""

from collections.abc import Mapping

from trtlab.core.types import format_shape
from trtlab.report.clocks import layers_clock
from trtlab.report.quantity import nbytes
from trtlab.report.records import ConfigRecord, Report

_MOST_NAMES = 3  # of layers that are told one by one


def differing_conditions(before: Report, after: Report) -> tuple[str, ...]:
    """One sentence for each condition that both reports tell, and tell differently.

    Device, precision and other options of the build, shapes, clocks, versions.
    """
    units = "threads" if after.device.kind == "cpu" else "SMs"
    asked, other = _asked(before.config), _asked(after.config)
    pairs = {
        "model": (before.model.digest, after.model.digest),
        "device": (before.device.name, after.device.name),
        units: (str(before.device.cores), str(after.device.cores)),
        **{name: (asked[name], other[name]) for name in asked},
        "shapes": (_shapes(before), _shapes(after)),
        "clock while layers were timed": (_clock(before), _clock(after)),
        "trtlab": (before.trtlab_version, after.trtlab_version),
        "driver": (before.device.driver, after.device.driver),
    }
    found = {
        name: f"{name}: {first} → {second}"
        for name, (first, second) in pairs.items()
        if first != second and first and second
    }
    if "model" in found:
        found["model"] = "model: another file, with nodes of the same names"
    if "device" in found:  # then these say nothing more
        found = {name: words for name, words in found.items() if name not in {units, "driver"}}
    return tuple(found.values())


def _asked(config: ConfigRecord) -> dict[str, str]:
    """Options of the builder, by name; ``default`` is what was left to it."""
    pools = {
        pool.lower().replace("_", " "): nbytes(size)
        for pool, size in sorted(config.memory_pools_bytes.items())
    }
    single = config.layer_precisions
    return {
        "precision": config.precision,
        "single layers": f"{len(single)} set"
        if len(single) > _MOST_NAMES
        else _listed(single),
        "level": str(config.optimization_level),
        "auxiliary streams": str(config.max_aux_streams),
        "tactic sources": ", ".join(config.tactic_sources) or "default",
        "memory pools": _listed(pools),
    }


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "default"


def _shapes(report: Report) -> str:
    given = {} if report.benchmark is None else report.benchmark.shapes
    return ", ".join(f"{name} {format_shape(shape)}" for name, shape in sorted(given.items()))


def _clock(report: Report) -> str:
    clock = layers_clock(report)
    return "" if clock is None else str(clock)
