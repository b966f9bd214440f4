"""Record runs on this GPU as reports: what notebooks/05_gpu.ipynb opens where there is none.

    python benchmarks/record_gpu.py [FOLDER]      notebooks/recorded by default

Each run is one `trtlab profile` in a process of its own, and its report is kept as it was
written. Builds are cold, as a machine's first one is: each has an empty cache folder of its own,
so that no kernel is compiled, no candidate proven and no tactic timed before. BERT-base runs for
half a minute, so that its telemetry shows the GPU under load.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from trtlab.report.codec import load
from trtlab.report.contests import timed_in
from trtlab.report.latency_parts import replay_ms
from trtlab.report.records import Report

BERT_SHAPES = ",".join(
    f"{name}:32x128" for name in ("input_ids", "attention_mask", "token_type_ids")
)
RUNS = {  # name: model, shapes, seconds
    "resnet50-fp16-b32": ("resnet50", "x:32x3x224x224", 3),
    "bert_base-fp16-b32": ("bert_base", BERT_SHAPES, 31),
    "mobilenet_v2-fp16-b1": ("mobilenet_v2", "x:1x3x224x224", 1),
}
MOST_BYTES = 1_000_000


def record(name: str, folder: Path) -> Path:
    """Run one of `RUNS`, built cold; the report's file."""
    model, shapes, seconds = RUNS[name]
    path = folder / f"{name}.json.gz"
    command = (
        f"profile {model} --device cuda --precision fp16 --shapes {shapes} "
        f"--duration {seconds} --json"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
        subprocess.run(
            [sys.executable, "-m", "trtlab.cli.main", *command.split(), str(path)],
            check=True,
            env={**os.environ, "TRTLAB_CACHE_DIR": cache},
            stdout=subprocess.DEVNULL,
        )
    return path


def summary(path: Path, report: Report) -> str:
    """A few lines: times, what the layers add up to, the build, and the peaks."""
    replay = replay_ms(report)
    assert report.benchmark is not None
    assert replay is not None
    timed = [layer for layer in report.layers if layer.time_us.median]
    parts = report.reconciliation_ms
    layers_ms = parts["layers"]
    named = sum(bool(layer.kernels) for layer in timed)
    peaks = report.device.peak_flops_per_s
    compute, latency = report.benchmark.compute_ms, report.benchmark.latency_ms
    sums = f"{layers_ms:.3f} ms of a replay's {replay:.3f} ms"
    rates = [f"{name} {rate / 1e12:.0f} TFLOP/s" for name, rate in peaks.items()]
    lines = (
        f"{path.name}: {path.stat().st_size / 1e3:.0f} kB",
        f"compute {compute.median:.3f} ms, latency {latency.median:.3f} ms",
        f"{len(timed)} layers, {named} with kernels: {sums} ({100 * layers_ms / replay:.1f} %)",
        ", ".join(f"{part} {1e3 * ms:.1f} µs" for part, ms in parts.items()),
        f"built in {report.build.seconds:.1f} s, {timed_in(report.build)}",
        ", ".join(
            ["peaks", *rates, f"{(report.device.peak_bytes_per_s or 0) / 1e12:.2f} TB/s"]
        ),
    )
    return "\n    ".join(lines)


def main() -> int:
    """Record all runs; 1 when a file is too large to be committed, or a build was not cold."""
    default = Path(__file__).parents[1] / "notebooks" / "recorded"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in RUNS:
        path = record(name, folder)
        report = load(path)
        print(summary(path, report), flush=True)
        warm = timed_in(report.build).cached
        if warm:
            print(f"    {warm} times of tactics are from a timing cache: not a cold build")
        failed |= bool(warm) or path.stat().st_size > MOST_BYTES
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
