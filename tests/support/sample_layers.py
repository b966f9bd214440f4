"""Layers of sample reports: how long each took, and by which tactic."""

from collections.abc import Sequence
from math import prod

import numpy as np
from sample_networks import ITEM, Spec

from trtlab.report.records import LayerRecord, Samples, TensorRecord

# What the sample device reaches at best, each second.
PEAK_FLOPS = 140e9
PEAK_BYTES = 22e9

TACTICS = {
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


def sample_layers(
    specs: Sequence[Spec], rng: np.random.Generator, samples: int
) -> tuple[LayerRecord, ...]:
    """Records of the layers; each took `samples` times, at 35 to 92 % of what is ideal."""
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
        families = TACTICS.get(spec.type, (f"cpu.{spec.type.lower()}.fused_loop",))
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
