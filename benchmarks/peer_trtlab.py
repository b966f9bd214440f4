"""trtlab's side of the comparison: an engine's graph, its floor and where its time goes."""

import statistics
import time
from dataclasses import dataclass

import cupy
import numpy as np

from trtlab.devices.cuda.program import CudaProgram
from trtlab.profiling.peaks import with_peaks
from trtlab.runtime.api import ICudaEngine
from trtlab.runtime.devices import open_runtime
from trtlab.runtime.executable import Executable
from trtlab.runtime.loaded import LoadedEngine
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine

CALLS, BEFORE_STAMPED = 200, 5
Feeds = dict[str, np.ndarray]


@dataclass(frozen=True)
class Stamped:
    """One run with time stamps, in microseconds.

    Attributes:
        layers_us: Every layer's.
        beside_us: Mean of the plain replays right before and behind it: clocks move under load.
        edges_us: What it took before its first layer and behind its last one.
    """

    layers_us: np.ndarray
    beside_us: float
    edges_us: float


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
        program = self.executable.program
        assert isinstance(program, CudaProgram)
        self._program = program
        held = sum(memory.nbytes for memory in self._memory.values())
        self.activation_bytes = pool.used_bytes() - before - held
        record, _ = with_peaks(self.device.record(), self.device, registry)
        assert record.peak_bytes_per_s is not None
        self._flops_per_us = record.peak_flops_per_s["fp16"] / 1e6
        self._bytes_per_us = record.peak_bytes_per_s / 1e6

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
        flops, moved = self._work().sum(axis=0)
        return float(max(flops / self._flops_per_us, moved / self._bytes_per_us))

    def _work(self) -> np.ndarray:
        """Operations and bytes of every step."""
        problems = [step.problem for step in self.executable.plan.steps]
        return np.array(
            [
                (
                    p.op.flops(p.input_types, p.output_types),
                    p.op.traffic_bytes(p.input_types, p.output_types),
                )
                for p in problems
            ],
            np.float64,
        )

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

    def stamped(self, count: int) -> list[Stamped]:
        """Single stamped runs, each between plain replays."""
        found: list[Stamped] = []
        for _ in range(count):
            before = self.replay_us(BEFORE_STAMPED)[-1]
            stamps = self.executable.run_stamped()
            (behind,) = self.replay_us(1)
            layers_us = (stamps[:, 1] - stamps[:, 0]) / 1e3
            edges_ns = self._program.edges_ns
            assert edges_ns is not None
            found.append(Stamped(layers_us, (before + behind) / 2, edges_ns / 1e3))
        return found

    def above_floor_us(self, layers_us: np.ndarray) -> dict[str, float]:
        """By layer type, the time beyond what each layer's own operations and bytes allow."""
        work = self._work() / (self._flops_per_us, self._bytes_per_us)
        found: dict[str, float] = {}
        steps = self.executable.plan.steps
        for step, spent, least in zip(steps, layers_us, work.max(axis=1), strict=True):
            kind = step.problem.op.kind.lower()
            found[kind] = found.get(kind, 0.0) + float(spent - least)
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def slowest(self, layers_us: np.ndarray, count: int = 8) -> list[dict[str, object]]:
        """The layers that take longest: their tactics, and what was refused when it was tried."""
        selections = {s.layer: s for s in self.engine.build.selections}
        found: list[dict[str, object]] = []
        for number in np.argsort(-layers_us)[:count]:
            step = self.executable.plan.steps[number]
            selection = selections.get(step.layer.name)
            contenders = selection.contenders if selection else ()
            found.append(
                {
                    "layer": step.layer.name,
                    "problem": str(step.problem),
                    "tactic": step.tactic.name,
                    "us": float(layers_us[number]),
                    "timed_us": {c.tactic: c.time_us for c in contenders if c.time_us},
                    "tried_and_refused": {
                        c.tactic: c.rejection
                        for c in contenders
                        if c.rejection and "tried" in c.rejection
                    },
                }
            )
        return found
