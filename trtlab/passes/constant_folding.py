"""``f(c₁, c₂, …)`` with constant c: computed now.

Safe because the operators' own NumPy meaning computes it, and random fills stay.
Needs every input to be constant, and a result that is no larger than all inputs together, or
than a limit: an Expand to gigabytes is better done while running.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import FillOperation
from trtlab.core.types import is_static, nbytes, static
from trtlab.layers.base import Array, Op
from trtlab.layers.creation import Constant, Fill
from trtlab.network.graph import Layer, Network
from trtlab.passes.base import Match, Rejection, Rule
from trtlab.passes.edit import settle

SMALL_INPUT_BYTES = 1 << 16  # a result of unknown size is computed from inputs up to this


@dataclass(frozen=True)
class ConstantFolding(Rule[Match]):
    """Compute layers whose inputs are constant.

    Attributes:
        limit_bytes: Largest result that may be larger than its inputs.
    """

    name: ClassVar[str] = "constant-folding"
    roots = (Op,)
    limit_bytes: int = 1 << 22

    def _match(self, network: Network, layer: Layer) -> Match | Rejection | None:
        if not all(t is None or t.data is not None for t in layer.inputs):
            return None
        if isinstance(layer.op, Constant):
            return None if layer.output in network.outputs else Match((layer,))
        if isinstance(layer.op, Fill) and layer.op.op is not FillOperation.LINSPACE:
            return None
        if len(layer.outputs) > 1 and any(t in network.outputs for t in layer.outputs):
            return Rejection("one of several results is an output of the network")
        given = sum(
            t.data.nbytes for t in layer.inputs if t is not None and t.data is not None
        )
        made = [t.type for t in layer.outputs]
        if not all(is_static(t.shape) for t in made):
            return Match((layer,)) if given <= SMALL_INPUT_BYTES else None
        size = sum(nbytes(t.dtype, static(t.shape)) for t in made)
        if size > max(given, self.limit_bytes):
            return Rejection(f"the result would take {size} bytes of weights")
        return Match((layer,))

    def _rewrite(self, network: Network, match: Match) -> None:
        layer = match.root
        settle(network, layer, constants_of(layer), self.name)


def constants_of(layer: Layer) -> tuple[Array, ...]:
    """What a layer with constant inputs gives."""
    held = tuple(t.data for t in layer.outputs if t.data is not None)
    if isinstance(layer.op, Constant):
        return held
    with np.errstate(all="ignore"):
        return layer.op.evaluate([None if t is None else t.data for t in layer.inputs])
