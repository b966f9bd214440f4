"""Which precision an engine computes in, and where it is only emulated."""

from collections import Counter
from collections.abc import Sequence

from trtlab.report.records import ConfigRecord, LayerRecord

_FULL = ("fp32", "tf32")
_FLOATS = (*_FULL, "fp16", "bf16")
_MOVES = ("CAST", "REFORMAT")  # they make a type, and compute nothing in it


def is_emulated(layer: LayerRecord) -> bool:
    """Whether the layer computes its precision through float32: `kernels.cpu.emulated`."""
    return layer.tactic.endswith(f"~{layer.precision}")


def layer_precision(layer: LayerRecord) -> str:
    """What one layer computes in: ``fp16``, or ``fp16 (emulated)``."""
    return layer.precision + (" (emulated)" if is_emulated(layer) else "")


def precision_text(config: ConfigRecord, layers: Sequence[LayerRecord]) -> str:
    """``fp16 (emulated)``, or ``fp32, 1 layer fp16 (emulated)`` where layers differ.

    Of a build in a lower precision, only the layers that were asked to differ are told: what
    else stays in FP32 there was the builder's choice.

    Args:
        config: What the builder was asked for.
        layers: The engine's.
    """
    facts = [config.precision + (" (emulated)" if config.emulated else "")]
    differing = [layer for layer in layers if _differs(layer, config)]
    through = Counter(layer.precision for layer in differing if is_emulated(layer))
    for name, count in Counter(layer.precision for layer in differing).items():
        of = through[name]
        shown = "" if not of else " (emulated)" if of == count else f" ({of} emulated)"
        facts.append(f"{count} {'layer' if count == 1 else 'layers'} {name}{shown}")
    return ", ".join(facts)


def _differs(layer: LayerRecord, config: ConfigRecord) -> bool:
    if (
        layer.precision not in _FLOATS
        or layer.type in _MOVES
        or layer.tactic.startswith("none")
    ):
        return False
    if config.precision in _FULL:
        return layer.precision not in _FULL
    names = {layer.name, *(origin.split(" (")[0] for origin in layer.origins)}
    asked = not names.isdisjoint(config.layer_precisions)
    return asked and layer.precision != config.precision
