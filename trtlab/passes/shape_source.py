"""``shape(f(x)) = concat(shape(x)[i], 12, shape(x)[j], …)``: sizes read from the inputs.

Safe because equal names are equal sizes, and inputs have every size that names stand for.
Needs each named dimension to be an axis of a network input as it is, not an expression. A
value whose shape somebody asks for could otherwise never disappear inside a fused layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.types import DataType, Dim
from trtlab.layers.base import extents_of
from trtlab.layers.creation import Shape
from trtlab.layers.shuffle import Concatenation
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import PassResult, is_dead
from trtlab.passes.edit import replace

Place = tuple[Tensor, int]
Entries = tuple[int | Dim, ...]


@dataclass(frozen=True)
class ShapeSource:
    """Let Shape layers read network inputs only."""

    name: ClassVar[str] = "shape-source"

    def run(self, network: Network) -> PassResult:
        """One Shape layer for each named dimension that is asked for, before all others."""
        places = _places(network)
        asked = [
            (layer, entries)
            for layer in network
            if (entries := _entries(network, layer)) and _are_placed(entries, places)
        ]
        sizes: dict[str, Tensor] = {}
        for layer, entries in asked:
            parts = [self._part(network, layer, run, places, sizes) for run in _runs(entries)]
            replace(network, layer, Concatenation(axis=0), parts, self.name)
        return PassResult(len(asked))

    def _part(
        self,
        network: Network,
        layer: Layer,
        run: Entries,
        places: Mapping[str, Place],
        sizes: dict[str, Tensor],
    ) -> Tensor:
        """A vector of numbers, or of one named dimension."""
        first = run[0]
        if not isinstance(first, Dim):
            numbers = np.array([int(str(entry)) for entry in run], DataType.INT64.numpy)
            return network.add_constant(f"{layer.name}.sizes", numbers)
        if first.name not in sizes:
            tensor, axis = places[first.name]
            source = network.add_layer(
                Shape(axis, axis + 1),
                (tensor,),
                name=f"size of {first.name}",
                rules=(self.name,),
                before=network.layers[0],
            )
            sizes[first.name] = source.output
        return sizes[first.name]


def _places(network: Network) -> dict[str, Place]:
    """Where the size of each named dimension can be read."""
    places: dict[str, Place] = {}
    for tensor in network.inputs:
        for axis, extent in enumerate(tensor.shape):
            if isinstance(extent, Dim):
                places.setdefault(extent.name, (tensor, axis))
    return places


def _entries(network: Network, layer: Layer) -> Entries | None:
    """What a Shape layer of a computed tensor gives."""
    if not isinstance(layer.op, Shape) or is_dead(network, layer):
        return None
    source = layer.inputs[0]
    if source is None or source in network.inputs or layer.output in network.outputs:
        return None
    return extents_of(layer.output.value)


def _are_placed(entries: Entries, places: Mapping[str, Place]) -> bool:
    return all(not isinstance(entry, Dim) or entry.name in places for entry in entries)


def _runs(entries: Entries) -> list[Entries]:
    """Neighbouring numbers together, named dimensions alone."""
    runs: list[Entries] = []
    for entry in entries:
        if runs and isinstance(entry, int) and isinstance(runs[-1][-1], int):
            runs[-1] = (*runs[-1], entry)
        else:
            runs.append((entry,))
    return runs
