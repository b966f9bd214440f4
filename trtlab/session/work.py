"""The work itself, without a process around it: build an engine, measure it, describe it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil

from trtlab.builder.build import build
from trtlab.builder.options import BuildOptions
from trtlab.builder.progress import ProgressMonitor
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.core.settings import settings
from trtlab.core.types import DataType, StaticShape
from trtlab.core.version import exact_version
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.protocol import Device
from trtlab.engine.engine import Engine, ShapeProfile
from trtlab.engine.layer_records import layer_records
from trtlab.layers.base import Array
from trtlab.parser.parse import ParsedModel
from trtlab.passes.options import Constraints
from trtlab.planner.plan import Plan, plan
from trtlab.profiling.benchmark import BenchmarkOptions
from trtlab.profiling.cuda_target import CudaTarget
from trtlab.profiling.engine_target import EngineTarget, random_input
from trtlab.profiling.layers import ProfileOptions
from trtlab.profiling.measure import MeasureOptions
from trtlab.profiling.measure import measure as measure_target
from trtlab.profiling.peaks import with_peaks
from trtlab.profiling.progress import Progress, Step, silent
from trtlab.profiling.telemetry.machine import machine_sources
from trtlab.profiling.telemetry.sampler import TelemetrySampler
from trtlab.report.precisions import is_emulated
from trtlab.report.records import LayerRecord, MemoryRecord, Report
from trtlab.runtime.devices import open_runtime, tactics_of
from trtlab.runtime.executable import RunSettings
from trtlab.runtime.loaded import LoadedEngine
from trtlab.session.requests import BuildRequest, RunRequest
from trtlab.session.sources import default_profile, open_cached

PRECISIONS = {"fp32": DataType.FLOAT, "fp16": DataType.HALF, "bf16": DataType.BF16}
TF32 = "tf32"  # no type that tensors have: how FP32 layers multiply


def precision_named(name: str) -> DataType:
    """The element type that a build's precision is computed in.

    Raises:
        UsageError: There is no such precision.
    """
    if name.lower() == TF32:
        return DataType.FLOAT
    found = PRECISIONS.get(name.lower())
    if found is None:
        named = ", ".join(PRECISIONS)
        raise UsageError(
            f"unknown precision {name!r}", hint=f"use one of {named}, or {TF32} on a GPU"
        )
    return found


def _layer_precision(layer: str, name: str) -> DataType:
    found = PRECISIONS.get(name.lower())
    if found is None:
        whole = f"; {TF32} is for whole builds" if name.lower() == TF32 else ""
        raise UsageError(
            f"layer {layer!r} cannot have the precision {name!r}",
            hint=f"use one of {', '.join(PRECISIONS)}{whole}",
        )
    return found


@dataclass(frozen=True, slots=True)
class BuildExtras:
    """What only the command line asks for; see `BuildOptions`."""

    constraints: Constraints = "prefer"
    tf32: bool = False
    timing_cache: Path | None = None
    use_timing_cache: bool = True
    timing_iterations: int = 1
    verbosity: str = "detailed"


def build_options(
    request: BuildRequest, parsed: ParsedModel, extras: BuildExtras | None = None
) -> BuildOptions:
    """A request as options; inputs without a range take their default one."""
    extras = extras or BuildExtras()
    tf32 = request.precision.lower() == TF32
    if tf32 and request.device == "cpu":
        raise UsageError("the CPU does not multiply in tf32", hint="use fp32, or a GPU")
    defaults = default_profile(parsed.network, request.source)
    asked = request.layer_precisions
    where = request.device.removesuffix(":0").replace(":", "-")
    own_cache = settings().cache_dir / f"timing-{where}.jsonl"
    return BuildOptions(
        precision=precision_named(request.precision),
        tf32=tf32 or extras.tf32,
        layer_precisions={n: _layer_precision(n, p) for n, p in asked.items()},
        constraints=extras.constraints,
        profiles=(ShapeProfile({**defaults.inputs, **request.profiles}),),
        memory_pools=dict(request.memory_pools_bytes),
        max_aux_streams=request.max_aux_streams,
        tactic_sources=frozenset(request.tactic_sources or ()),
        optimization_level=request.optimization_level,
        timing_iterations=extras.timing_iterations,
        timing_cache=extras.timing_cache or own_cache,
        use_timing_cache=extras.use_timing_cache,
        verbosity=extras.verbosity,
    )


def build_engine(
    request: BuildRequest,
    monitor: ProgressMonitor | None = None,
    parsed: ParsedModel | None = None,
    extras: BuildExtras | None = None,
) -> Engine:
    """Build what was asked for.

    Raises:
        TrtlabError: The model cannot be read or built; says why.
        CancelledError: The monitor stopped it.
    """
    model = open_cached(request.source) if parsed is None else parsed
    device, registry = open_runtime(request.device)
    options = build_options(request, model, extras)
    return build(model.network, options, device, registry, model.model_record, monitor)


def random_inputs(engine: Engine, shapes: Mapping[str, StaticShape]) -> dict[str, Array]:
    """Seeded random inputs that are valid for the engine."""
    rng = np.random.default_rng(0)
    return {t.name: random_input(t, shapes[t.name], rng) for t in engine.network.inputs}


def describe(engine: Engine) -> Report:
    """A report of the build alone: nothing has run yet."""
    layout = plan(
        engine.network,
        engine.choices,
        engine.profiles[0].opt(),
        tactics_of(engine.device),
        streams=engine.streams,
    )
    return Report(
        model=engine.model,
        device=engine.device,
        config=engine.config,
        build=engine.build,
        layers=layer_records(engine, layout),
        benchmark=None,
        timeline=(),
        telemetry=None,
        memory=_memory(engine, layout, io_bytes=0),
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        trtlab_version=exact_version(),
        warnings=engine.build.warnings,
    )


def check_measurable(device: str) -> None:
    """Find out before a build that what it makes would be measured on another device.

    Raises:
        UnsupportedError: It is a GPU other than the first.
    """
    kind, _, index = device.partition(":")
    if kind == "cuda" and index.isdecimal() and int(index):
        raise UnsupportedError(
            f"device {device}: inferences are measured on the first GPU",
            hint=f"CUDA_VISIBLE_DEVICES={index} in the environment makes it the first: cuda:0",
        )


def run_shapes(engine: Engine, wanted: Mapping[str, StaticShape]) -> dict[str, StaticShape]:
    """Shapes of all inputs: the wanted ones, else the first profile's opt.

    Raises:
        UsageError: An input is unknown, or a shape lies outside the profile.
    """
    return shapes_within(engine.profiles[0], wanted)


def shapes_within(
    profile: ShapeProfile, wanted: Mapping[str, StaticShape]
) -> dict[str, StaticShape]:
    """`run_shapes` for a profile that has a range for every input."""
    opt = profile.opt()
    unknown = sorted(set(wanted) - set(opt))
    if unknown:
        raise UsageError(
            f"the engine has no input {unknown[0]!r}", hint="inputs: " + ", ".join(opt)
        )
    shapes = {**opt, **{name: tuple(shape) for name, shape in wanted.items()}}
    profile.check(shapes)
    return shapes


def measure(
    engine: Engine,
    request: RunRequest,
    *,
    inputs: Mapping[str, Array] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
) -> Report:
    """Benchmark an engine, profile its layers and watch the sensors meanwhile.

    Raises:
        UsageError: The shapes or inputs do not fit.
        CancelledError: It was stopped.
    """
    shapes = run_shapes(engine, request.shapes)
    device, registry = open_runtime(engine.device.kind)
    progress(Step("Preparing", message="binding memory"))
    loaded = LoadedEngine(engine, device, registry)
    target: CudaTarget | EngineTarget
    if device.kind == "cuda":
        settings = RunSettings(graphs=request.cuda_graphs)
        target = CudaTarget(loaded, shapes, inputs, settings, spin=request.spin_wait)
    else:
        target = EngineTarget(loaded, shapes, inputs)
    layout = target.executable.plan
    epoch_ns = time.monotonic_ns()
    options = MeasureOptions(
        BenchmarkOptions(
            iterations=request.iterations,
            duration_seconds=request.duration_s,
            warmup_ms=request.warmup_ms,
            transfers=request.transfers,
            idle_ms=request.idle_ms,
        ),
        ProfileOptions() if request.profile_layers else None,
    )
    sampler = _sampler(device) if request.telemetry else None
    if sampler is not None:
        sampler.start()
    try:
        measured = measure_target(
            target,
            layer_records(engine, layout),
            options,
            epoch_ns=epoch_ns,
            cancelled=cancelled,
            progress=progress,
        )
    finally:
        if sampler is not None:
            sampler.stop()
    kernels = target.kernels()
    progress(Step("Measuring the device's peaks", message="once a device"))
    peaked, notes = with_peaks(device.record(), device, registry, measured.layers)
    return replace(
        describe(engine),
        device=peaked,
        layers=tuple(replace(r, kernels=kernels.get(r.index, ())) for r in measured.layers),
        benchmark=measured.benchmark,
        timeline=measured.timeline,
        telemetry=None if sampler is None else sampler.record(epoch_ns),
        memory=_memory(engine, layout, io_bytes=target.io_bytes),
        epoch_ns=epoch_ns,
        reconciliation_ms=measured.reconciliation_ms,
        layers_span_ns=measured.layers_span_ns,
        single_ms=measured.single_ms,
        warnings=(*_warnings(engine, measured.layers), *notes),
    )


def _sampler(device: Device) -> TelemetrySampler:
    """The sensors of the host and of the GPU that is measured.

    A run on the CPU shows every GPU, and misses none that the machine has not.
    """
    at = device.bus_id if isinstance(device, CudaDevice) else ""
    return TelemetrySampler(machine_sources(gpu_expected=device.kind == "cuda", gpu_at=at))


def _warnings(engine: Engine, layers: Sequence[LayerRecord]) -> tuple[str, ...]:
    config = engine.config
    emulated = {config.precision} if config.emulated else set[str]()
    emulated |= {layer.precision for layer in layers if is_emulated(layer)}
    if not emulated:
        return engine.build.warnings
    names = sorted(emulated)
    sentence = (
        f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} emulated on the CPU through "
        "float32: these times show "
        "what it costs here, its accuracy is real, its speed is not that of hardware with this type"
    )
    return (*engine.build.warnings, sentence)


def _memory(engine: Engine, layout: Plan, *, io_bytes: int) -> MemoryRecord:
    return MemoryRecord(
        arena_bytes=layout.arena_bytes,
        weights_bytes=engine.weights_bytes,
        workspace_bytes=layout.workspace_bytes,
        io_bytes=io_bytes,
        peak_process_bytes=int(psutil.Process().memory_info().rss),
        unshared_bytes=layout.unshared_bytes,
        allocations=layout.allocations,
        arena_max_bytes=engine.arena_bytes,
    )
