"""trtlab against torch.compile and ONNX Runtime on one GPU: FP16, replayed from CUDA graphs.

    python benchmarks/gpu_peers.py [--cases resnet50:1 bert_base:32 ...] [--json FILE]

All run the same weights on the same random inputs in one process, in turns: the zoo's parameters
are loaded into torchvision's ResNet-50 and MobileNet-v2, timm's ViT-B/16 and transformers' BERT;
ONNX Runtime gets the zoo's model, converted to FP16. Times are medians of GPU time between two
events around a replay, for ONNX Runtime around ten, which spares it the host's work. Layers are
timed in the same turns, because clocks move under load. BERT's torch peer is given token ids
alone, which spares it the mask; the others get a mask of ones. Models of convolutions run in
ONNX Runtime with channels first and last; the faster one counts.

Columns: `±` is half the distance between a time's quartiles over all replays, in per cent of its
median, `±t` torch's; `SM MHz` the median of NVML's SM clock, read after every turn while replays
run; `floor` the larger of operations and of bytes (every layer's operands once) over the peaks
measured on this GPU; `layers` the sum of the layers' times, and its share of the plain replays
right before and behind; `MB` what activations and scratch need at their peak: not inputs,
weights or the outputs that the caller binds (torch's allocates them itself: those that are there
at its peak count); `enqueue` what the host spends in one execute_async_v3; `differ` the relative
difference of the two outputs; `build s` our build, `timed` and `cached` how many times of
tactics it measured and found in the timing cache: TRTLAB_CACHE_DIR=$(mktemp -d) makes builds
cold. The second table tells what layers take beyond their own floors, by type, and what a replay
takes beyond its layers: at a graph's begin and end, and the rest. FILE also holds the quartiles,
every reading of the clock, and each case's slowest layers with what competed there.
`python benchmarks/peer_table.py FILE` makes the README's table of it.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import cupy
import numpy as np
import torch
from peer_onnxruntime import OnnxRuntimePeer, unavailable, version
from peer_table import Row, mean_ratio, rest_table, table
from peer_torch import TorchPeer
from peer_trtlab import Ours, Stamped

from trtlab import zoo
from trtlab.report.contests import timed_in

CASES = (
    "resnet50:1", "resnet50:32", "resnet50:128", "bert_base:1", "bert_base:32",
    "vit_b16:1", "vit_b16:32", "mobilenet_v2:1", "mobilenet_v2:32",
)  # fmt: skip
CONVOLVING = {"resnet50", "mobilenet_v2"}
REPLAYS, STAMPED, ROUNDS, CLOCKED = 30, 3, 7, 5
MOST_DIFFERENT = 0.1  # beyond this two do not compute the same
Feeds = dict[str, np.ndarray]


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
    stamped: list[Stamped] = []
    clocks_mhz: list[object] = []
    for _ in range(ROUNDS):  # in turns, so that clocks move all alike
        mine += ours.replay_us(REPLAYS)
        clocks_mhz += _clock_mhz(ours)
        theirs += peer.replay_us(REPLAYS)
        for number, other in enumerate(others):
            further[number] += other.replay_us(REPLAYS)
        stamped += ours.stamped(STAMPED)
    trtlab_us, torch_us = statistics.median(mine), statistics.median(theirs)
    layers_us = np.median([run.layers_us for run in stamped], axis=0)
    above_us = ours.above_floor_us(layers_us)
    above_us["begin and end"] = statistics.median(run.edges_us for run in stamped)
    above_us["rest"] = statistics.median(
        run.beside_us - float(run.layers_us.sum()) - run.edges_us for run in stamped
    )
    row: Row = {
        "case": case,
        "trtlab_ms": trtlab_us / 1e3,
        "torch_compile_ms": torch_us / 1e3,
        "ratio": torch_us / trtlab_us,
        "floor_ms": ours.floor_us() / 1e3,
        "layers_ms": float(layers_us.sum()) / 1e3,
        "of_replay": statistics.median(
            float(run.layers_us.sum()) / run.beside_us for run in stamped
        ),
        "trtlab_mb": ours.activation_bytes / 1e6,
        "torch_mb": peer.activation_bytes / 1e6,
        "enqueue_us": ours.enqueue_us(),
        "differ": _difference(ours.output(), peer.output()),
        "build_s": ours.engine.build.seconds,
        "above_floor_ms": {kind: us / 1e3 for kind, us in above_us.items()},
        "times_here": timed_in(ours.engine.build).here,
        "times_from_cache": timed_in(ours.engine.build).cached,
        **_spread("trtlab", mine),
        **_spread("torch", theirs),
        "sm_clocks_mhz": clocks_mhz,
        "slowest": ours.slowest(layers_us),
        "warnings": list(ours.engine.build.warnings),
    }
    if clocks_mhz:
        row["sm_clock_mhz"] = float(np.median(clocks_mhz))
    if others:
        medians = [statistics.median(times) for times in further]
        best = int(np.argmin(medians))
        row["onnxruntime_ms"] = medians[best] / 1e3
        row["onnxruntime_ratio"] = medians[best] / trtlab_us
        row["onnxruntime_layout"] = "channels " + ("first", "last")[best]
        row["onnxruntime_waits"] = float(others[best].waits())
        row["onnxruntime_differ"] = _difference(ours.output(), others[best].output())
    return row


def _clock_mhz(ours: Ours) -> list[float]:
    """NVML's SM clock while replays run; nothing where NVML does not tell it."""
    for _ in range(CLOCKED):
        ours.executable.run()
    try:
        return [float(torch.cuda.clock_rate())]
    except (ModuleNotFoundError, RuntimeError):
        return []
    finally:
        torch.cuda.synchronize()


def _spread(whose: str, times_us: list[float]) -> Row:
    """Quartiles, and half the distance between them as a share of the median."""
    low, middle, high = (float(q) for q in np.percentile(times_us, (25, 50, 75)))
    return {
        f"{whose}_quartiles_ms": [low / 1e3, high / 1e3],
        f"{whose}_spread": (high - low) / 2 / middle,
    }


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
