"""Reports for tests of pictures: seeded, self-consistent, and clearly not measured.

`resnet_report` has the 59 layers of a ResNet-50-like network on two streams, with a throttled
stretch in its telemetry. `large_report` has 1,000 layers and 50,000 slices.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
from sample_builds import sample_build
from sample_layers import PEAK_BYTES, PEAK_FLOPS, sample_layers
from sample_memory import sample_memory
from sample_networks import ITEM, Spec, resnet_specs, transformer_specs
from sample_runs import START_NS, sample_benchmark, sample_timeline
from sample_telemetry import sample_telemetry

from trtlab.report.records import (
    ConfigRecord,
    DeviceRecord,
    LayerRecord,
    ModelRecord,
    Report,
    Samples,
)

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
"""A name that changes the page's title where it is taken for markup."""
_DEVICE = DeviceRecord(
    "cpu",
    "Sample processor",
    2,
    24 * 2**30,
    "AVX2",
    "",
    {"numpy": "2.4.6"},
    {"fp32": PEAK_FLOPS},
    PEAK_BYTES,
)


def _model(name: str, layers: Sequence[LayerRecord]) -> ModelRecord:
    return ModelRecord(
        name,
        f"zoo:{name}",
        sha256(name.encode()).hexdigest(),
        17,
        "sample",
        sum(len(x.origins) for x in layers),
        sum(layer.weights_bytes for layer in layers) // ITEM,
        layers[0].inputs,
        layers[-1].outputs,
        {"Conv": 53, "Relu": 49, "Add": 16, "Gemm": 1, "MaxPool": 1},
    )


def _config(model: ModelRecord) -> ConfigRecord:
    return ConfigRecord(
        "fp32",
        False,
        ("TF32",),
        3,
        1,
        {"WORKSPACE": 2**30},
        ("CPU", "ORT"),
        ({model.inputs[0].name: ((1, 3, 224, 224), (1, 3, 224, 224), (8, 3, 224, 224))},),
    )


def _report(
    specs: Sequence[Spec], name: str, iterations: int, seed: int, slow: tuple[int, int]
) -> Report:
    rng = np.random.default_rng(seed)
    layers = sample_layers(specs, rng, min(iterations, 40))
    slices, end_ns = sample_timeline(layers, iterations, slow)
    queries = [s for s in slices if s.category == "inference"]
    starts = [query.start_ns for query in queries]
    slow_ns = (starts[slow[0]], starts[min(slow[1], len(starts) - 1)])
    middle = float(np.median([query.duration_ns for query in queries])) / 1e6
    busy = sum(layer.time_us.median or 0 for layer in layers) / 1e3
    model = _model(name, layers)
    return Report(
        model=model,
        device=_DEVICE,
        config=_config(model),
        build=sample_build(layers, rng),  # before the telemetry: both draw from rng
        layers=layers,
        benchmark=sample_benchmark(slices, end_ns - START_NS),
        timeline=slices,
        telemetry=sample_telemetry(end_ns, slow_ns, rng),
        memory=sample_memory(layers),
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
    return _report(resnet_specs(), "resnet50_sample", iterations, seed, slow)


def half_precision(report: Report) -> Report:
    """The same model ten minutes later in FP16: most layers take half the time, some more."""
    factors = (0.5, 0.62, 1.0, 1.3)  # of one layer after another
    layers = tuple(
        replace(
            layer,
            precision="fp16",
            tactic=layer.tactic + ("" if index % 4 == 2 else "/half"),
            time_us=Samples(tuple(factors[index % 4] * x for x in layer.time_us.samples)),
        )
        for index, layer in enumerate(report.layers)
    )
    run = report.benchmark
    assert run is not None
    latency = run.latency_ms
    quicker = replace(
        run,
        samples_ms=tuple(0.7 * x for x in run.samples_ms),
        latency_ms=replace(latency, median=0.7 * latency.median),
    )
    return replace(
        report,
        config=replace(report.config, precision="fp16"),
        layers=layers,
        benchmark=quicker,
        created="2026-11-21T10:25:00+00:00",
    )


def large_report(*, layers: int = 1000, slices: int = 50_000, seed: int = 11) -> Report:
    """Many layers and at least `slices` slices."""
    iterations = -(-slices // (2 * layers + 3))
    slow = (iterations // 2, iterations // 2 + 3)
    return _report(transformer_specs(layers), "transformer_sample", iterations, seed, slow)


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
