"""Builds of sample reports: which passes ran, and which tactics each layer chose among."""

from collections.abc import Sequence

import numpy as np
from sample_layers import TACTICS

from trtlab.report.records import (
    BuildRecord,
    ContenderRecord,
    LayerRecord,
    PassRecord,
    RejectionRecord,
    SelectionRecord,
)

_REFUSALS = {
    "cpu.conv2d.winograd_f4x4_3x3": "kernel is 1×1; Winograd F(4×4, 3×3) needs 3×3",
    "cpu.conv2d.gemm_1x1": "kernel is 3×3, not 1×1",
}


def _selections(
    layers: Sequence[LayerRecord], rng: np.random.Generator
) -> tuple[SelectionRecord, ...]:
    selections: list[SelectionRecord] = []
    for layer in layers:
        best = layer.time_us.median
        assert best is not None
        contenders: list[ContenderRecord] = []
        for tactic in TACTICS.get(layer.type, (layer.tactic,)):
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


def sample_build(layers: Sequence[LayerRecord], rng: np.random.Generator) -> BuildRecord:
    """A build of four passes, in which each layer chose among its type's tactics."""
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
