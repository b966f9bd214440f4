"""The straight line from a network to an engine: read this first.

network ─ passes ─► optimized network
        ─ compile* ─► candidates' kernels ─ prove* ─► those that can be trusted
        ─ select ─► a tactic and a format for every layer
        ─ reformats ─► the final network ─ rerank* ─► tactics for the strides of its memory
        ─ pack ─► weights ─ carry* ─► compiled code ─ plan ─► memory ─► Engine

Steps with a star have something to do on GPUs only.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches

from trtlab.builder.carried_code import carried_code
from trtlab.builder.constant_outputs import copy_constant_outputs
from trtlab.builder.options import BuildOptions
from trtlab.builder.packing import pack
from trtlab.builder.phases import Phases
from trtlab.builder.progress import ProgressMonitor, SilentMonitor, step
from trtlab.builder.proving import Proofs, Proving, fitting_provers
from trtlab.builder.record import build_record, config_record
from trtlab.builder.reformats import Chosen, insert_reformats
from trtlab.builder.rehearsal import rehearse
from trtlab.builder.reranking import rerank
from trtlab.builder.timer import DeviceTimer
from trtlab.core.errors import UsageError
from trtlab.core.settings import settings
from trtlab.core.types import DataType, Dim
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.memory import give_back_unused
from trtlab.devices.protocol import Device
from trtlab.engine.engine import Engine, ShapeProfile, check_profile
from trtlab.network.clone import clone
from trtlab.network.graph import Network
from trtlab.network.types_at import infer_at
from trtlab.passes import pipeline
from trtlab.passes.options import PassOptions
from trtlab.planner.bound import arena_bound
from trtlab.report.records import ModelRecord
from trtlab.tactics.occasions import Occasions, occasions_of
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.select import select
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
    asked = _pass_options(options, device, _extents(network, profiles[0]))
    with clock.phase(OPTIMIZE, len(pipeline.passes_for(asked))) as advance:
        passes = pipeline.run(work, asked, lambda _name, _number, _count: advance())
    copy_constant_outputs(work)
    if cache is None:
        cache = TimingCache(
            device.fingerprint, options.timing_cache, readable=options.use_timing_cache
        )
    chosen, warnings = _choose(work, profiles, registry, device, cache, options, clock)
    choices = {name: choice for name, (choice, _) in chosen.items()}
    inferred = infer_at(work, profiles[0].opt())
    with clock.phase(PACK, len(work)) as advance:
        weights = pack(work, inferred, choices, registry, advance)
    streams = 1 + options.max_aux_streams
    with clock.phase(CARRY, 1):
        code = carried_code(work, choices, profiles, registry, device, streams=streams)
    with clock.phase(PLAN, len(profiles)) as advance:
        arena_bytes = 0
        for profile in profiles:
            advance()
            needed = arena_bound(work, choices, profile.inputs, registry, streams=streams)
            arena_bytes = max(arena_bytes, needed)
    return Engine(
        name=network.name,
        network=work,
        choices=choices,
        weights=weights,
        profiles=profiles,
        streams=streams,
        compatibility=device.compatibility,
        device=device.record(),
        model=model,
        config=config_record(options, profiles, device),
        build=build_record(clock, passes, chosen, weights, warnings),
        verbosity=options.verbosity,
        arena_bytes=arena_bytes,
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        code=code,
    )


def _choose(
    work: Network,
    profiles: Sequence[ShapeProfile],
    registry: TacticRegistry,
    device: Device,
    cache: TimingCache,
    options: BuildOptions,
    clock: Phases,
) -> tuple[dict[str, Chosen], Sequence[str]]:
    """Choices with their reformats in place, and what the record has to warn of."""
    best = profiles[0].opt()
    occasions = occasions_of(work, best, [s for each in profiles for s in each.extremes()])
    rules, proofs = options.contest_rules, Proofs()
    if isinstance(device, CudaDevice) and rules.timed:
        proofs = _prepare(work, occasions, registry, device, cache, options, clock)
    timer = DeviceTimer(device, proofs.refusals)
    with clock.phase(SELECT, len(work)) as advance:
        try:
            selection = select(work, occasions, registry, timer, cache, rules, advance)
            chosen = insert_reformats(work, occasions, selection)
            chosen = rerank(work, chosen, best, registry, timer, cache, rules)
        finally:
            cache.flush()
    if isinstance(device, CudaDevice):
        give_back_unused()
    return chosen, proofs.warnings


def _prepare(
    work: Network,
    occasions: Occasions,
    registry: TacticRegistry,
    device: CudaDevice,
    cache: TimingCache,
    options: BuildOptions,
    clock: Phases,
) -> Proofs:
    """Compile what will be timed, side by side; meanwhile candidates are tried elsewhere."""
    arguments = (work, occasions, registry, device, cache, options.contest_rules)

    def compiling() -> None:
        step(clock.monitor, COMPILE, 0)

    if not (options.prove and settings().prove):
        with clock.phase(COMPILE, 1):
            rehearse(*arguments, goes_on=compiling)
        return Proofs()
    with Proving(device.index, fitting_provers()) as proving:
        with clock.phase(COMPILE, 1):
            rehearse(*arguments, proving, compiling)
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
