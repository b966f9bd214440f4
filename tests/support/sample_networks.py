"""Networks of sample reports: what their layers read, write and compute."""

from dataclasses import dataclass, replace
from math import prod

ITEM = 4  # bytes a float32


@dataclass(frozen=True)
class Spec:
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


def _conv(name: str, read: str, cin: int, cout: int, size: int, k: int, relu: bool) -> Spec:
    shape = (1, cout, size, size)
    origins = (f"{name} (Conv)", f"{name}.bn (BatchNormalization)")
    rules = ("fold-batch-norm",)
    if relu:
        origins, rules = (*origins, f"{name}.relu (Relu)"), (*rules, "fuse-epilogue")
    return Spec(
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


def _stem() -> list[Spec]:
    return [
        Spec("reformat_input", "REFORMAT", ("input",), "input_nhwc", (1, 3, 224, 224), 0),
        _conv("stem.conv", "input_nhwc", 3, 64, 112, 7, relu=True),
        Spec(
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


def _bottleneck(base: str, read: str, cin: int, width: int, size: int) -> list[Spec]:
    """Three convolutions and a shortcut, which convolves in the first block of a stage."""
    specs: list[Spec] = []
    shortcut = read
    if base.endswith(".0"):
        down = _conv(f"{base}.downsample", read, cin, width * 4, size, 1, relu=False)
        specs.append(replace(down, stream=1))
        shortcut = down.writes
    last = _conv(f"{base}.conv3", f"{base}.conv2_out", width, width * 4, size, 1, relu=True)
    return [
        *specs,
        _conv(f"{base}.conv1", read, cin, width, size, 1, relu=True),
        _conv(f"{base}.conv2", f"{base}.conv1_out", width, width, size, 3, relu=True),
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
        ),
    ]


def _head(read: str) -> list[Spec]:
    return [
        Spec(
            "avgpool",
            "REDUCE",
            (read,),
            "avg",
            (1, 2048, 1, 1),
            2048 * 49,
            0,
            ("avgpool (GlobalAveragePool)",),
        ),
        Spec("flatten", "SHUFFLE", ("avg",), "flat", (1, 2048), 0, 0, ("flatten (Flatten)",)),
        Spec(
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
        Spec(
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


def resnet_specs() -> list[Spec]:
    """59 layers like ResNet-50's; the shortcuts that convolve run on a second stream."""
    specs = _stem()
    cin = 64
    stages = [(3, 64, 56), (4, 128, 28), (6, 256, 14), (3, 512, 7)]
    for stage, (blocks, width, size) in enumerate(stages, 1):
        for block in range(blocks):
            read = specs[-1].writes
            specs += _bottleneck(f"layer{stage}.{block}", read, cin, width, size)
            cin = width * 4
    return specs + _head(specs[-1].writes)


def transformer_specs(count: int) -> list[Spec]:
    """`count` layers, ten to an encoder block; a product of each runs on a second stream."""
    specs: list[Spec] = []
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
            Spec(
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
