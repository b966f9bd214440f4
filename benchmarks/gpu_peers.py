"""trtlab against torch.compile on one GPU: FP16, replayed from CUDA graphs, in one process.

    python benchmarks/gpu_peers.py [--cases resnet50:1 bert_base:32 ...] [--json FILE]

Both run the same architecture with random weights on random inputs; times are medians of GPU
time between two events around a replay, taken in turns. The floor is the larger of operations
over 750 TFLOP/s and bytes (every layer's operands once) over 4.3 TB/s: what an H200 reaches.
"""

import argparse
import json
import statistics
from math import exp, log
from pathlib import Path

import cupy
import numpy as np
import torch

from trtlab import zoo
from trtlab.runtime.devices import open_runtime
from trtlab.runtime.executable import Executable
from trtlab.runtime.loaded import LoadedEngine
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine

CASES = (
    "resnet50:1", "resnet50:32", "resnet50:128", "bert_base:1", "bert_base:32",
    "vit_b16:1", "vit_b16:32", "mobilenet_v2:1", "mobilenet_v2:32",
)  # fmt: skip
FLOPS_PER_S, BYTES_PER_S = 750e12, 4.3e12
REPLAYS, ROUNDS = 30, 7


class TorchPeer:
    """torch.compile in its default mode, captured into a CUDA graph."""

    def __init__(self, name: str, batch: int) -> None:
        torch.manual_seed(0)
        model, inputs = _torch_model(name, batch)
        model = model.eval().half().cuda()
        if inputs[0].dim() == 4:
            model = model.to(memory_format=torch.channels_last)
            inputs = [i.half().to(memory_format=torch.channels_last) for i in inputs]
        inputs = [i.cuda() for i in inputs]
        compiled = torch.compile(model)
        side = torch.cuda.Stream()
        with torch.no_grad(), torch.cuda.stream(side):
            for _ in range(5):
                compiled(*inputs)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), torch.cuda.graph(self.graph):
            self.output = compiled(*inputs)
        self._kept = (compiled, inputs)

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


def _torch_model(name: str, batch: int) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    if name == "bert_base":
        from transformers import BertConfig, BertModel  # noqa: PLC0415 - only for this case

        shape = zoo.info(name).inputs[0].opt_shape
        ids = torch.randint(0, 30000, (batch, shape[1]))
        return BertModel(BertConfig(), add_pooling_layer=False), [ids]
    import torchvision  # noqa: PLC0415 - only for these cases

    build = {
        "resnet50": torchvision.models.resnet50,
        "mobilenet_v2": torchvision.models.mobilenet_v2,
        "vit_b16": torchvision.models.vit_b_16,
    }[name]
    return build(weights=None), [torch.randn(batch, 3, 224, 224)]


class Ours:
    """A trtlab engine's graph."""

    def __init__(self, name: str, batch: int) -> None:
        profiles = {}
        for entry in zoo.info(name).inputs:
            shape = (batch, *entry.opt_shape[1:])
            profiles[entry.name] = (shape, shape, shape)
        request = BuildRequest(
            f"zoo:{name}", device="cuda", precision="fp16", profiles=profiles
        )
        self.engine = build_engine(request)
        self.device, registry = open_runtime("cuda")
        shapes = self.engine.profiles[0].opt()
        loaded = LoadedEngine(self.engine, self.device, registry)
        self.executable = Executable(loaded, shapes)
        feeds = zoo.random_inputs(name, shapes)
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

    def floor_us(self) -> float:
        """The least time that operations and bytes allow."""
        flops = moved = 0
        for step in self.executable.plan.steps:
            problem = step.problem
            flops += problem.op.flops(problem.input_types, problem.output_types)
            moved += problem.op.traffic_bytes(problem.input_types, problem.output_types)
        return 1e6 * max(flops / FLOPS_PER_S, moved / BYTES_PER_S)

    def layers_us(self) -> float:
        """Sum of the layers' times."""
        self.executable.run_stamped()
        stamps = self.executable.run_stamped()
        return float((stamps[:, 1] - stamps[:, 0]).sum()) / 1e3


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=CASES)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = []
    for case in args.cases:
        name, batch = case.split(":")
        ours, peer = Ours(name, int(batch)), TorchPeer(name, int(batch))
        mine: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):  # in turns, so that clocks move both alike
            mine += ours.replay_us(REPLAYS)
            theirs += peer.replay_us(REPLAYS)
        row = {
            "case": case,
            "trtlab_ms": statistics.median(mine) / 1e3,
            "torch_compile_ms": statistics.median(theirs) / 1e3,
            "floor_ms": ours.floor_us() / 1e3,
            "layers_ms": ours.layers_us() / 1e3,
            "build_s": ours.engine.build.seconds,
        }
        row["ratio"] = row["torch_compile_ms"] / row["trtlab_ms"]
        rows.append(row)
        print(
            case,
            {k: v if isinstance(v, str) else round(v, 4) for k, v in row.items()},
            flush=True,
        )
        del ours, peer
        torch._dynamo.reset()  # noqa: SLF001 - the documented way to forget compiled code
        torch.cuda.empty_cache()
    mean = exp(sum(log(r["ratio"]) for r in rows) / len(rows))
    if args.json:
        args.json.write_text(json.dumps({"rows": rows, "geometric_mean": mean}, indent=1))
    head = f"{'case':18}{'trtlab ms':>11}{'torch.compile ms':>18}{'ratio':>8}"
    head += f"{'floor ms':>10}{'layers ms':>11}{'build s':>9}"
    print(torch.cuda.get_device_name(), "FP16, torch", torch.__version__, "\n" + head)
    for r in rows:
        print(
            f"{r['case']:18}{r['trtlab_ms']:11.3f}{r['torch_compile_ms']:18.3f}{r['ratio']:8.2f}"
            f"{r['floor_ms']:10.3f}{r['layers_ms']:11.3f}{r['build_s']:9.1f}"
        )
    print(f"geometric mean of the ratios: {mean:.2f}")


if __name__ == "__main__":
    main()
