"""``y = f(x), z = f(x)``: z is y.

Safe because operators are functions; random fills are not, and stay.
Needs equal operators, options, precision requests and inputs. Constants are equal when they
hold the same small array; two network outputs are never made one.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.enums import FillOperation
from trtlab.layers.creation import Constant, Fill
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import PassResult, is_dead
from trtlab.passes.edit import absorb, stamp

COMPARED_BYTES = 4096  # larger constants are equal only when they are the same array


@dataclass(frozen=True)
class CommonSubexpressions:
    """Let readers of a repeated layer read the first one."""

    name: ClassVar[str] = "common-subexpressions"

    def run(self, network: Network) -> PassResult:
        """One walk in order: inputs are made one before their readers are compared."""
        first: dict[Hashable, Layer] = {}
        changes = 0
        for layer in network:
            if not _is_function(layer) or is_dead(network, layer):
                continue
            known = first.setdefault(_key(layer), layer)
            if known is layer or not _replaceable(network, layer, known):
                continue
            for old, new in zip(layer.outputs, known.outputs, strict=True):
                network.replace_uses(old, new)
            network.remove(layer)
            absorb(known, (known, layer))
            stamp(known, self.name)
            changes += 1
        return PassResult(changes)


def _is_function(layer: Layer) -> bool:
    if isinstance(layer.op, Constant):
        return False
    return not isinstance(layer.op, Fill) or layer.op.op is FillOperation.LINSPACE


def _key(layer: Layer) -> Hashable:
    read = tuple(None if t is None else _identity(t) for t in layer.inputs)
    return (layer.op, read, layer.precision, layer.output_types)


def _identity(tensor: Tensor) -> Hashable:
    if tensor.data is not None and tensor.data.nbytes <= COMPARED_BYTES:
        return (tensor.type, tensor.data.tobytes())
    return id(tensor if tensor.data is None else tensor.data)


def _replaceable(network: Network, layer: Layer, known: Layer) -> bool:
    """A network output can only be replaced by a tensor that is none."""
    return not any(
        old in network.outputs and new in network.outputs
        for old, new in zip(layer.outputs, known.outputs, strict=True)
    )
