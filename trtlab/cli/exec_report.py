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


def build_block(report: Report) -> str:
    """What the build took."""
    return "\n".join(
        [
            "=== Build ===",
            f"Engine built in {report.build.seconds:.3f} sec.",
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


def summary_block(benchmark: BenchmarkRecord, percents: Sequence[float], device: str) -> str:
    """Throughput and the distribution of every phase."""
    lines = [
        "=== Performance summary ===",
        BENCHMARK.capitalize(),
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
