"""Record runs on this GPU as reports: what notebooks/05_gpu.ipynb opens where there is none.

    python benchmarks/record_gpu.py [FOLDER]      notebooks/recorded by default

Each run is one `trtlab profile` in a process of its own, and its report is kept as it was
written. BERT-base runs for half a minute, so that its telemetry shows the GPU under load.
"""

import subprocess
import sys
from pathlib import Path

from trtlab.report.codec import load
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
    """Run one of `RUNS`; the report's file."""
    model, shapes, seconds = RUNS[name]
    path = folder / f"{name}.json.gz"
    command = (
        f"profile {model} --device cuda --precision fp16 --shapes {shapes} "
        f"--duration {seconds} --json"
    )
    subprocess.run(
        [sys.executable, "-m", "trtlab.cli.main", *command.split(), str(path)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return path


def summary(path: Path, report: Report) -> str:
    """One line: times, the rule of sums, and what layers say of themselves."""
    assert report.benchmark is not None
    timed = [layer for layer in report.layers if layer.time_us.median]
    layers_ms = sum(layer.time_us.median or 0.0 for layer in timed) / 1e3
    parts = report.reconciliation_ms
    plain_ms = parts["layers"] + parts["gaps"] + parts["unexplained"]  # in turns with layers
    named = sum(bool(layer.kernels) for layer in timed)
    peaks = report.device.peak_flops_per_s
    return (
        f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, "
        f"compute {report.benchmark.compute_ms.median:.3f} ms, "
        f"latency {report.benchmark.latency_ms.median:.3f} ms, "
        f"layers {layers_ms:.3f} ms ({100 * (layers_ms / plain_ms - 1):+.1f} %), "
        f"{len(timed)} layers, {named} with kernels, build {report.build.seconds:.1f} s, "
        f"peaks {', '.join(f'{k} {v / 1e12:.0f} TFLOP/s' for k, v in peaks.items())}, "
        f"{(report.device.peak_bytes_per_s or 0) / 1e12:.2f} TB/s"
    )


def main() -> int:
    """Record all runs; 1 when a file is too large to be committed."""
    default = Path(__file__).parents[1] / "notebooks" / "recorded"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    paths = [record(name, folder) for name in RUNS]
    for path in paths:
        print(summary(path, load(path)))
    return int(any(path.stat().st_size > MOST_BYTES for path in paths))


if __name__ == "__main__":
    sys.exit(main())
