"""Replace calls of the functions that a model defines itself by their bodies."""

from collections.abc import Mapping, Sequence

import onnx
from onnx import inliner

from trtlab.parser.errors import ErrorCode, ModelError, Problem
from trtlab.parser.limits import LIMITS
from trtlab.parser.source import LoadedModel
from trtlab.parser.subgraphs import all_nodes

_Key = tuple[str, str]


def inlined(model: LoadedModel) -> onnx.ModelProto:
    """The model without functions of its own; the same object when it has none.

    Raises:
        ModelError: Functions call each other in a circle, or expand to absurdly many nodes.
    """
    proto = model.proto
    if not proto.functions:
        return proto
    bodies = {(f.domain, f.name): all_nodes(f.node) for f in proto.functions}
    sizes: dict[_Key, int] = {}
    for key in _callees_first(bodies, model.label):
        sizes[key] = sum(sizes.get((n.domain, n.op_type), 1) for n in bodies[key])
    total = sum(sizes.get((n.domain, n.op_type), 1) for n in all_nodes(proto.graph.node))
    if total > LIMITS.nodes:
        text = f"the model's functions expand to {total} nodes; the limit is {LIMITS.nodes}"
        raise ModelError([Problem(ErrorCode.INVALID_GRAPH, text)], source=model.label)
    try:
        return inliner.inline_local_functions(proto)
    except (RuntimeError, ValueError) as error:
        text = f"the model's functions cannot be expanded: {error}"
        raise ModelError(
            [Problem(ErrorCode.INVALID_GRAPH, text)], source=model.label
        ) from error


def _callees_first(bodies: Mapping[_Key, Sequence[onnx.NodeProto]], label: str) -> list[_Key]:
    """The functions, each after those it calls."""
    calls = {
        key: {(n.domain, n.op_type) for n in nodes} & bodies.keys()
        for key, nodes in bodies.items()
    }
    ordered: list[_Key] = []
    while calls:
        ready = [key for key, callees in calls.items() if not callees & calls.keys()]
        if not ready:
            names = ", ".join(sorted(name for _, name in calls))
            text = f"the model's functions call each other in a circle: {names}"
            raise ModelError([Problem(ErrorCode.INVALID_GRAPH, text)], source=label)
        ordered += ready
        for key in ready:
            del calls[key]
    return ordered
