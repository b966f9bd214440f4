"""Runs of sample reports: the slices of every inference, and the benchmark they add up to."""

from collections.abc import Sequence

import numpy as np

from trtlab.report.records import BenchmarkRecord, LayerRecord, Slice, Summary

START_NS = 200_000_000  # of the first inference


def sample_timeline(
    layers: Sequence[LayerRecord], iterations: int, slow: tuple[int, int]
) -> tuple[tuple[Slice, ...], int]:
    """Slices of all iterations, 1.5 times slower between the two iterations of `slow`."""
    slices: list[Slice] = []
    now = START_NS
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


def sample_benchmark(slices: Sequence[Slice], wall_ns: int) -> BenchmarkRecord:
    """The queries among the slices, as a benchmark of `wall_ns` would tell of them."""
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
