"""``y = f(x)`` with y never read: gone.

Safe because layers have no effect but their outputs.
Needs every output of the layer to be unread and no network output. Unread inputs of the
network stay: they are part of its interface.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.network.graph import Network
from trtlab.passes.base import PassResult, is_dead


@dataclass(frozen=True)
class DeadCode:
    """Remove layers that nobody reads, readers before producers."""

    name: ClassVar[str] = "dead-code"

    def run(self, network: Network) -> PassResult:
        """One walk from the end takes whole chains out."""
        changes = 0
        for layer in reversed(network.layers):
            if is_dead(network, layer):
                network.remove(layer)
                changes += 1
        return PassResult(changes)
