"""A small report with every kind of record, with numbers that are easy to check by hand."""

from dataclasses import replace

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
    QueryPhases,
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

IMAGE = TensorRecord("image", "fp32", ("batch", 3, 8, 8), nbytes=768)
SCORES = TensorRecord("scores", "fp32", (1, 10), nbytes=40)

MODEL = ModelRecord(
    "tiny", "zoo:tiny", "ab" * 32, 18, "trtlab", 3, 1234, (IMAGE,), (SCORES,), {"Conv": 1}
)
DEVICE = DeviceRecord(
    "cpu",
    "Some CPU",
    2,
    1 << 30,
    "avx512",
    peak_flops_per_s={"fp32": 1e11},
    peak_bytes_per_s=1e10,
)
CONFIG = ConfigRecord(
    "fp32",
    False,
    ("TF32",),
    3,
    1,
    {"workspace": 1 << 20},
    ("native",),
    ({"image": ((1, 3, 8, 8), (1, 3, 8, 8), (4, 3, 8, 8))},),
)
BUILD = BuildRecord(
    1.5,
    {"parse": 0.5, "select": 1.0},
    (
        PassRecord(
            "fold", 2, 5, 3, 0.25, (RejectionRecord("relu", "two readers", ("a", "b")),)
        ),
        PassRecord("fuse", 1, 3, 2, 0.5),
    ),
    (
        SelectionRecord(
            "conv",
            "direct",
            (
                ContenderRecord("direct", 10.0, (9.0, 10.0, 11.0), 64),
                ContenderRecord("winograd", 15.0, (15.0,)),
                ContenderRecord("fft", None, rejection="kernel too small"),
            ),
        ),
    ),
    3,
    2,
    0,
    4096,
)
LAYERS = (
    LayerRecord(
        0,
        "conv",
        "CONVOLUTION",
        ("Conv_0 (Conv)", "Relu_1 (Relu)"),
        ("fuse",),
        "direct",
        "fp32",
        0,
        (IMAGE,),
        (TensorRecord("hidden", "fp32", (1, 4, 8, 8), "chw16", 1024),),
        Samples((30.0, 10.0, 20.0)),
        1_000_000,
        100_000,
        weights_bytes=432,
        attributes={"stride_nd": (2, 2), "num_groups": 1},
        kernels=("conv_direct",),
    ),
    LayerRecord(
        1,
        "gemm",
        "MATRIX_MULTIPLY",
        ("Gemm_2 (Gemm)",),
        (),
        "sgemm",
        "fp32",
        0,
        (),
        (SCORES,),
        Samples((60.0, 60.0, 60.0)),
        100_000,
        300_000,
    ),
)


def summary(median_ms: float) -> Summary:
    """A distribution around a median."""
    low, high = median_ms / 2, median_ms * 2
    return Summary(low, high, median_ms, median_ms, high, high, high, 0.1, low, high)


BENCHMARK = BenchmarkRecord(
    summary(2.0),
    summary(0.25),
    summary(0.5),
    summary(1.0),
    summary(0.5),
    500.0,
    2,
    1,
    0.004,
    1,
    (2.0, 2.0),
    (1_000_000, 3_000_000),
    {"image": (1, 3, 8, 8)},
    ("Unstable: 3 % > 2.5 %.",),
    QueryPhases(
        (500_000, 500_000),
        (750_000, 760_000),
        (0, 0),
        (500_000, 500_000),
        (500_000, 500_000),
        (1_500_000, 1_500_000),
        (1_500_000, 1_500_000),
        (2_000_000, 2_000_000),
    ),
)
TELEMETRY = TelemetryRecord(
    "nvml",
    50.0,
    (Trace("gpu.sm_clock", "SM clock", "MHz", (0, 50_000_000), (1980.0, 1200.0), 1980.0),),
    {"gpu.fan": "Not Supported"},
    (ThrottleInterval(40_000_000, 60_000_000, "power cap"),),
    "Throttled: power cap, 0.02 s.",
)
REPORT = Report(
    MODEL,
    DEVICE,
    CONFIG,
    BUILD,
    LAYERS,
    BENCHMARK,
    (
        Slice(-1, "inference", 0, 0, 2_000_000, "inference"),
        Slice(-1, "enqueue", 0, 0, 250_000, "enqueue"),
        Slice(0, "conv", 0, 500_000, 20_000),
        Slice(1, "gemm", 1, 520_000, 60_000, iteration=1),
    ),
    TELEMETRY,
    MemoryRecord(2048, 432, 64, 808, None, 4096, (AllocationRecord("hidden", 0, 1024, 0, 1),)),
    "2026-01-02T03:04:05+00:00",
    "0.1.0",
    epoch_ns=123,
    reconciliation_ms={"layers": 0.08, "unexplained": 0.0},
    warnings=("random inputs",),
)


def large_report(layers: int, samples: int, slices: int) -> Report:
    """A report of a given size."""
    times = tuple(10.0 + i / 7 for i in range(samples))
    return replace(
        REPORT,
        layers=tuple(
            replace(LAYERS[0], index=i, name=f"layer_{i}", time_us=Samples(times))
            for i in range(layers)
        ),
        timeline=tuple(
            Slice(i % layers, f"layer_{i % layers}", 0, i * 1000, 900) for i in range(slices)
        ),
    )
