"""What an engine tells of its build."""

from collections.abc import Mapping, Sequence
from time import perf_counter

from trtlab.builder.options import BuildOptions
from trtlab.builder.phases import Phases
from trtlab.builder.reformats import Chosen
from trtlab.core.types import DataType
from trtlab.devices.protocol import Device
from trtlab.engine.engine import ShapeProfile
from trtlab.layers.base import Array
from trtlab.report.contests import distinct_contenders, timed
from trtlab.report.records import BuildRecord, ConfigRecord, PassRecord, SelectionRecord


def _precision(options: BuildOptions, device: Device) -> str:
    """The lowest type that layers may compute in; only GPUs have TF32."""
    tf32 = options.tf32 and options.precision is DataType.FLOAT and device.kind == "cuda"
    return "tf32" if tf32 else options.precision.value


def config_record(
    options: BuildOptions, profiles: tuple[ShapeProfile, ...], device: Device
) -> ConfigRecord:
    """What was asked for."""
    return ConfigRecord(
        precision=_precision(options, device),
        emulated=device.kind == "cpu" and options.precision is not DataType.FLOAT,
        flags=options.flags,
        optimization_level=options.optimization_level,
        max_aux_streams=options.max_aux_streams,
        memory_pools_bytes=dict(options.memory_pools),
        tactic_sources=tuple(sorted(options.tactic_sources)),
        profiles=tuple(dict(profile.inputs) for profile in profiles),
        layer_precisions={n: t.value for n, t in options.layer_precisions.items()},
    )


def build_record(
    clock: Phases,
    passes: tuple[PassRecord, ...],
    chosen: Mapping[str, Chosen],
    weights: Mapping[str, Array],
    warnings: Sequence[str],
) -> BuildRecord:
    """What it took, and who competed.

    Args:
        clock: The build's phases, just over.
        passes: What each pass did.
        chosen: Choices and contests by layer name.
        weights: As packed, by key.
        warnings: For whoever reads the record.
    """
    contests = {name: contest for name, (_, contest) in chosen.items() if contest is not None}
    selections = tuple(
        SelectionRecord(name, chosen[name][0].tactic, contest.contenders)
        for name, contest in contests.items()
    )
    contenders = distinct_contenders(selections)
    times = timed(contenders)
    return BuildRecord(
        seconds=round(perf_counter() - clock.started, 4),
        phases=clock.seconds,
        passes=passes,
        selections=selections,
        tactics_tried=len(contenders),
        tactics_timed=times.here,
        cache_hits=times.cached,
        engine_bytes=sum({id(a): a.nbytes for a in weights.values()}.values()),
        warnings=tuple(warnings),
    )
