"""trtlab's CPU device against ONNX Runtime: same models, weights, inputs and threads.

    python benchmarks/cpu_vs_onnxruntime.py                     all 17 models
    python benchmarks/cpu_vs_onnxruntime.py resnet50 --seconds 5

The two take turns (A B A B …) within one process, each on its own worker threads, so a slow
spell of the machine meets both. Reported are medians, the ratio ONNX Runtime ÷ trtlab (above 1:
trtlab is faster), the relative error of trtlab's outputs, peak memory in processes of their
own, and the geometric mean of the ratios.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import onnx
import onnxruntime as ort

from trtlab import zoo
from trtlab.core.settings import settings
from trtlab.devices.open import open_device
from trtlab.session.one_call import build

LIGHT = tuple(f"light:{name}" for name in zoo.light_names())


def load_model(name: str) -> onnx.ModelProto:
    """A zoo or light model."""
    return (
        zoo.light(name.removeprefix("light:"))
        if name.startswith("light:")
        else zoo.build(name)
    )


def make_inputs(name: str, model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Seeded random inputs at the zoo's own shapes (batch 1)."""
    if not name.startswith("light:"):
        return zoo.random_inputs(name)
    weights = {tensor.name for tensor in model.graph.initializer}
    rng = np.random.default_rng(0)
    return {
        value.name: rng.standard_normal(
            [d.dim_value for d in value.type.tensor_type.shape.dim], np.float32
        )
        for value in model.graph.input
        if value.name not in weights
    }


def peer(
    model: onnx.ModelProto, inputs: dict[str, np.ndarray]
) -> Callable[[], list[np.ndarray]]:
    """One inference in ONNX Runtime, all optimizations on, spinning only while it runs."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings().cpu_threads
    options.inter_op_num_threads = 1
    # Its threads would otherwise keep spinning into our turn.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, inputs)


def ours(
    name: str, inputs: dict[str, np.ndarray]
) -> tuple[Callable[[], None], Callable[[], dict]]:
    """One inference in trtlab on bound memory, and the same with its outputs copied out."""
    engine = build(name, shapes=_dynamic(name, inputs))
    context = engine.create_execution_context()
    context.infer(inputs)
    device = open_device("cpu")
    held = []
    for key in engine:
        is_input = key in inputs
        dtype = engine.get_tensor_dtype(key).numpy
        shape = context.get_tensor_shape(key)
        array = inputs[key] if is_input else np.empty(shape, dtype)
        memory = device.hold(np.ascontiguousarray(array))
        held.append(memory)
        context.set_tensor_address(key, memory.address)

    def once() -> None:
        assert held
        context.execute_async_v3(0)

    return once, lambda: engine.create_execution_context().infer(inputs)


def _dynamic(name: str, inputs: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {} if name.startswith("light:") else {k: v.shape for k, v in inputs.items()}


def take_turns(
    first: Callable[[], object], second: Callable[[], object], seconds: float
) -> tuple[float, float, int]:
    """Medians in milliseconds of two callables that alternate in short blocks."""
    for fn in (first, second):
        warm = time.perf_counter()
        while time.perf_counter() - warm < 0.3:
            fn()
    samples: tuple[list[float], list[float]] = ([], [])
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or len(samples[0]) < 5:
        for fn, mine in zip((first, second), samples, strict=True):
            fn()  # what the other one left in the caches is not this one's time
            for _ in range(3):
                start = time.perf_counter_ns()
                fn()
                mine.append((time.perf_counter_ns() - start) / 1e6)
    return median(samples[0]), median(samples[1]), len(samples[0])


def peak_bytes(name: str, who: str) -> int:
    """Most memory that a process of its own needs to load and run the model."""
    words = [sys.executable, __file__, "--peak", who, name]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def run_for_peak(who: str, name: str) -> None:
    """What `peak_bytes` runs: resident memory after some inferences."""
    model = load_model(name)
    inputs = make_inputs(name, model)
    if who == "ort":
        once = peer(model, inputs)
    else:
        once, _ = ours(name, inputs)
    del model
    for _ in range(3):
        once()
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    print(resident * 1024)


def compare(name: str, seconds: float, *, memory: bool) -> dict[str, float | str | int]:
    """One row of the table."""
    model = load_model(name)
    inputs = make_inputs(name, model)
    reference = peer(model, inputs)
    began = time.perf_counter()
    once, outputs = ours(name, inputs)
    build_s = time.perf_counter() - began
    got, wanted = outputs(), reference()
    error = max(
        float(np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b.astype(np.float64)))
        for a, b in zip(got.values(), wanted, strict=True)
    )
    theirs_ms, ours_ms, count = take_turns(reference, once, seconds)
    row: dict[str, float | str | int] = {
        "model": name, "onnxruntime_ms": theirs_ms, "trtlab_ms": ours_ms,
        "ratio": theirs_ms / ours_ms, "error": error, "samples": count, "build_s": build_s,
    }  # fmt: skip
    if memory:
        row["memory_ratio"] = peak_bytes(name, "trtlab") / peak_bytes(name, "ort")
    return row


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=[*LIGHT, *zoo.names()])
    parser.add_argument("--seconds", type=float, default=4.0, help="for each model")
    parser.add_argument("--memory", action="store_true", help="compare resident memory too")
    parser.add_argument("--json", help="write the rows to this file")
    parser.add_argument("--peak", choices=("ort", "trtlab"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        run_for_peak(args.peak, args.models[0])
        return 0
    device = open_device("cpu").record()
    print(f"{device.name}, {device.cores} threads, {device.isa}, fp32, batch 1, "
          f"ONNX Runtime {ort.__version__}\n")  # fmt: skip
    head = f"{'model':24}{'ORT ms':>9}{'trtlab ms':>11}{'ratio':>7}{'error':>10}{'build s':>9}"
    print(head + ("   memory ratio" if args.memory else ""))
    rows = []
    for name in args.models:
        row = compare(name, args.seconds, memory=args.memory)
        rows.append(row)
        tail = f"{row['memory_ratio']:15.2f}" if args.memory else ""
        times = f"{row['onnxruntime_ms']:9.2f}{row['trtlab_ms']:11.2f}{row['ratio']:7.2f}"
        print(f"{name:24}{times}{row['error']:10.1e}{row['build_s']:9.2f}{tail}", flush=True)
    mean = math.exp(sum(math.log(float(row["ratio"])) for row in rows) / len(rows))
    print(f"\ngeometric mean of the ratios: {mean:.3f} (above 1: trtlab is faster)")
    if args.json:
        record = {
            "device": device.name,
            "threads": device.cores,
            "rows": rows,
            "geomean": mean,
        }
        with open(args.json, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(record, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
