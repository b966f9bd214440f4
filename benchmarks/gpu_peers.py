"""trtlab against torch.compile on one GPU: FP16, replayed from CUDA graphs, in one process.

    python benchmarks/gpu_peers.py [--cases resnet50:1 bert_base:32 ...] [--json FILE]

Both run the same weights on the same random inputs: the zoo's parameters are loaded into
torchvision's ResNet-50 and MobileNet-v2, timm's ViT-B/16 and transformers' BERT. Times are
medians of GPU time between two events around a replay, taken in turns. BERT's peer is given
token ids alone, which spares it the mask; trtlab gets a mask of ones.

Columns: `floor` is the larger of operations and of bytes (every layer's operands once) over
the peaks measured on this GPU; `layers` the sum of the layers' times; `MB` what activations
and scratch need at their peak, inputs and weights not counted; `enqueue` what the host spends
in one execute_async_v3; `differ` the relative difference of the two outputs.
"""

import argparse
import json
import statistics
import sys
import time
from math import exp, log
from pathlib import Path

import cupy
import numpy as np
import onnx
import torch

from trtlab import zoo
from trtlab.profiling.peaks import with_peaks
from trtlab.runtime.api import ICudaEngine
from trtlab.runtime.devices import open_runtime
from trtlab.runtime.executable import Executable
from trtlab.runtime.loaded import LoadedEngine
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine

CASES = (
    "resnet50:1", "resnet50:32", "resnet50:128", "bert_base:1", "bert_base:32",
    "vit_b16:1", "vit_b16:32", "mobilenet_v2:1", "mobilenet_v2:32",
)  # fmt: skip
REPLAYS, ROUNDS, CALLS = 30, 7, 200
MOST_DIFFERENT = 0.1  # beyond this the two do not compute the same
Feeds = dict[str, np.ndarray]
Row = dict[str, float | str]


def parameters_of(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """The zoo's parameters in PyTorch's orientation: factors of MatMul are turned."""
    arrays = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    turned = {n.input[1] for n in model.graph.node if n.op_type == "MatMul"}
    return {
        name: torch.from_numpy(np.array(a.T if name in turned else a))
        for name, a in arrays.items()
        if a.dtype == np.float32
    }


def torch_model(name: str) -> torch.nn.Module:
    """The zoo's model in PyTorch, with the zoo's parameters.

    Raises:
        KeyError: A parameter has no counterpart.
    """
    if name == "bert_base":
        from transformers import BertConfig, BertModel  # noqa: PLC0415 - only for this case

        model = BertModel(BertConfig())
    elif name == "vit_b16":
        import timm  # noqa: PLC0415 - only for this case

        model = timm.create_model("vit_base_patch16_224", pretrained=False)
    else:
        import torchvision  # noqa: PLC0415 - only for these cases

        model = getattr(torchvision.models, name)(weights=None)
    known = parameters_of(zoo.build(name))
    wanted = model.state_dict()
    own = {k: known[k] for k in wanted if not k.endswith(("num_batches_tracked", "_ids"))}
    model.load_state_dict(own, strict=False)
    return model.eval().half().cuda()


class TorchPeer:
    """torch.compile in its default mode, captured into a CUDA graph."""

    def __init__(self, name: str, feeds: Feeds) -> None:
        model = torch_model(name)
        first = torch.from_numpy(next(iter(feeds.values()))).cuda()
        if first.dim() == 4:
            first = first.half()
            if name != "vit_b16":
                model = model.to(memory_format=torch.channels_last)
                first = first.to(memory_format=torch.channels_last)
        compiled = torch.compile(model)
        side = torch.cuda.Stream()
        with torch.no_grad(), torch.cuda.stream(side):
            for _ in range(5):
                compiled(first)
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            compiled(first)
            torch.cuda.synchronize()
        self.activation_bytes = torch.cuda.max_memory_allocated() - before
        self.graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), torch.cuda.graph(self.graph):
            result = compiled(first)
        self._output = result if isinstance(result, torch.Tensor) else result[0]
        self._kept = (compiled, first)

    def output(self) -> np.ndarray:
        """The first output of the last replay."""
        torch.cuda.synchronize()
        return self._output.float().cpu().numpy()

    def replay_us(self, count: int) -> list[float]:
        """Microseconds of single replays."""
        times = []
        for _ in range(count):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            self.graph.replay()
            end.record()
            end.synchronize()
            times.append(1e3 * start.elapsed_time(end))
        return times


class Ours:
    """A trtlab engine's graph."""

    def __init__(self, name: str, feeds: Feeds) -> None:
        profiles = {n: (a.shape, a.shape, a.shape) for n, a in feeds.items()}
        request = BuildRequest(
            f"zoo:{name}", device="cuda", precision="fp16", profiles=profiles
        )
        self.engine = build_engine(request)
        self.device, registry = open_runtime("cuda")
        shapes = self.engine.profiles[0].opt()
        loaded = LoadedEngine(self.engine, self.device, registry)
        assert loaded.weights  # they are on the device now, and not counted below
        pool = cupy.get_default_memory_pool()
        before = pool.used_bytes()
        self.executable = Executable(loaded, shapes)
        network = self.engine.network
        self._memory = {
            t.name: self.device.hold(np.ascontiguousarray(feeds[t.name].astype(t.dtype.numpy)))
            for t in network.inputs
        }
        outputs = self.executable.output_shapes()
        for tensor in network.outputs:
            size = int(np.prod(outputs[tensor.name])) * tensor.dtype.numpy.itemsize
            self._memory[tensor.name] = self.device.allocate(size)
        self.executable.bind({name: m.address for name, m in self._memory.items()})
        for _ in range(5):
            self.executable.run()
        self.device.synchronize()
        inputs = sum(self._memory[t.name].nbytes for t in network.inputs)
        self.activation_bytes = pool.used_bytes() - before - inputs

    def replay_us(self, count: int) -> list[float]:
        """Microseconds of single replays."""
        times = []
        stream = self.device.stream
        for _ in range(count):
            start, end = cupy.cuda.Event(), cupy.cuda.Event()
            start.record(stream)
            self.executable.run()
            end.record(stream)
            end.synchronize()
            times.append(1e3 * cupy.cuda.get_elapsed_time(start, end))
        return times

    def output(self) -> np.ndarray:
        """The first output of the last run."""
        self.device.synchronize()
        tensor = self.engine.network.outputs[0]
        shape = self.executable.output_shapes()[tensor.name]
        address = self._memory[tensor.name].address
        return self.device.read(address, tensor.dtype.numpy, shape).astype(np.float32)

    def floor_us(self) -> float:
        """The least time that operations and bytes allow on this GPU."""
        record = with_peaks(self.device.record(), self.device, open_runtime("cuda")[1])
        flops = moved = 0
        for step in self.executable.plan.steps:
            problem = step.problem
            flops += problem.op.flops(problem.input_types, problem.output_types)
            moved += problem.op.traffic_bytes(problem.input_types, problem.output_types)
        assert record.peak_bytes_per_s is not None
        peak = record.peak_flops_per_s["fp16"]
        return 1e6 * max(flops / peak, moved / record.peak_bytes_per_s)

    def enqueue_us(self) -> float:
        """What the host spends in one call of the public API, on a stream of the caller."""
        context = ICudaEngine(self.engine, self.device).create_execution_context()
        for tensor in self.engine.network.inputs:
            context.set_input_shape(tensor.name, self.executable.shapes[tensor.name])
        for name, memory in self._memory.items():
            context.set_tensor_address(name, memory.address)
        stream = cupy.cuda.Stream(non_blocking=True)
        times = []
        for _ in range(CALLS):
            stream.synchronize()
            before = time.perf_counter()
            context.execute_async_v3(stream.ptr)
            times.append(1e6 * (time.perf_counter() - before))
        stream.synchronize()
        return statistics.median(times)

    def layers_us(self) -> float:
        """Sum of the layers' times."""
        self.executable.run_stamped()
        stamps = self.executable.run_stamped()
        return float((stamps[:, 1] - stamps[:, 0]).sum()) / 1e3


def compare(case: str) -> Row:
    """One row of the table."""
    name, batch = case.split(":")
    feeds = _inputs(name, int(batch))
    ours, peer = Ours(name, feeds), TorchPeer(name, feeds)
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):  # in turns, so that clocks move both alike
        mine += ours.replay_us(REPLAYS)
        theirs += peer.replay_us(REPLAYS)
    trtlab_us, torch_us = statistics.median(mine), statistics.median(theirs)
    reference = peer.output()
    return {
        "case": case,
        "trtlab_ms": trtlab_us / 1e3,
        "torch_compile_ms": torch_us / 1e3,
        "ratio": torch_us / trtlab_us,
        "floor_ms": ours.floor_us() / 1e3,
        "layers_ms": ours.layers_us() / 1e3,
        "trtlab_mb": ours.activation_bytes / 1e6,
        "torch_mb": peer.activation_bytes / 1e6,
        "enqueue_us": ours.enqueue_us(),
        "differ": float(np.linalg.norm(ours.output() - reference) / np.linalg.norm(reference)),
        "build_s": ours.engine.build.seconds,
    }


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


def table(rows: list[Row]) -> str:
    """The rows for people, the mean last."""
    head = ("case", "trtlab ms", "torch ms", "ratio", "floor ms", "of floor", "layers ms",
            "trtlab MB", "torch MB", "enqueue µs", "differ", "build s")  # fmt: skip
    lines = [f"{head[0]:17}" + "".join(f"{h:>11}" for h in head[1:])]
    for r in rows:
        values = {k: v for k, v in r.items() if not isinstance(v, str)}
        cells = [
            f"{values['trtlab_ms']:.3f}", f"{values['torch_compile_ms']:.3f}",
            f"{values['ratio']:.2f}", f"{values['floor_ms']:.3f}",
            f"{100 * values['floor_ms'] / values['trtlab_ms']:.0f} %",
            f"{values['layers_ms']:.3f}", f"{values['trtlab_mb']:.1f}",
            f"{values['torch_mb']:.1f}", f"{values['enqueue_us']:.1f}",
            f"{values['differ']:.1e}", f"{values['build_s']:.1f}",
        ]  # fmt: skip
        lines.append(f"{r['case']:17}" + "".join(f"{c:>11}" for c in cells))
    return "\n".join([*lines, f"geometric mean of the ratios: {mean_ratio(rows):.3f}"])


def mean_ratio(rows: list[Row]) -> float:
    """Geometric mean."""
    return exp(sum(log(float(r["ratio"])) for r in rows) / len(rows))


def main() -> int:
    """Measure and print the table; 1 when outputs differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=CASES)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows: list[Row] = []
    for case in args.cases:
        rows.append(compare(case))
        if args.json:  # after every case: what was measured is kept
            kept = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__,
                    "rows": rows, "geometric_mean": mean_ratio(rows)}  # fmt: skip
            args.json.write_text(json.dumps(kept, indent=1))
        torch._dynamo.reset()  # noqa: SLF001 - the documented way to forget compiled code
        torch.cuda.empty_cache()
        cupy.get_default_memory_pool().free_all_blocks()
    print(torch.cuda.get_device_name(), "FP16, torch", torch.__version__)
    print(table(rows))
    return int(any(float(r["differ"]) > MOST_DIFFERENT for r in rows))


if __name__ == "__main__":
    sys.exit(main())
