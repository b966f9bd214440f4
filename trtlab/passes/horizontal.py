"""``[x·u, x·v] = x·[u v]``: siblings that read the same input become one wider layer.

Safe because output channels are independent of each other.
Needs constant weights, equal options and epilogues without operands, and an estimate that says
it pays: fewer and fuller launches against parts that have to be copied out. A result that goes
straight into a concatenation is better written there, and one that a pointwise layer reads
alone would rather end in an epilogue: such siblings stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from trtlab.core.enums import MatrixOperation
from trtlab.core.types import Dim, Shape
from trtlab.layers.base import Array, Op
from trtlab.layers.convolution import Convolution
from trtlab.layers.fused import Attention
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.shuffle import Concatenation, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Layer, Network, Tensor, merge_origins
from trtlab.passes.base import PassResult, Rejection, Rejections
from trtlab.passes.edit import replace as rewrite_layer
from trtlab.passes.program import MAIN_INPUTS, PointwiseLike

# Layers that can read a part of a wider tensor where it lies, as long as its last axis is dense.
_VIEWERS: tuple[type[Op], ...] = (
    Shuffle,
    Squeeze,
    Unsqueeze,
    Slice,
    Attention,
    MatrixMultiply,
)
Sibling = Convolution | MatrixMultiply


@dataclass(frozen=True, slots=True)
class LaunchCosts:
    """What a launch and a copy cost on a kind of device; estimates that only rank choices.

    Attributes:
        launch_us: Of one more kernel.
        tile: Output elements that one core computes at a time.
        cores: That work side by side.
        flop_per_us: Of one core.
        copy_bytes_per_us: Of reading and writing.
        viewers: Readers that can be counted on to take strided parts; others get copies.
    """

    launch_us: float
    tile: int
    cores: int
    flop_per_us: float
    copy_bytes_per_us: float
    viewers: tuple[type[Op], ...]


# Orders of magnitude of an H200 (132 multiprocessors, 4 TB/s, half precision) and of one core
# of a server CPU. Measured on two cores of the latter: BERT-base at 1 × 128 takes 123 ms with
# its projections merged and 128 ms without (best of six alternating runs each).
COSTS = {
    "cuda": LaunchCosts(2.0, 128 * 128, 132, 4e6, 4e6, (*_VIEWERS, Convolution)),
    "cpu": LaunchCosts(3.0, 1 << 40, 1, 1e5, 1e4, _VIEWERS),
}
ASSUMED_EXTENT = 1  # of a named dimension whose size nobody gave: the case of least work


@dataclass(frozen=True)
class Horizontal:
    """Merge matrix products and pointwise convolutions that read the same tensor.

    Attributes:
        device: Whose costs to assume; "cpu" or "cuda".
        extents: Sizes of named dimensions to assume.
    """

    name: ClassVar[str] = "horizontal"
    device: str = "cpu"
    extents: tuple[tuple[str, int], ...] = ()

    def run(self, network: Network) -> PassResult:
        """Merge every group of siblings."""
        changes, rejections = 0, Rejections()
        for siblings in _groups(network):
            group: list[Layer] = []
            for layer in siblings:
                found = _better_alone(network, layer)
                if found is None:
                    group.append(layer)
                else:
                    rejections.add(layer.name, found)
            if len(group) < 2:
                continue
            found = self._match(group)
            if isinstance(found, Rejection):
                rejections.add(group[0].name, found)
            else:
                self._rewrite(network, group)
                changes += 1
        return PassResult(changes, rejections.records())

    def _match(self, group: Sequence[Layer]) -> Rejection | None:
        readers = [reader for layer in group for reader in layer.output.consumers]
        views = all(isinstance(r.op, COSTS[self.device].viewers) for r in readers)
        if self._gain_us(group, views) > 0:
            return None
        names = tuple(layer.name for layer in group)
        return Rejection("one launch would cost more than it saves", names)

    def _gain_us(self, group: Sequence[Layer], views: bool) -> float:  # noqa: FBT001
        """Time saved by one wide layer, less what copying its parts out takes."""
        costs = COSTS[self.device]
        sizes = [self._size(layer.output.shape) for layer in group]
        inner = self._inner(group[0])
        tiles = [-(-size // costs.tile) for size in sizes]
        waves = sum(-(-t // costs.cores) for t in tiles) - -(-sum(tiles) // costs.cores)
        wave_us = 2 * inner * min(costs.tile, max(sizes)) / costs.flop_per_us
        saved = (len(group) - 1) * costs.launch_us + waves * wave_us
        if views:
            return saved
        itemsize = group[0].output.dtype.itemsize
        copied = sum(2 * size * itemsize for size in sizes) / costs.copy_bytes_per_us
        return saved - copied - len(group) * costs.launch_us

    def _size(self, shape: Shape) -> int:
        known = dict(self.extents)
        total = 1
        for extent in shape:
            total *= (
                known.get(extent.name, ASSUMED_EXTENT) if isinstance(extent, Dim) else extent
            )
        return total

    def _inner(self, layer: Layer) -> int:
        """Products an output element."""
        weight = layer.inputs[1]
        channels = layer.output.shape[1 if isinstance(layer.op, Convolution) else -1]
        if weight is None or not isinstance(channels, int):
            return 1
        return self._size(weight.shape) // max(channels, 1)

    def _rewrite(self, network: Network, group: Sequence[Layer]) -> None:
        first = group[0]
        axis = 1 if isinstance(first.op, Convolution) else first.output.type.rank - 1
        weight = network.add_constant(
            first.inputs[1].name if first.inputs[1] else "weight",
            np.concatenate([_data(layer, 1) for layer in group], axis=_weight_axis(first.op)),
        )
        biases = [_bias(layer, axis) for layer in group]
        bias: Tensor | None = None
        if any(np.any(b) for b in biases):
            bias = network.add_constant(f"{first.name}.biases", np.concatenate(biases))
        op = first.op
        if isinstance(op, Convolution):
            op = replace(op, num_output_maps=0)
        wide = network.add_layer(
            op,
            (first.inputs[0], weight, bias),
            name=" || ".join(layer.name for layer in group),
            origins=merge_origins(group),
            rules=tuple(dict.fromkeys([*(r for la in group for r in la.rules), self.name])),
            before=first,
        )
        wide.precision = first.precision
        start = 0
        for layer in group:
            size = int(str(layer.output.shape[axis]))
            part = Slice(start=(start,), shape=(size,), stride=(1,), axes=(axis,))
            rewrite_layer(network, layer, part, (wide.output,), self.name)
            network.rename_layer(layer, f"{layer.name}.part")
            start += size


def _better_alone(network: Network, layer: Layer) -> Rejection | None:
    """Why a sibling should keep a layer of its own."""
    readers = layer.output.consumers
    if layer.output in network.outputs:
        return Rejection("the result is an output of the network")
    for reader in readers:
        if isinstance(reader.op, Concatenation):
            return Rejection("the result goes straight into a concatenation", (reader.name,))
        if isinstance(reader.op, PointwiseLike) and len(readers) == 1:
            return Rejection("the result would rather end in an epilogue", (reader.name,))
    return None


def _groups(network: Network) -> list[list[Layer]]:
    """Siblings that could be one layer, in order of the first."""
    found: dict[object, list[Layer]] = {}
    for layer in network:
        op = layer.op
        if not isinstance(op, Convolution | MatrixMultiply) or len(layer.inputs) > MAIN_INPUTS:
            continue
        key = _key(layer, op)
        if key is not None:
            found.setdefault(key, []).append(layer)
    return [group for group in found.values() if len(group) > 1]


def _key(layer: Layer, op: Sibling) -> object:
    """What siblings have in common; None for a layer that has no part in this."""
    x, weight, bias = (*layer.inputs, None)[:3]
    if x is None or weight is None or weight.data is None or x.is_constant:
        return None
    if bias is not None and bias.data is None:
        return None
    if any(t is not None and len(t.consumers) > 1 for t in (weight, bias)):
        return None
    common = (id(x), layer.precision, layer.output_types)
    if isinstance(op, Convolution):
        one = all(extent == 1 for extent in weight.data.shape[2:])
        plain = op.num_groups == 1 and not any(op.pre_padding) and not any(op.post_padding)
        return (*common, replace(op, num_output_maps=0)) if one and plain else None
    plain = op.op0 is MatrixOperation.NONE and op.op1 is not MatrixOperation.VECTOR
    return (*common, op) if plain and weight.data.ndim == 2 else None


def _weight_axis(op: Op) -> int:
    """The axis of a weight along which output channels lie."""
    if isinstance(op, MatrixMultiply) and op.op1 is MatrixOperation.NONE:
        return 1
    return 0


def _data(layer: Layer, index: int) -> Array:
    tensor = layer.inputs[index]
    return np.empty(0) if tensor is None or tensor.data is None else tensor.data


def _bias(layer: Layer, axis: int) -> Array:
    """The bias of a layer: zeros when it has none."""
    size = int(str(layer.output.shape[axis]))
    if len(layer.inputs) < 3 or layer.inputs[2] is None:
        return np.zeros(size, layer.output.dtype.numpy)
    return np.broadcast_to(_data(layer, 2).reshape(-1), (size,))
