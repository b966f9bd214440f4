"""One call from a model to an engine, or to a report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trtlab.builder.progress import ProgressMonitor
from trtlab.engine.engine import ShapeRange
from trtlab.parser.parse import ParsedModel
from trtlab.parser.source import Source
from trtlab.profiling.progress import Progress, silent
from trtlab.report.records import Report
from trtlab.runtime.api import ICudaEngine
from trtlab.session.given_shapes import exact_shapes, ranges_of
from trtlab.session.requests import BuildRequest, RunRequest
from trtlab.session.sources import open_source, profile_at, taken_as_one
from trtlab.session.work import build_engine, check_measurable, measure


def build(
    model: Source,
    *,
    device: str = "cpu",
    precision: str = "fp32",
    layer_precisions: Mapping[str, str] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    profiles: Mapping[str, ShapeRange] | None = None,
    max_aux_streams: int = 0,
    memory_pools_bytes: Mapping[str, int] | None = None,
    tactic_sources: Sequence[str] | None = None,
    optimization_level: int = 3,
    seed: int = 0,
    monitor: ProgressMonitor | None = None,
) -> ICudaEngine:
    """Build an engine: ``engine.create_execution_context().infer({"x": x})`` runs it on arrays.

    Args:
        model: Path of an ONNX file, a zoo name such as ``resnet50``, the bytes of a model, or
            an ``onnx.ModelProto``.
        device: ``cpu`` or ``cuda``.
        precision: ``fp32``, ``fp16`` or ``bf16``, which the CPU emulates; ``tf32`` on GPUs.
        layer_precisions: Layers of the model that shall compute in another precision.
        shapes: Exact shapes of dynamic inputs; a range needs ``profiles``.
        profiles: (min, opt, max) shapes of dynamic inputs.
        max_aux_streams: Streams beside the main one.
        memory_pools_bytes: Limits by pool, such as ``{"WORKSPACE": 1 << 28}``.
        tactic_sources: Allowed sources; all by default.
        optimization_level: 0 (fast build) to 5 (fast engine).
        seed: Of the zoo's random weights.
        monitor: Hears of progress and may stop the build.

    Raises:
        TrtlabError: What, where, and what to do next.
    """
    parsed = open_source(model, seed=seed)
    request = _request(
        parsed,
        device,
        precision,
        shapes or {},
        profiles or {},
        BuildRequest(
            source=parsed.model_record.source,
            layer_precisions=dict(layer_precisions or {}),
            max_aux_streams=max_aux_streams,
            memory_pools_bytes=dict(memory_pools_bytes or {}),
            tactic_sources=None if tactic_sources is None else tuple(tactic_sources),
            optimization_level=optimization_level,
        ),
    )
    return ICudaEngine(build_engine(request, monitor, parsed))


def profile(
    model: Source | ICudaEngine,
    *,
    device: str = "cpu",
    precision: str = "fp32",
    layer_precisions: Mapping[str, str] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    max_aux_streams: int = 0,
    memory_pools_bytes: Mapping[str, int] | None = None,
    tactic_sources: Sequence[str] | None = None,
    optimization_level: int = 3,
    duration_s: float = 3.0,
    warmup_ms: float = 200.0,
    iterations: int = 10,
    profile_layers: bool = True,
    telemetry: bool = True,
    cuda_graphs: bool = True,
    spin_wait: bool = True,
    seed: int = 0,
    monitor: ProgressMonitor | None = None,
    progress: Progress = silent,
) -> Report:
    """Build, run and measure in one call; the options are those of `build` and of trtexec.

    Args:
        model: As in `build`; or an engine that was built before.
        device: As in `build`.
        precision: As in `build`.
        layer_precisions: As in `build`.
        shapes: Shapes of dynamic inputs; by default the zoo's, or 1 for every named dimension.
        max_aux_streams: As in `build`.
        memory_pools_bytes: As in `build`.
        tactic_sources: As in `build`.
        optimization_level: As in `build`.
        duration_s: Measure for at least so long,
        warmup_ms: after so much warm-up,
        iterations: and at least so many inferences.
        profile_layers: Also time every layer, in inferences of their own.
        telemetry: Watch clocks, power, temperature and load meanwhile.
        cuda_graphs: As in `RunRequest`.
        spin_wait: As in `RunRequest`.
        seed: Of the zoo's random weights.
        monitor: Hears of the build's progress and may stop it.
        progress: Hears how far the measurement is, between inferences.

    Returns:
        Everything about the build and the run; `to_pandas()` gives the layer table.

    Raises:
        TrtlabError: What, where, and what to do next.
    """
    wanted = exact_shapes(shapes or {}, measured=True)
    run = RunRequest(
        shapes=wanted,
        duration_s=duration_s,
        warmup_ms=warmup_ms,
        iterations=iterations,
        profile_layers=profile_layers,
        telemetry=telemetry,
        cuda_graphs=cuda_graphs,
        spin_wait=spin_wait,
    )
    if isinstance(model, ICudaEngine):
        engine = model.engine
    else:
        check_measurable(device)
        engine = build(
            model,
            device=device,
            precision=precision,
            layer_precisions=layer_precisions,
            shapes=wanted,
            max_aux_streams=max_aux_streams,
            memory_pools_bytes=memory_pools_bytes,
            tactic_sources=tactic_sources,
            optimization_level=optimization_level,
            seed=seed,
            monitor=monitor,
        ).engine
    report = measure(engine, run, progress=progress)
    if isinstance(model, ICudaEngine):
        return report
    assumed = taken_as_one(report.model.inputs, report.model.source, wanted)
    return replace(report, warnings=(*report.warnings, *assumed))


def _request(
    parsed: ParsedModel,
    device: str,
    precision: str,
    shapes: Mapping[str, Sequence[int]],
    profiles: Mapping[str, ShapeRange],
    rest: BuildRequest,
) -> BuildRequest:
    exact = exact_shapes(shapes, measured=False)
    at = profile_at(parsed.network, exact, rest.source)
    ranges: dict[str, ShapeRange] = {**at.inputs, **ranges_of(profiles)}
    return BuildRequest(
        source=rest.source,
        device=device,
        precision=precision,
        layer_precisions=rest.layer_precisions,
        profiles=ranges,
        max_aux_streams=rest.max_aux_streams,
        memory_pools_bytes=rest.memory_pools_bytes,
        tactic_sources=rest.tactic_sources,
        optimization_level=rest.optimization_level,
    )
