"""trtlab against torch.compile and ONNX Runtime on one GPU: FP16, replayed from CUDA graphs.

    python benchmarks/gpu_peers.py [--cases resnet50:1 bert_base:32 ...] [--json FILE]

All run the same weights on the same random inputs in one process, in turns: the zoo's parameters
are loaded into torchvision's ResNet-50 and MobileNet-v2, timm's ViT-B/16 and transformers' BERT;
ONNX Runtime gets the zoo's model, converted to FP16. Times are medians of GPU time between two
events around a replay, for ONNX Runtime around ten, which spares it the host's work. Layers are
timed in the same turns, because clocks move under load. BERT's torch peer is given token ids
alone, which spares it the mask; the others get a mask of ones. Models of convolutions run in
ONNX Runtime with channels first and last; the faster one counts.

Columns: `floor` is the larger of operations and of bytes (every layer's operands once) over
the peaks measured on this GPU; `layers` the sum of the layers' times; `MB` what activations
and scratch need at their peak: not inputs, weights or the outputs that the caller binds (torch's
allocates them itself: those that are there at its peak count); `enqueue` what the host spends in
one execute_async_v3; `differ` the relative difference of the two outputs. The second table
tells what layers take beyond their own floors, by type, and what passes between layers. FILE
also holds each case's slowest layers with what competed there.
"""

import argparse
import json
import statistics
import sys
from math import exp, log
from pathlib import Path

import cupy
import numpy as np
import torch
from peer_onnxruntime import OnnxRuntimePeer, unavailable, version
from peer_torch import TorchPeer
from peer_trtlab import Ours

from trtlab import zoo

CASES = (
    "resnet50:1", "resnet50:32", "resnet50:128", "bert_base:1", "bert_base:32",
    "vit_b16:1", "vit_b16:32", "mobilenet_v2:1", "mobilenet_v2:32",
)  # fmt: skip
CONVOLVING = {"resnet50", "mobilenet_v2"}
REPLAYS, STAMPED, ROUNDS = 30, 3, 7
MOST_DIFFERENT = 0.1  # beyond this two do not compute the same
LEAST_SHOWN_MS = 0.0005
Feeds = dict[str, np.ndarray]
Row = dict[str, float | str | list[object] | dict[str, float]]


def compare(case: str, *, with_onnxruntime: bool) -> Row:
    """One row of the table."""
    name, batch = case.split(":")
    feeds = _inputs(name, int(batch))
    ours, peer = Ours(name, feeds), TorchPeer(name, feeds)
    others: list[OnnxRuntimePeer] = []
    if with_onnxruntime:
        layouts = (False, True) if name in CONVOLVING else (False,)
        others = [OnnxRuntimePeer(name, feeds, channels_last=last) for last in layouts]
    mine: list[float] = []
    theirs: list[float] = []
    further: list[list[float]] = [[] for _ in others]
    stamped: list[np.ndarray] = []
    for _ in range(ROUNDS):  # in turns, so that clocks move all alike
        mine += ours.replay_us(REPLAYS)
        theirs += peer.replay_us(REPLAYS)
        for number, other in enumerate(others):
            further[number] += other.replay_us(REPLAYS)
        stamped += ours.layers_us(STAMPED)
    trtlab_us, torch_us = statistics.median(mine), statistics.median(theirs)
    layers_us = np.median(stamped, axis=0)
    above_us = ours.above_floor_us(layers_us)
    above_us["gaps"] = trtlab_us - float(layers_us.sum())
    row: Row = {
        "case": case,
        "trtlab_ms": trtlab_us / 1e3,
        "torch_compile_ms": torch_us / 1e3,
        "ratio": torch_us / trtlab_us,
        "floor_ms": ours.floor_us() / 1e3,
        "layers_ms": float(layers_us.sum()) / 1e3,
        "trtlab_mb": ours.activation_bytes / 1e6,
        "torch_mb": peer.activation_bytes / 1e6,
        "enqueue_us": ours.enqueue_us(),
        "differ": _difference(ours.output(), peer.output()),
        "build_s": ours.engine.build.seconds,
        "above_floor_ms": {kind: us / 1e3 for kind, us in above_us.items()},
        "slowest": ours.slowest(layers_us),
        "warnings": list(ours.engine.build.warnings),
    }
    if others:
        medians = [statistics.median(times) for times in further]
        best = int(np.argmin(medians))
        row["onnxruntime_ms"] = medians[best] / 1e3
        row["onnxruntime_ratio"] = medians[best] / trtlab_us
        row["onnxruntime_layout"] = "channels " + ("first", "last")[best]
        row["onnxruntime_waits"] = float(others[best].waits())
        row["onnxruntime_differ"] = _difference(ours.output(), others[best].output())
    return row


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def _inputs(name: str, batch: int) -> Feeds:
    rng = np.random.default_rng(0)
    feeds: Feeds = {}
    for entry in zoo.info(name).inputs:
        shape = (batch, *entry.opt_shape[1:])
        if entry.kind == "values":
            feeds[entry.name] = rng.standard_normal(shape, np.float32)
        elif entry.kind == "mask":
            feeds[entry.name] = np.ones(shape, np.int64)
        elif entry.id_count > 2:
            feeds[entry.name] = rng.integers(0, entry.id_count, shape)
        else:
            feeds[entry.name] = np.zeros(shape, np.int64)  # what transformers assumes
    return feeds


COLUMNS = {  # heading: key, format
    "trtlab ms": ("trtlab_ms", ".3f"),
    "torch ms": ("torch_compile_ms", ".3f"),
    "ratio": ("ratio", ".2f"),
    "ORT ms": ("onnxruntime_ms", ".3f"),
    "ORT ratio": ("onnxruntime_ratio", ".2f"),
    "floor ms": ("floor_ms", ".3f"),
    "of floor": ("of_floor", ".0%"),
    "layers ms": ("layers_ms", ".3f"),
    "trtlab MB": ("trtlab_mb", ".1f"),
    "torch MB": ("torch_mb", ".1f"),
    "enqueue µs": ("enqueue_us", ".1f"),
    "differ": ("differ", ".1e"),
    "ORT's": ("onnxruntime_differ", ".1e"),
    "build s": ("build_s", ".1f"),
}


def table(rows: list[Row]) -> str:
    """The rows for people, the means last."""
    lines = [f"{'case':17}" + "".join(f"{h:>11}" for h in COLUMNS)]
    for row in rows:
        values = row | {"of_floor": float(row["floor_ms"]) / float(row["trtlab_ms"])}
        cells = [format(values[k], f) if k in values else "–" for k, f in COLUMNS.values()]
        lines.append(f"{row['case']:17}" + "".join(f"{c:>11}" for c in cells))
    lines.append(f"geometric mean of torch.compile's ratios: {mean_ratio(rows, 'ratio'):.3f}")
    found = [r for r in rows if "onnxruntime_ratio" in r]
    if found:
        mean = mean_ratio(found, "onnxruntime_ratio")
        lines.append(f"geometric mean of ONNX Runtime's ratios:  {mean:.3f}")
    if any(r.get("onnxruntime_waits") for r in rows):
        lines.append("ONNX Runtime waited for its replays: its times include the gaps between")
    return "\n".join(lines)


def rest_table(rows: list[Row]) -> str:
    """Where time beyond the layers' floors goes, in milliseconds."""
    lines = ["beyond the layers' own floors, ms"]
    for row in rows:
        above = row["above_floor_ms"]
        assert isinstance(above, dict)
        shown = [f"{k} {v:.3f}" for k, v in above.items() if abs(v) >= LEAST_SHOWN_MS]
        lines.append(f"{row['case']:17} {', '.join(shown)}")
    return "\n".join(lines)


def mean_ratio(rows: list[Row], key: str) -> float:
    """Geometric mean."""
    return exp(sum(log(float(r[key])) for r in rows) / len(rows))


def _kept(rows: list[Row]) -> dict[str, object]:
    """What the JSON file holds."""
    kept: dict[str, object] = {
        "gpu": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "rows": rows,
        "geometric_mean": mean_ratio(rows, "ratio"),
    }
    found = [r for r in rows if "onnxruntime_ratio" in r]
    if found:
        kept["onnxruntime"] = version()
        kept["onnxruntime_geometric_mean"] = mean_ratio(found, "onnxruntime_ratio")
    return kept


def main() -> int:
    """Measure and print the tables; 1 when outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=CASES)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    missing = unavailable()
    if missing:
        print(f"without ONNX Runtime: {missing}")
    rows: list[Row] = []
    for case in args.cases:
        rows.append(compare(case, with_onnxruntime=missing is None))
        print(case, "measured", file=sys.stderr, flush=True)
        if args.json:  # after every case: what was measured is kept
            args.json.write_text(json.dumps(_kept(rows), indent=1))
        torch._dynamo.reset()  # noqa: SLF001 - the documented way to forget compiled code
        torch.cuda.empty_cache()
        cupy.get_default_memory_pool().free_all_blocks()
    print(torch.cuda.get_device_name(), "FP16, torch", torch.__version__)
    print(table(rows))
    print(rest_table(rows))
    keys = ("differ", "onnxruntime_differ")
    return int(any(float(r.get(k, 0)) > MOST_DIFFERENT for r in rows for k in keys))


if __name__ == "__main__":
    sys.exit(main())
