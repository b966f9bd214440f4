"""The straight line from a network to an engine: read this first.

network ─ passes ─► optimized network ─ select ─► a tactic and a format for every layer
        ─ reformats ─► the final network ─ pack ─► weights ─ plan ─► memory ─► Engine
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from time import perf_counter

from trtlab.builder.carried_code import carried_code
from trtlab.builder.constant_outputs import copy_constant_outputs
from trtlab.builder.options import BuildOptions
from trtlab.builder.phases import Phases
from trtlab.builder.progress import ProgressMonitor, SilentMonitor, step
from trtlab.builder.proving import Proofs, Proving, fitting_provers
from trtlab.builder.reformats import insert_reformats
from trtlab.builder.rehearsal import rehearse
from trtlab.builder.timer import DeviceTimer
from trtlab.core.errors import UsageError
from trtlab.core.settings import settings
from trtlab.core.types import DataType, Dim
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.memory import give_back_unused
from trtlab.devices.protocol import Device
from trtlab.engine.engine import Engine, ShapeProfile, check_profile
from trtlab.engine.weights import aligned
from trtlab.layers.base import Array
from trtlab.network.clone import clone
from trtlab.network.graph import Network, Tensor
from trtlab.network.types_at import Inferred, infer_at
from trtlab.passes import pipeline
from trtlab.passes.options import PassOptions
from trtlab.planner.plan import LayerChoice, plan, weight_key
from trtlab.report.records import (
    BuildRecord,
    ConfigRecord,
    ModelRecord,
    PassRecord,
    SelectionRecord,
)
from trtlab.tactics.contest import Contest
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.select import problem_of, select
from trtlab.tactics.timing_cache import TimingCache

OPTIMIZE, COMPILE, PROVE, SELECT, PACK, CARRY, PLAN = (
    "Optimize network",
    "Compile kernels",
    "Prove tactics",
    "Select tactics",
    "Pack weights",
    "Keep compiled code",
    "Plan memory",
)

_log = logging.getLogger(__name__)


def build(
    network: Network,
    options: BuildOptions,
    device: Device,
    registry: TacticRegistry,
    model: ModelRecord,
    monitor: ProgressMonitor | None = None,
    cache: TimingCache | None = None,
) -> Engine:
    """Build an engine.

    Args:
        network: Not changed.
        options: What is asked for.
        device: Where it will run, and where tactics are timed.
        registry: The device's tactics.
        model: What the network was imported from, for the record.
        monitor: Hears of progress and may stop the build.
        cache: Measured times; made from the options when left out.

    Raises:
        UsageError: A profile or option is wrong.
        NoTacticError: A layer cannot run on the device.
        CancelledError: The monitor stopped it.
    """
    clock = Phases(monitor or SilentMonitor())
    profiles = _profiles(network, options)
    work = clone(network)
    _ask_layers(work, options.layer_precisions)
    rules = _pass_options(options, device, _extents(network, profiles[0]))
    with clock.phase(OPTIMIZE, len(pipeline.passes_for(rules))) as advance:
        passes = pipeline.run(work, rules, lambda _name, _number, _count: advance())
    copy_constant_outputs(work)
    inferred = infer_at(work, profiles[0].opt())
    if cache is None:
        cache = TimingCache(
            device.fingerprint, options.timing_cache, readable=options.use_timing_cache
        )
    proofs = Proofs()
    if isinstance(device, CudaDevice) and options.contest_rules.timed:
        proofs = _prepare(work, inferred, registry, device, cache, options, clock)
    with clock.phase(SELECT, len(work)) as advance:
        try:
            selection = select(
                work, inferred, registry, DeviceTimer(device, proofs.refusals), cache,
                options.contest_rules, advance,
            )  # fmt: skip
        finally:
            cache.flush()
    if isinstance(device, CudaDevice):
        give_back_unused()
    chosen = insert_reformats(work, inferred.types, selection)
    choices = {name: choice for name, (choice, _) in chosen.items()}
    inferred = infer_at(work, profiles[0].opt())
    with clock.phase(PACK, len(work)) as advance:
        weights = _pack(work, inferred, choices, registry, advance)
    with clock.phase(CARRY, 1):
        streams = 1 + options.max_aux_streams
        code = carried_code(work, choices, profiles, registry, device, streams=streams)
    with clock.phase(PLAN, len(profiles)) as advance:
        arena_bytes = _largest_arena(work, choices, profiles, registry, options, advance)
    return Engine(
        name=network.name,
        network=work,
        choices=choices,
        weights=weights,
        profiles=profiles,
        streams=1 + options.max_aux_streams,
        compatibility=device.compatibility,
        device=device.record(),
        model=model,
        config=_config(options, profiles, device),
        build=_record(clock, passes, chosen, weights, cache, proofs.warnings),
        verbosity=options.verbosity,
        arena_bytes=arena_bytes,
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        code=code,
    )


def _prepare(
    work: Network,
    inferred: Inferred,
    registry: TacticRegistry,
    device: CudaDevice,
    cache: TimingCache,
    options: BuildOptions,
    clock: Phases,
) -> Proofs:
    """Compile what will be timed, side by side; meanwhile candidates are tried elsewhere."""
    arguments = (work, inferred, registry, device, cache, options.contest_rules)
    if not (options.prove and settings().prove):
        with clock.phase(COMPILE, 1):
            rehearse(*arguments)
        return Proofs()
    with Proving(device.index, fitting_provers()) as proving:
        with clock.phase(COMPILE, 1):
            rehearse(*arguments, proving)
        problems = proving.waiting
        with clock.phase(PROVE, problems):
            proofs = proving.finish(
                lambda waiting: step(clock.monitor, PROVE, max(problems - waiting, 0))
            )
    for warning in proofs.warnings:
        _log.warning("%s", warning)
    return proofs


def _profiles(network: Network, options: BuildOptions) -> tuple[ShapeProfile, ...]:
    given = options.profiles or (ShapeProfile({}),)
    return tuple(check_profile(network, profile) for profile in given)


def _extents(network: Network, profile: ShapeProfile) -> tuple[tuple[str, int], ...]:
    """Sizes of the inputs' named dimensions at the profile's optimum."""
    shapes = profile.opt()
    pairs = [
        (extent.name, size)
        for tensor in network.inputs
        for extent, size in zip(tensor.shape, shapes.get(tensor.name, ()), strict=False)
        if isinstance(extent, Dim)
    ]
    return tuple(dict(pairs).items())


def _pass_options(
    options: BuildOptions, device: Device, extents: tuple[tuple[str, int], ...]
) -> PassOptions:
    return PassOptions(
        optimization_level=options.optimization_level,
        precision=options.precision,
        enabled_types=frozenset(
            {
                DataType.FLOAT,
                options.precision,
                *options.enabled_types,
                *options.layer_precisions.values(),
            }
        ),
        constraints=options.constraints,
        disabled_rules=options.disabled_rules,
        device=device.kind,
        extents=extents,
    )


def _ask_layers(network: Network, precisions: Mapping[str, DataType]) -> None:
    """Write the wanted precisions onto the layers."""
    by_name = {layer.name: layer for layer in network.layers}
    for name, wanted in precisions.items():
        if name not in by_name:
            near = get_close_matches(name, by_name, n=3)
            raise UsageError(
                f"the network has no layer {name!r} to run in {wanted.value}",
                hint="did you mean " + ", ".join(near) + "?"
                if near
                else "see the layers' names with `trtlab inspect model FILE --layers`",
            )
        by_name[name].precision = wanted


def _pack(
    network: Network,
    inferred: Inferred,
    choices: Mapping[str, LayerChoice],
    registry: TacticRegistry,
    advance: Callable[[], bool],
) -> dict[str, Array]:
    """Let every tactic arrange its constants, then take them out of the network."""
    weights: dict[str, Array] = {}
    constants: set[Tensor] = set()
    shared: dict[int, Array] = {}  # what several layers read as it is is kept once
    for layer in network.layers:
        advance()
        held = {
            i: t.data
            for i, t in enumerate(layer.inputs)
            if t is not None and t.data is not None
        }
        constants.update(t for t in layer.inputs if t is not None and t.data is not None)
        choice = choices[layer.name]
        if not held or all(t in inferred.known for t in layer.outputs):
            continue
        tactic = registry.find(choice.tactic) if choice.tactic else None
        problem = problem_of(layer, inferred, choice.format)
        packed = held if tactic is None else tactic.pack(problem, held)
        for i, array in packed.items():
            untouched = any(array is original for original in held.values())
            if untouched and id(array) not in shared:
                shared[id(array)] = aligned(array)
            weights[weight_key(layer, i)] = shared[id(array)] if untouched else aligned(array)
    for tensor in constants:
        tensor.data, tensor.detached = None, True
    return weights


def _largest_arena(
    network: Network,
    choices: Mapping[str, LayerChoice],
    profiles: tuple[ShapeProfile, ...],
    registry: TacticRegistry,
    options: BuildOptions,
    advance: Callable[[], bool],
) -> int:
    """Arena bytes at the largest shapes; also proves that the tactics accept min and max."""
    largest = 0
    for profile in profiles:
        advance()
        for which in (0, 2):
            shapes = {name: shapes[which] for name, shapes in profile.inputs.items()}
            layout = plan(
                network, choices, shapes, registry, streams=1 + options.max_aux_streams
            )
            largest = max(largest, layout.arena_bytes)
    return largest


def _precision(options: BuildOptions, device: Device) -> str:
    """The lowest type that layers may compute in; only GPUs have TF32."""
    tf32 = options.tf32 and options.precision is DataType.FLOAT and device.kind == "cuda"
    return "tf32" if tf32 else options.precision.value


def _config(
    options: BuildOptions, profiles: tuple[ShapeProfile, ...], device: Device
) -> ConfigRecord:
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


def _record(
    clock: Phases,
    passes: tuple[PassRecord, ...],
    chosen: Mapping[str, tuple[LayerChoice, Contest | None]],
    weights: Mapping[str, Array],
    cache: TimingCache,
    warnings: Sequence[str],
) -> BuildRecord:
    contests = {name: contest for name, (_, contest) in chosen.items() if contest is not None}
    distinct = {id(c): c for c in contests.values()}.values()
    contenders = [c for contest in distinct for c in contest.contenders]
    return BuildRecord(
        seconds=round(perf_counter() - clock.started, 4),
        phases=clock.seconds,
        passes=passes,
        selections=tuple(
            SelectionRecord(name, chosen[name][0].tactic, contest.contenders)
            for name, contest in contests.items()
        ),
        tactics_tried=len(contenders),
        tactics_timed=sum(c.time_us is not None for c in contenders),
        cache_hits=cache.hits,
        engine_bytes=sum({id(a): a.nbytes for a in weights.values()}.values()),
        warnings=tuple(warnings),
    )
