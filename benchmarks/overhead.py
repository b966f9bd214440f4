"""What watching costs: the profiler's and the sensors' share of a latency, and first starts.

    python benchmarks/overhead.py                       mobilenet_v2 and resnet50
    python benchmarks/overhead.py bert_base --seconds 20

Watched and plain inferences take turns in blocks within one process; watched means a time
stamp around every layer and a thread that reads all sensors, as in `trtlab profile`. A median
would hide what hits few inferences, so throughput is compared too. The noise is the same
comparison of plain blocks with the plain blocks after them.

Starts and builds run in processes of their own with an empty cache folder (timing cache and
measured peaks); compiled kernels stay, as after the first model on a machine.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from trtlab.core.settings import settings
from trtlab.devices.open import open_device
from trtlab.profiling.engine_target import EngineTarget
from trtlab.profiling.query import Runner
from trtlab.profiling.statistics import median_interval
from trtlab.profiling.telemetry.sampler import TelemetrySampler
from trtlab.runtime.devices import open_runtime
from trtlab.runtime.loaded import LoadedEngine
from trtlab.session.one_call import build
from trtlab.session.work import run_shapes

# What must hold: watching costs at most so much, a first report and an import of the package take
# at most so long, and a second build is at least so many times as fast.
LIMIT_OVERHEAD = 0.02
LIMIT_START_S = 10.0
LIMIT_IMPORT_S = 0.3
LEAST_SPEEDUP = 3.0
BLOCK_S = 0.15  # three samples of the sensors; short, so that a pair sees the same machine


@dataclass(frozen=True, slots=True)
class Block:
    """Some inferences in a row: median latency, and inferences a second."""

    latency_ms: float
    throughput_qps: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median of ratios, and the interval that holds it with 95 % confidence."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.4f} [{self.low:.4f}, {self.high:.4f}]"


def ratio(numbers: Sequence[float]) -> Ratio:
    """Summarize the ratios of pairs."""
    return Ratio(median(numbers), *median_interval(numbers))


def run_block(runner: Runner, seconds: float) -> Block:
    """Run for so long; the first inference, which finds caches as the other left them, warms."""
    runner.run(lambda begun, _: begun >= 1)
    queries = runner.run(lambda begun, spent: begun >= 3 and spent >= seconds)
    wall_s = (queries[-1].host.end_ns - queries[0].host.start_ns) / 1e9
    return Block(median(q.latency_ns / 1e6 for q in queries), len(queries) / wall_s)


def watched_block(runner: Runner, seconds: float) -> Block:
    """The same while the sensors are read."""
    with TelemetrySampler():
        return run_block(runner, seconds)


def measure_overhead(name: str, seconds: float) -> bool:
    """Print one model's row; whether watching it costs less than the limit."""
    engine = build(name).engine
    device, registry = open_runtime("cpu")
    target = EngineTarget(LoadedEngine(engine, device, registry), run_shapes(engine, {}))
    plain, stamped = Runner(target), Runner(target, profiled=True)
    run_block(plain, 1.0)
    without: list[Block] = []
    watched: list[Block] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds or len(without) < 10:
        if len(without) % 2:  # who goes first takes turns as well
            watched.append(watched_block(stamped, BLOCK_S))
            without.append(run_block(plain, BLOCK_S))
        else:
            without.append(run_block(plain, BLOCK_S))
            watched.append(watched_block(stamped, BLOCK_S))
    pairs = list(zip(watched, without, strict=True))
    latency = ratio([w.latency_ms / p.latency_ms for w, p in pairs])
    throughput = ratio([p.throughput_qps / w.throughput_qps for w, p in pairs])
    noise = ratio([b.latency_ms / a.latency_ms for a, b in pairwise(without)])
    print(f"{name:18}{median(p.latency_ms for p in without):10.3f}"
          f"{median(w.latency_ms for w in watched):10.3f}  {latency}  {throughput}  {noise}"
          f"{len(pairs):5}", flush=True)  # fmt: skip
    return latency.middle < 1 + LIMIT_OVERHEAD


def in_process(words: Sequence[str], cache: str) -> tuple[float, str]:
    """Wall time of a process with that cache folder, and what it printed."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "TRTLAB_CACHE_DIR": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    return time.monotonic() - began, done.stdout


def measure_start(name: str) -> bool:
    """Print how long a first report takes; whether that is short enough."""
    words = ["-m", "trtlab.cli.main", "profile", name]
    took: list[float] = []
    for _ in range(4):  # the first one may still have kernels to compile
        with TemporaryDirectory() as cache:
            took.append(in_process(words, cache)[0])
    best, worst = min(took[1:]), max(took[1:])
    print(f"first `trtlab profile {name}`: {median(took[1:]):.1f} s ({best:.1f} to {worst:.1f}; "
          f"3 s of it are the measurement)", flush=True)  # fmt: skip
    return median(took[1:]) < LIMIT_START_S


def measure_import() -> bool:
    """Print how long an import of the package takes; whether that is short enough."""
    code = (
        "import time; t = time.perf_counter(); import trtlab; print(time.perf_counter() - t)"
    )
    took = [float(in_process(["-c", code], "")[1]) for _ in range(7)]
    print(
        f"import trtlab: {median(took):.3f} s ({min(took):.3f} to {max(took):.3f})", flush=True
    )
    return median(took) < LIMIT_IMPORT_S


def measure_builds(name: str) -> bool:
    """Print a build's time without and with the timing cache; whether it gained enough."""
    words = [str(Path(__file__)), "--build", name]
    first: list[float] = []
    second: list[float] = []
    for _ in range(3):
        with TemporaryDirectory() as cache:
            first.append(float(in_process(words, cache)[1]))
            second.append(float(in_process(words, cache)[1]))
    gains = [a / b for a, b in zip(first, second, strict=True)]
    print(f"build of {name}: {median(first):.2f} s, with the timing cache {median(second):.2f} s, "
          f"{median(gains):.1f} times as fast ({min(gains):.1f} to {max(gains):.1f})",
          flush=True)  # fmt: skip
    return median(gains) >= LEAST_SPEEDUP


def main() -> int:
    """Measure and print; the exit code says whether everything kept its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=["mobilenet_v2", "resnet50"])
    parser.add_argument(
        "--seconds", type=float, default=16.0, help="for each model's overhead"
    )
    parser.add_argument("--build", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.build:
        print(build(args.build).engine.build.seconds)
        return 0
    device = open_device("cpu").record()
    print(f"{device.name}, {settings().cpu_threads} threads, {device.isa}, fp32, batch 1\n")
    print(f"{'model':18}{'plain ms':>10}{'watched':>10}  {'latency ratio':24}"
          f"  {'throughput ratio':24}  {'noise':24}{'n':>5}")  # fmt: skip
    kept = [measure_overhead(name, args.seconds) for name in args.models]
    print()
    kept += [measure_import(), measure_start(args.models[0])]
    kept += [measure_builds(name) for name in args.models]
    verdict = "kept" if all(kept) else "NOT KEPT"
    print(f"\nlimits: overhead {LIMIT_OVERHEAD:.0%}, first report {LIMIT_START_S:g} s, "
          f"import {LIMIT_IMPORT_S:g} s, "
          f"second build {LEAST_SPEEDUP:g} times as fast: {verdict}")  # fmt: skip
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
