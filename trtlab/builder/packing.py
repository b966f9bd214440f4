"""Constants as the chosen tactics want them, taken out of the network."""

from collections.abc import Callable, Mapping

from trtlab.engine.weights import aligned
from trtlab.layers.base import Array
from trtlab.network.graph import Network, Tensor
from trtlab.network.types_at import Inferred
from trtlab.planner.plan import LayerChoice, weight_key
from trtlab.tactics.formats import problem_of
from trtlab.tactics.registry import TacticRegistry


def pack(
    network: Network,
    inferred: Inferred,
    choices: Mapping[str, LayerChoice],
    registry: TacticRegistry,
    advance: Callable[[], bool],
) -> dict[str, Array]:
    """Let every tactic arrange its constants, then take them out of the network."""
    weights: dict[str, Array] = {}
    constants: set[Tensor] = set()
    shared: dict[int, Array] = {}  # what several layers read as it is is kept once
    for layer in network.layers:
        advance()
        held = {
            i: t.data
            for i, t in enumerate(layer.inputs)
            if t is not None and t.data is not None
        }
        constants.update(t for t in layer.inputs if t is not None and t.data is not None)
        choice = choices[layer.name]
        if not held or all(t in inferred.known for t in layer.outputs):
            continue
        tactic = registry.find(choice.tactic) if choice.tactic else None
        problem = problem_of(layer, inferred, choice.format)
        packed = held if tactic is None else tactic.pack(problem, held)
        for i, array in packed.items():
            untouched = any(array is original for original in held.values())
            if untouched and id(array) not in shared:
                shared[id(array)] = aligned(array)
            weights[weight_key(layer, i)] = shared[id(array)] if untouched else aligned(array)
    for tensor in constants:
        tensor.data, tensor.detached = None, True
    return weights
