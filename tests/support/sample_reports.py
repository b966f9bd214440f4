"""Reports for tests of pictures: seeded, self-consistent, and clearly not measured.

`resnet_report` has the 59 layers of a ResNet-50-like network on two streams, with a throttled
stretch in its telemetry. `large_report` has 1,000 layers and 50,000 slices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from trtlab.report.records import (
    AllocationRecord,
    BenchmarkRecord,
    BuildRecord,
    ConfigRecord,
    ContenderRecord,
    DeviceRecord,
    LayerRecord,
    MemoryRecord,
    ModelRecord,
    PassRecord,
    RejectionRecord,
    Report,
    Samples,
    SelectionRecord,
    Slice,
    Summary,
    TelemetryRecord,
    TensorRecord,
    ThrottleInterval,
    Trace,
)

PEAK_FLOPS = 140e9
PEAK_BYTES = 22e9
ITEM = 4  # bytes a float32
_TACTICS = {
    "CONVOLUTION": (
        "cpu.conv2d.im2col_gemm",
        "cpu.conv2d.winograd_f4x4_3x3",
        "cpu.conv2d.nchwc8_direct",
        "ort.Conv",
        "cpu.conv2d.gemm_1x1",
    ),
    "MATRIX_MULTIPLY": ("cpu.gemm.openblas", "cpu.gemm.packed_b_t64x6", "ort.MatMul"),
    "NORMALIZATION": ("cpu.layernorm.rowwise", "cpu.layernorm.numpy"),
    "SOFTMAX": ("cpu.softmax.rowwise", "cpu.softmax.numpy"),
}
_REFUSALS = {
    "cpu.conv2d.winograd_f4x4_3x3": "kernel is 1×1; Winograd F(4×4, 3×3) needs 3×3",
    "cpu.conv2d.gemm_1x1": "kernel is 3×3, not 1×1",
}


@dataclass(frozen=True)
class _Spec:
    """A layer before it has an index, a time and a place in memory."""

    name: str
    type: str
    reads: tuple[str, ...]
    writes: str
    shape: tuple[int, ...]
    flops: int
    weights: int = 0
    origins: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    attributes: tuple[tuple[str, object], ...] = ()
    stream: int = 0


def _conv(name: str, read: str, cin: int, cout: int, size: int, k: int, relu: bool) -> _Spec:
    shape = (1, cout, size, size)
    origins = (f"{name} (Conv)", f"{name}.bn (BatchNormalization)")
    rules = ("fold-batch-norm",)
    if relu:
        origins, rules = (*origins, f"{name}.relu (Relu)"), (*rules, "fuse-epilogue")
    return _Spec(
        f"{name} + {name}.relu" if relu else name,
        "CONVOLUTION",
        (read,),
        f"{name}_out",
        shape,
        2 * prod(shape) * cin * k * k,
        (cout * cin * k * k + cout) * ITEM,
        origins,
        rules,
        (("num_output_maps", cout), ("kernel_size_nd", [k, k]), ("num_groups", 1)),
    )


def _resnet_specs() -> list[_Spec]:
    specs = [
        _Spec("reformat_input", "REFORMAT", ("input",), "input_nhwc", (1, 3, 224, 224), 0),
        replace(_conv("stem.conv", "input_nhwc", 3, 64, 112, 7, relu=True)),
        _Spec(
            "stem.maxpool",
            "POOLING",
            ("stem.conv_out",),
            "pool_out",
            (1, 64, 56, 56),
            9 * 64 * 56 * 56,
            0,
            ("stem.maxpool (MaxPool)",),
            (),
            (("type", "max"), ("window_size_nd", [3, 3]), ("stride_nd", [2, 2])),
        ),
    ]
    read, cin = "pool_out", 64
    for stage, (blocks, width, size) in enumerate(
        [(3, 64, 56), (4, 128, 28), (6, 256, 14), (3, 512, 7)]
    ):
        for block in range(blocks):
            base = f"layer{stage + 1}.{block}"
            shortcut = read
            if block == 0:
                down = _conv(f"{base}.downsample", read, cin, width * 4, size, 1, relu=False)
                specs.append(replace(down, stream=1))
                shortcut = down.writes
            specs.append(_conv(f"{base}.conv1", read, cin, width, size, 1, relu=True))
            specs.append(
                _conv(f"{base}.conv2", f"{base}.conv1_out", width, width, size, 3, relu=True)
            )
            last = _conv(
                f"{base}.conv3", f"{base}.conv2_out", width, width * 4, size, 1, relu=True
            )
            specs.append(
                replace(
                    last,
                    name=f"{base}.conv3 + {base}.add + {base}.relu",
                    reads=(*last.reads, shortcut),
                    origins=(
                        f"{base}.conv3 (Conv)",
                        f"{base}.conv3.bn (BatchNormalization)",
                        f"{base}.add (Add)",
                        f"{base}.relu (Relu)",
                    ),
                    rules=("fold-batch-norm", "fuse-residual", "fuse-epilogue"),
                )
            )
            read, cin = last.writes, width * 4
    specs += [
        _Spec(
            "avgpool",
            "REDUCE",
            (read,),
            "avg",
            (1, 2048, 1, 1),
            2048 * 49,
            0,
            ("avgpool (GlobalAveragePool)",),
        ),
        _Spec("flatten", "SHUFFLE", ("avg",), "flat", (1, 2048), 0, 0, ("flatten (Flatten)",)),
        _Spec(
            "fc",
            "MATRIX_MULTIPLY",
            ("flat",),
            "logits",
            (1, 1000),
            2 * 2048 * 1000,
            2049 * 1000 * ITEM,
            ("fc (Gemm)",),
            ("gemm-to-matmul",),
        ),
        _Spec(
            "softmax",
            "SOFTMAX",
            ("logits",),
            "prob",
            (1, 1000),
            5000,
            0,
            ("softmax (Softmax)",),
        ),
    ]
    return specs


def _transformer_specs(count: int) -> list[_Spec]:
    specs: list[_Spec] = []
    read, rows, width = "embeddings", 128, 768
    kinds = [
        "NORMALIZATION",
        "MATRIX_MULTIPLY",
        "SHUFFLE",
        "ATTENTION",
        "MATRIX_MULTIPLY",
        "POINTWISE",
        "NORMALIZATION",
        "MATRIX_MULTIPLY",
        "MATRIX_MULTIPLY",
        "POINTWISE",
    ]
    residual = read
    for index in range(count):
        kind = kinds[index % len(kinds)]
        name = f"encoder.{index // len(kinds)}.{index % len(kinds)}.{kind.lower()}"
        flops = (
            2 * rows * width * width
            if kind in {"MATRIX_MULTIPLY", "ATTENTION"}
            else 8 * rows * width
        )
        weights = width * width * ITEM if kind == "MATRIX_MULTIPLY" else 0
        reads = (read, residual) if kind == "POINTWISE" else (read,)
        specs.append(
            _Spec(
                name,
                kind,
                reads,
                f"t{index}",
                (1, rows, width),
                flops,
                weights,
                (f"/encoder/{name} ({kind.title()})",),
                ("fuse-epilogue",) if flops > 1e6 else (),
                stream=1 if index % len(kinds) == 4 else 0,
            )
        )
        read = f"t{index}"
        residual = read if kind == "POINTWISE" else residual
    return specs


def _layers(
    specs: Sequence[_Spec], rng: np.random.Generator, samples: int
) -> tuple[LayerRecord, ...]:
    shapes: dict[str, tuple[int, ...]] = {
        "input": (1, 3, 224, 224),
        "embeddings": (1, 128, 768),
    }
    layers: list[LayerRecord] = []
    for index, spec in enumerate(specs):
        moved = spec.weights + ITEM * (
            prod(spec.shape) + sum(prod(shapes[name]) for name in spec.reads)
        )
        ideal_us = max(spec.flops / PEAK_FLOPS, moved / PEAK_BYTES) * 1e6
        efficiency = rng.uniform(0.35, 0.92)
        times = (ideal_us / efficiency + 3) * (1 + rng.gamma(2, 0.012, samples))
        families = _TACTICS.get(spec.type, (f"cpu.{spec.type.lower()}.fused_loop",))
        shapes[spec.writes] = spec.shape
        layers.append(
            LayerRecord(
                index=index,
                name=spec.name,
                type=spec.type,
                origins=spec.origins,
                rules=spec.rules,
                tactic=families[int(rng.integers(len(families)))],
                precision="fp32",
                stream=spec.stream,
                inputs=tuple(_tensor(name, shapes[name]) for name in spec.reads),
                outputs=(_tensor(spec.writes, spec.shape),),
                time_us=Samples(tuple(round(float(t), 3) for t in times)),
                flops=spec.flops,
                bytes=moved,
                weights_bytes=spec.weights,
                workspace_bytes=int(rng.integers(0, 4)) * 65536,
                attributes=dict(spec.attributes),
                kernels=(f"{families[0]}__main",),
            )
        )
    return tuple(layers)


def _tensor(name: str, shape: tuple[int, ...]) -> TensorRecord:
    return TensorRecord(
        name, "fp32", shape, "nhwc8" if len(shape) == 4 else "linear", prod(shape) * ITEM
    )


def _selections(
    layers: Sequence[LayerRecord], rng: np.random.Generator
) -> tuple[SelectionRecord, ...]:
    selections: list[SelectionRecord] = []
    for layer in layers:
        best = layer.time_us.median
        assert best is not None
        contenders: list[ContenderRecord] = []
        for tactic in _TACTICS.get(layer.type, (layer.tactic,)):
            reason = "" if tactic == layer.tactic else _REFUSALS.get(tactic, "")
            if reason and rng.random() < 0.6:
                contenders.append(ContenderRecord(tactic, None, rejection=reason))
                continue
            median = best if tactic == layer.tactic else best * rng.uniform(1.04, 3.5)
            runs = median * (1 + rng.gamma(2, 0.01, 9))
            contenders.append(
                ContenderRecord(
                    tactic,
                    round(float(np.median(runs)), 3),
                    tuple(round(float(t), 3) for t in runs),
                    int(rng.integers(0, 5)) * 65536,
                    from_cache=bool(rng.random() < 0.2),
                )
            )
        selections.append(SelectionRecord(layer.name, layer.tactic, tuple(contenders)))
    return tuple(selections)


def _timeline(
    layers: Sequence[LayerRecord], iterations: int, slow: tuple[int, int]
) -> tuple[tuple[Slice, ...], int]:
    """Slices of all iterations, 1.5 times slower between the two iterations of `slow`."""
    slices: list[Slice] = []
    now = 200_000_000
    for iteration in range(iterations):
        factor = 1.5 if slow[0] <= iteration < slow[1] else 1.0
        start = now
        slices.append(Slice(-1, "Copy inputs", 0, now, 60_000, "copy", iteration))
        free = [now + 60_000, now + 60_000]
        enqueue = now
        for layer in layers:
            times = layer.time_us.samples
            duration = int(times[iteration % len(times)] * 1000 * factor)
            begin = free[layer.stream] if layer.stream == 0 else max(free)
            slices.append(
                Slice(-1, f"enqueue {layer.name}", 0, enqueue, 2_500, "enqueue", iteration)
            )
            enqueue += 4_000
            slices.append(
                Slice(
                    layer.index, layer.name, layer.stream, begin, duration, "layer", iteration
                )
            )
            free[layer.stream] = begin + duration
            if layer.stream == 0:
                free[0] = max(free) + 400 if len(layer.inputs) > 1 else free[0] + 400
        end = max(free)
        slices.append(Slice(-1, "Copy outputs", 0, end, 9_000, "copy", iteration))
        now = end + 9_000
        slices.append(
            Slice(-1, f"Inference {iteration}", 0, start, now - start, "inference", iteration)
        )
        now += 150_000
    return tuple(slices), now


def _summary(values: np.ndarray) -> Summary:
    p90, p95, p99 = (float(np.percentile(values, p)) for p in (90, 95, 99))
    middle = float(np.median(values))
    half = float(
        1.57 * (np.percentile(values, 75) - np.percentile(values, 25)) / np.sqrt(len(values))
    )
    return Summary(
        float(values.min()),
        float(values.max()),
        float(values.mean()),
        middle,
        p90,
        p95,
        p99,
        float(values.std()),
        middle - half,
        middle + half,
    )


def _benchmark(slices: Sequence[Slice], wall_ns: int) -> BenchmarkRecord:
    queries = [s for s in slices if s.category == "inference"]
    latency = np.array([q.duration_ns / 1e6 for q in queries])
    return BenchmarkRecord(
        latency_ms=_summary(latency),
        enqueue_ms=_summary(latency * 0.012),
        h2d_ms=_summary(np.full(len(latency), 0.06)),
        compute_ms=_summary(latency - 0.07),
        d2h_ms=_summary(np.full(len(latency), 0.009)),
        throughput_qps=len(queries) / (wall_ns / 1e9),
        iterations=len(queries),
        warmup_iterations=5,
        wall_seconds=wall_ns / 1e9,
        batch=1,
        samples_ms=tuple(round(float(v), 4) for v in latency),
        starts_ns=tuple(q.start_ns for q in queries),
        shapes={"input": (1, 3, 224, 224)},
        verdicts=(
            "Unstable: compute time varies by 13.9 % (coefficient of variation above 2.5 %)",
        ),
    )


def _telemetry(
    end_ns: int, slow_ns: tuple[int, int], rng: np.random.Generator
) -> TelemetryRecord:
    times = np.arange(0, end_ns, 20_000_000)
    slow = (times >= slow_ns[0]) & (times < slow_ns[1])
    load = np.where((times > 200_000_000) & (times < end_ns - 50_000_000), 97.0, 8.0)

    def trace(
        metric: str, label: str, unit: str, values: np.ndarray, limit: float | None = None
    ) -> Trace:
        return Trace(
            metric,
            label,
            unit,
            tuple(int(t) for t in times),
            tuple(round(float(v), 2) for v in values),
            limit,
        )

    clock = np.where(slow, 1305, 1980) + rng.normal(0, 4, len(times))
    power = np.where(slow, 642, 560 * load / 100) + rng.normal(0, 6, len(times))
    warm = 52 + 26 * (1 - np.exp(-times / 0.9e9)) + rng.normal(0, 0.3, len(times))
    return TelemetryRecord(
        source="nvml",
        interval_ms=20,
        traces=(
            trace("gpu.sm_clock", "SM clock", "MHz", clock),
            trace("gpu.power", "Power", "W", power, 700),
            trace("gpu.temperature", "Temperature", "°C", warm, 87),
            trace("cpu.load", "CPU load", "%", load + rng.normal(0, 1, len(times))),
        ),
        missing={"gpu.fan": "passively cooled"},
        throttling=(ThrottleInterval(slow_ns[0], slow_ns[1], "Software power cap"),),
        verdict="Throttled: Software power cap for 0.78 s (21 % of the time).",
    )


def _memory(layers: Sequence[LayerRecord]) -> MemoryRecord:
    first = {layer.outputs[0].name: layer.index for layer in layers}
    last: dict[str, int] = {}
    for layer in layers:
        last.update({tensor.name: layer.index for tensor in layer.inputs})
    placed: list[AllocationRecord] = []
    for layer in layers:
        tensor = layer.outputs[0]
        until = last.get(tensor.name, len(layers) - 1)
        live = sorted(
            (a for a in placed if a.last_step >= layer.index), key=lambda a: a.offset_bytes
        )
        offset = 0
        for other in live:
            if other.offset_bytes - offset >= tensor.nbytes:
                break
            offset = max(offset, other.offset_bytes + other.size_bytes)
        placed.append(
            AllocationRecord(tensor.name, offset, tensor.nbytes, first[tensor.name], until)
        )
    return MemoryRecord(
        arena_bytes=max(a.offset_bytes + a.size_bytes for a in placed),
        weights_bytes=sum(layer.weights_bytes for layer in layers),
        workspace_bytes=max(layer.workspace_bytes for layer in layers),
        io_bytes=layers[0].inputs[0].nbytes + layers[-1].outputs[0].nbytes,
        peak_process_bytes=412 * 2**20,
        unshared_bytes=sum(a.size_bytes for a in placed),
        allocations=tuple(placed),
    )


def _build(layers: Sequence[LayerRecord], rng: np.random.Generator) -> BuildRecord:
    selections = _selections(layers, rng)
    contenders = [c for s in selections for c in s.contenders]
    count = len(layers)
    return BuildRecord(
        seconds=14.2,
        phases={"parse": 0.3, "passes": 0.9, "tactics": 11.8, "plan": 0.2, "assemble": 1.0},
        passes=(
            PassRecord("fold-constants", 161, 3 * count, 2 * count, 120.4),
            PassRecord("fold-batch-norm", 53, 2 * count, count + 49, 310.9),
            PassRecord(
                "fuse-epilogue",
                49,
                count + 49,
                count,
                88.0,
                (RejectionRecord("stem.maxpool", "output has 2 readers", ("conv1",)),),
            ),
            PassRecord("assign-formats", 1, count, count, 20.3),
        ),
        selections=selections,
        tactics_tried=len(contenders),
        tactics_timed=sum(c.time_us is not None and not c.from_cache for c in contenders),
        cache_hits=sum(c.from_cache for c in contenders),
        engine_bytes=102_500_000,
    )


def _report(
    specs: Sequence[_Spec], name: str, iterations: int, seed: int, slow: tuple[int, int]
) -> Report:
    rng = np.random.default_rng(seed)
    layers = _layers(specs, rng, min(iterations, 40))
    slices, end_ns = _timeline(layers, iterations, slow)
    starts = [s.start_ns for s in slices if s.category == "inference"]
    slow_ns = (starts[slow[0]], starts[min(slow[1], len(starts) - 1)])
    parameters = sum(layer.weights_bytes for layer in layers) // ITEM
    source, sink = layers[0].inputs, layers[-1].outputs
    memory = _memory(layers)
    middle = (
        float(np.median([s.duration_ns for s in slices if s.category == "inference"])) / 1e6
    )
    busy = sum(layer.time_us.median or 0 for layer in layers) / 1e3
    return Report(
        model=ModelRecord(
            name,
            f"zoo:{name}",
            "9f" * 32,
            17,
            "sample",
            sum(len(x.origins) for x in layers),
            parameters,
            source,
            sink,
            {"Conv": 53, "Relu": 49, "Add": 16, "Gemm": 1, "MaxPool": 1},
        ),
        device=DeviceRecord(
            "cpu",
            "Sample processor",
            2,
            24 * 2**30,
            "AVX2",
            "",
            {"numpy": "2.4.6"},
            {"fp32": PEAK_FLOPS},
            PEAK_BYTES,
        ),
        config=ConfigRecord(
            "fp32",
            False,
            ("TF32",),
            3,
            1,
            {"WORKSPACE": 2**30},
            ("CPU", "ORT"),
            ({source[0].name: ((1, 3, 224, 224), (1, 3, 224, 224), (8, 3, 224, 224))},),
        ),
        build=_build(layers, rng),
        layers=layers,
        benchmark=_benchmark(slices, end_ns - 200_000_000),
        timeline=slices,
        telemetry=_telemetry(end_ns, slow_ns, rng),
        memory=memory,
        created="2026-11-21T10:15:00+00:00",
        trtlab_version="0.1.0",
        reconciliation_ms={
            "copies": 0.069,
            "layers": busy,
            "gaps": max(middle - busy - 0.1, 0.01),
            "unexplained": 0.03,
        },
        warnings=("This report is generated for tests; nothing in it was measured.",),
    )


def resnet_report(*, iterations: int = 40, seed: int = 7) -> Report:
    """59 layers, `iterations` inferences, throttled between 55 % and 75 % of them."""
    slow = (int(iterations * 0.55), int(iterations * 0.75))
    return _report(_resnet_specs(), "resnet50_sample", iterations, seed, slow)


def large_report(*, layers: int = 1000, slices: int = 50_000, seed: int = 11) -> Report:
    """Many layers and at least `slices` slices."""
    iterations = -(-slices // (2 * layers + 3))
    slow = (iterations // 2, iterations // 2 + 3)
    return _report(_transformer_specs(layers), "transformer_sample", iterations, seed, slow)


def built_only(report: Report) -> Report:
    """The report as it is after a build: nothing was run yet."""
    layers = tuple(replace(layer, time_us=Samples(())) for layer in report.layers)
    return replace(
        report,
        layers=layers,
        benchmark=None,
        timeline=(),
        telemetry=None,
        reconciliation_ms={},
    )
