"""``trtlab exec``: trtexec's flags and report."""

import json
import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import ClassVar

from trtlab.cli import exec_options, exec_report
from trtlab.cli.command import Command
from trtlab.cli.exec_inputs import check_run, load_inputs
from trtlab.cli.exec_io_formats import with_io_formats
from trtlab.cli.exec_missing import INSTEAD, MISSING
from trtlab.cli.layer_patterns import by_layer
from trtlab.cli.options import check_distinct, check_folders, tactic_sources
from trtlab.cli.printing import READ, TerminalProgress
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.engine import inspector, plan_file
from trtlab.engine.engine import Engine, ShapeProfile, check_profile
from trtlab.report import trtexec_files
from trtlab.report.atomic_write import write_atomically
from trtlab.report.records import Report
from trtlab.runtime.api import ICudaEngine
from trtlab.session.requests import BuildRequest, RunRequest
from trtlab.session.sources import default_profile, open_source, taken_as_one
from trtlab.session.work import (
    BuildExtras,
    build_engine,
    check_measurable,
    describe,
    measure,
    random_inputs,
    run_shapes,
)
from trtlab.tactics import timing_cache


class Exec(Command):
    """Build and time an engine with trtexec's flags and report.

    trtlab exec --onnx=resnet50 --shapes=x:1x3x224x224 --saveEngine=resnet50.engine
    trtlab exec --loadEngine=resnet50.engine --dumpProfile
    """

    name: ClassVar[str] = "exec"
    missing: ClassVar[Mapping[str, str]] = MISSING
    instead: ClassVar[Mapping[str, str]] = INSTEAD

    def prepare(self, parser: ArgumentParser) -> None:
        """Declare trtexec's flags."""
        exec_options.declare(parser)

    def run(self, args: Namespace) -> int:
        """Build or load, run, report, export."""
        _check(args)
        if args.verbose:
            logging.basicConfig(level=logging.DEBUG)
        percents = exec_options.percentiles(args)
        request = _request(args)
        loaded_s = None
        if args.loadEngine is None:
            engine = _built(args)
        else:
            engine, loaded_s = _loaded(args)
        without = exec_options.GPU_ONLY if engine.device.kind == "cpu" else ()
        for name in (*exec_options.HINTS, *without):
            if getattr(args, name):
                print(f"--{name} is accepted and has no effect on this device")
        report = describe(engine)
        print(exec_report.device_block(report))
        print(exec_report.build_block(report, loaded_s, engine.created))
        if args.dumpLayerInfo:
            print(inspector.engine_text(engine, report.layers, as_json=False))
        if not args.skipInference:
            report = _measure(engine, request, args, percents)
        _export(report, args)
        return 0


def _check(args: Namespace) -> None:
    """Find out before the work what stands against it.

    Raises:
        UsageError: Flags contradict each other, or a result could not be written.
        UnsupportedError: What is asked for is not there.
    """
    if args.infStreams != 1:
        raise UnsupportedError(
            f"--infStreams={args.infStreams}: one stream of inferences is supported",
            hint="start several processes to load the machine",
        )
    if not args.skipInference:
        check_measurable(args.device)
    if args.skipInference and (args.exportTimes or args.exportProfile):
        raise UsageError("--exportTimes and --exportProfile need an inference run")
    written = {f"--{name}": getattr(args, name) for name in exec_options.WRITTEN}
    check_folders(*written.values())
    if args.loadEngine is None:
        check_distinct(Path(args.onnx), {**written, "--timingCacheFile": args.timingCacheFile})
    else:
        check_distinct(args.loadEngine, {**written, "--saveEngine": None})


def _loaded(args: Namespace) -> tuple[Engine, float]:
    """The engine, and the seconds that reading it took."""
    started = perf_counter()
    engine = plan_file.load(args.loadEngine)
    loaded_s = perf_counter() - started
    if not args.skipInference:
        check_run(engine.network.inputs, engine.profiles[0], args)
    idle = exec_options.without_effect_on_engines(args)
    if args.device.partition(":")[0] not in {"cpu", engine.device.kind}:
        idle.append(f"--device={args.device}")
    if idle:
        print(f"No effect on a loaded engine: {', '.join(idle)}")
    if args.saveEngine is not None:
        copied = write_atomically(args.saveEngine, args.loadEngine.read_bytes())
        print(f"Engine saved to {copied}")
    return engine, loaded_s


def _built(args: Namespace) -> Engine:
    own_types = exec_options.strongly_typed(args)
    memory_pools_bytes = exec_options.pools(args)
    if args.timingCacheFile is not None:
        timing_cache.read_file(args.timingCacheFile)  # before the model is
    progress = TerminalProgress()
    progress.phase_start(READ, None, 1)
    try:
        parsed = open_source(args.onnx, seed=args.seed)
    finally:
        progress.phase_finish(READ)
    network = with_io_formats(parsed.network, args.inputIOFormats, args.outputIOFormats)
    parsed = replace(parsed, network=network)
    parsed.network.strongly_typed = own_types
    source, given = parsed.model_record.source, exec_options.profiles(args)
    profiles = {**default_profile(parsed.network, source).inputs, **given}
    for sentence in taken_as_one(parsed.model_record.inputs, source, given):
        print(sentence)
    if not args.skipInference:
        profile = check_profile(parsed.network, ShapeProfile(profiles))
        check_run(parsed.network.inputs, profile, args)
    request = BuildRequest(
        source=source,
        device=args.device,
        precision=exec_options.precision(args),
        layer_precisions=by_layer(parsed.network, args.layerPrecisions),
        profiles=profiles,
        max_aux_streams=args.maxAuxStreams,
        memory_pools_bytes=memory_pools_bytes,
        tactic_sources=tactic_sources(args.tacticSources, args.device),
        optimization_level=args.builderOptimizationLevel,
    )
    extras = BuildExtras(
        constraints=args.precisionConstraints,
        tf32=not args.noTF32,
        timing_cache=args.timingCacheFile,
        use_timing_cache=not args.noBuilderCache,
        timing_iterations=args.avgTiming,
        verbosity=args.profilingVerbosity,
    )
    try:
        engine = build_engine(request, progress, parsed, extras)
    finally:
        progress.phase_finish("")  # an error begins on a line of its own
    if args.saveEngine is not None:
        print(f"Engine saved to {plan_file.save(engine, args.saveEngine)}")
    return engine


def _request(args: Namespace) -> RunRequest:
    return RunRequest(
        shapes=args.shapes,
        duration_s=args.duration,
        warmup_ms=args.warmUp,
        iterations=args.iterations,
        transfers=not args.noDataTransfers,
        idle_ms=args.idleTime,
        cuda_graphs=not args.noCudaGraph,
        spin_wait=not args.noSpinWait,
    )


def _measure(
    engine: Engine, request: RunRequest, args: Namespace, percents: tuple[float, ...]
) -> Report:
    with TerminalProgress() as progress:
        shapes = run_shapes(engine, args.shapes)
        inputs = load_inputs(engine, shapes, args.loadInputs)
        report = measure(engine, request, inputs=inputs, progress=progress.measured)
    if report.benchmark is not None:
        print(exec_report.trace_block(report.benchmark, args.avgRuns, report.device.kind))
        print(exec_report.summary_block(report, report.benchmark, percents))
    if args.dumpProfile:
        print(exec_report.profile_block(report))
    if args.dumpOutput or args.exportOutput:
        _outputs(engine, args)
    return report


def _outputs(engine: Engine, args: Namespace) -> None:
    shapes = run_shapes(engine, args.shapes)
    inputs = load_inputs(engine, shapes, args.loadInputs) or random_inputs(engine, shapes)
    outputs = ICudaEngine(engine).create_execution_context().infer(inputs)
    if args.dumpOutput:
        for name, array in outputs.items():
            print(f"{name}: {array.shape}\n{array}")
    if args.exportOutput is not None:
        rows = [
            {
                "name": n,
                "dimensions": "x".join(map(str, a.shape)),
                "values": a.ravel().tolist(),
            }
            for n, a in outputs.items()
        ]
        print(write_atomically(args.exportOutput, json.dumps(rows).encode()))


def _export(report: Report, args: Namespace) -> None:
    targets: list[tuple[Path | None, object]] = [
        (args.exportTimes, trtexec_files.export_times),
        (args.exportProfile, trtexec_files.export_profile),
        (args.exportLayerInfo, trtexec_files.export_layer_info),
    ]
    for path, export in targets:
        if path is not None and callable(export):
            print(f"Exported {export(report, path)}")
