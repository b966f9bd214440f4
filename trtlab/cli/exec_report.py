"""trtexec's report: the same blocks, words and definitions."""

from collections.abc import Sequence
from statistics import fmean, median

from trtlab.cli.printing import table
from trtlab.report.percentile import percentile
from trtlab.report.precisions import precision_text
from trtlab.report.records import BenchmarkRecord, Report
from trtlab.report.which_run import BENCHMARK, PROFILED

_SHOWN = 200
# trtexec's names for the phases of a query; on the CPU the same without the GPU
_PHASES = {
    "cuda": ("Enqueue Time", "H2D Latency", "GPU Compute Time", "D2H Latency"),
    "cpu": ("Enqueue Time", "Copy In Time", "Compute Time", "Copy Out Time"),
}


def device_block(report: Report) -> str:
    """What it runs on."""
    device = report.device
    return "\n".join(
        [
            "=== Device Information ===",
            f"Selected Device: {device.name}",
            f"{'Threads' if device.kind == 'cpu' else 'SMs'}: {device.cores}",
            f"Instruction Set: {device.isa}",
            f"Memory: {device.memory_bytes // (1 << 20)} MiB",
        ]
    )


def build_block(report: Report, loaded_s: float | None = None, created: str = "") -> str:
    """What the build took, or the loading.

    Args:
        report: Of the build.
        loaded_s: Seconds that reading the engine took; None when it was built just now.
        created: When a loaded engine was built.
    """
    built_s = report.build.seconds
    origin = [f"Engine built in {built_s:.3f} sec."]
    if loaded_s is not None:
        origin = [
            f"Engine loaded in {loaded_s:.3f} sec.",
            f"It was built at {created or 'an unknown time'}, which took {built_s:.3f} sec.",
        ]
    return "\n".join(
        [
            "=== Build ===" if loaded_s is None else "=== Engine ===",
            *origin,
            f"Weights: {report.memory.weights_bytes / (1 << 20):.3f} MiB",
            f"Device memory for the context: {report.memory.arena_bytes / (1 << 20):.3f} MiB",
            f"Precision: {precision_text(report.config, report.layers)}",
        ]
    )


def phase_times_ms(benchmark: BenchmarkRecord, device: str) -> dict[str, list[float]]:
    """Samples of every phase, by the name that it has on a kind of device."""
    samples = {"Latency": list(benchmark.samples_ms)}
    phases = benchmark.phases
    if phases is None:
        return samples
    spans = (
        (phases.enqueue_start_ns, phases.enqueue_end_ns),
        (phases.h2d_start_ns, phases.h2d_end_ns),
        (phases.compute_start_ns, phases.compute_end_ns),
        (phases.d2h_start_ns, phases.d2h_end_ns),
    )
    for name, (starts, ends) in zip(_PHASES[device], spans, strict=True):
        samples[name] = [(end - start) / 1e6 for start, end in zip(starts, ends, strict=True)]
    return samples


def trace_block(benchmark: BenchmarkRecord, runs: int, device: str) -> str:
    """Averages of so many runs a line; only the first and last lines of a long trace."""
    times = phase_times_ms(benchmark, device)
    enqueue, _, compute, _ = (times.get(name, []) for name in _PHASES[device])
    where = "GPU" if device == "cuda" else "Compute"
    lines = [
        "=== Trace details ===",
        f"Trace averages of {runs} runs:",
    ]
    rows: list[str] = []
    for start in range(0, len(benchmark.samples_ms) - runs + 1, max(runs, 1)):
        part = slice(start, start + runs)
        rows.append(
            f"Average on {runs} runs - {where} latency: {_mean(compute[part])} ms - "
            f"Host latency: {_mean(benchmark.samples_ms[part])} ms "
            f"(enqueue {_mean(enqueue[part])} ms)"
        )
    if len(rows) > 2 * _SHOWN:
        rows = [*rows[:_SHOWN], "...", *rows[-_SHOWN:]]
    return "\n".join([*lines, *rows])


def bindings(report: Report, benchmark: BenchmarkRecord) -> list[str]:
    """Inputs and outputs with the shapes that were run, in trtexec's words."""
    computed = {t.name: t.shape for layer in report.layers for t in layer.outputs}
    shapes = {"Input": dict[str, Sequence[int | str]](benchmark.shapes), "Output": {}}
    for tensor in report.model.outputs:
        shapes["Output"][tensor.name] = computed.get(tensor.name, tensor.shape)
    return [
        f"{kind} binding for {name} with dimensions {'x'.join(map(str, shape)) or 'scalar'}"
        for kind, tensors in shapes.items()
        for name, shape in tensors.items()
    ]


def summary_block(
    report: Report, benchmark: BenchmarkRecord, percents: Sequence[float]
) -> str:
    """Shapes, throughput and the distribution of every phase."""
    device = report.device.kind
    lines = [
        "=== Performance summary ===",
        BENCHMARK.capitalize(),
        *bindings(report, benchmark),
        f"Precision: {precision_text(report.config, report.layers)}",
        f"Throughput: {benchmark.throughput_qps:g} qps",
    ]
    times = phase_times_ms(benchmark, device)
    for name, samples in times.items():
        if not samples:
            continue
        ascending = sorted(samples)
        shown = ", ".join(
            f"percentile({p:g}%) = {percentile(ascending, p):g} ms" for p in percents
        )
        lines.append(
            f"{name}: min = {ascending[0]:g} ms, max = {ascending[-1]:g} ms, "
            f"mean = {fmean(samples):g} ms, median = {median(samples):g} ms, {shown}"
        )
    lines.append(f"Total Host Walltime: {benchmark.wall_seconds:g} s")
    _, _, name, _ = _PHASES[device]
    if compute := times.get(name):
        lines.append(f"Total {name}: {sum(compute) / 1e3:g} s")
    return "\n".join([*lines, *(f"* {verdict}" for verdict in benchmark.verdicts)])


def profile_block(report: Report) -> str:
    """Every layer's time."""
    layers = [layer for layer in report.layers if layer.time_us.samples]
    count = max((len(layer.time_us.samples) for layer in layers), default=0)
    total_ms = sum(sum(layer.time_us.samples) for layer in layers) / 1e3
    rows: list[list[str]] = []
    for layer in layers:
        time_ms = sum(layer.time_us.samples) / 1e3
        rows.append(
            [
                layer.name,
                f"{time_ms:.2f}",
                f"{time_ms / max(count, 1):.4f}",
                f"{(layer.time_us.median or 0.0) / 1e3:.4f}",
                f"{100 * time_ms / total_ms if total_ms else 0:.1f}",
            ]
        )
    rows.append(
        ["Total", f"{total_ms:.2f}", f"{total_ms / max(count, 1):.4f}",
         f"{sum(layer.time_us.median or 0.0 for layer in layers) / 1e3:.4f}", "100.0"]
    )  # fmt: skip
    head = ("Layer", "Time(ms)", "Avg.(ms)", "Median(ms)", "Time(%)")
    return (
        f"=== Profile ({count} iterations) ===\n{PROFILED.capitalize()}\n{table(head, rows)}"
    )


def _mean(samples: Sequence[float]) -> str:
    return f"{fmean(samples):g}" if samples else "N/A"
