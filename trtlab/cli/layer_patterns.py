"""Layers by pattern: ``*`` in ``exec --layerPrecisions`` stands for any part of a name."""

import re
from collections.abc import Mapping

from trtlab.core.errors import UsageError
from trtlab.layers.creation import Constant, Fill
from trtlab.layers.scale import Cast
from trtlab.network.graph import Layer, Network

_TYPELESS = (Cast, Constant, Fill)  # they state a type and compute nothing in it


def by_layer(network: Network, asked: Mapping[str, str]) -> dict[str, str]:
    """What is asked of each layer, where some names are patterns.

    A layer's own name counts most; of patterns the one with more letters. Patterns leave layers
    alone that compute nothing in a float type.

    Args:
        network: Where the layers are.
        asked: By name or pattern; names without a ``*`` are passed on as they are.

    Raises:
        UsageError: A pattern fits no such layer.
    """
    names = {layer.name for layer in network.layers}
    exact = {name: value for name, value in asked.items() if name in names or "*" not in name}
    result: dict[str, str] = {}
    for pattern in sorted(asked.keys() - exact.keys(), key=_letters):
        fits = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL).fullmatch
        found = [la.name for la in network.layers if _computes(la) and fits(la.name)]
        if not found:
            raise UsageError(
                f"the network has no layer {pattern!r} to run in {asked[pattern]}",
                hint="see the layers' names with `trtlab inspect model FILE --layers`",
            )
        result.update(dict.fromkeys(found, asked[pattern]))
    return {**result, **exact}


def _letters(pattern: str) -> tuple[int, str]:
    return len(pattern.replace("*", "")), pattern


def _computes(layer: Layer) -> bool:
    return not isinstance(layer.op, _TYPELESS) and any(
        tensor.dtype.is_float for tensor in layer.outputs
    )
