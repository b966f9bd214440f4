"""Check a graph's names, and bring its nodes into topological order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import onnx

from trtlab.parser.errors import ErrorCode, ModelError, Problem
from trtlab.parser.limits import LIMITS
from trtlab.parser.subgraphs import given_names, names_read


@dataclass(frozen=True, slots=True)
class NamedNode:
    """A node with its place in the file and a unique name.

    Attributes:
        index: Position in the file.
        name: The node's own name, or made from operator and index (``Conv_17``) when it is
            empty; a repeated name gets a number.
        proto: The node.
    """

    index: int
    name: str
    proto: onnx.NodeProto


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies around a graph that is inside of a node.

    Attributes:
        tensors: Names that the graph may read.
        nodes: Names that its nodes must not take.
        prefix: Comes before names made up for its nodes.
    """

    tensors: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    prefix: str = ""


def ordered_nodes(
    graph: onnx.GraphProto, opset: int, source: str, around: Surroundings | None = None
) -> tuple[NamedNode, ...]:
    """The nodes, producers before consumers, otherwise as in the file.

    Args:
        graph: The model's, or one inside of a node.
        opset: Version of the operator set, for messages.
        source: The model's file, for messages.
        around: What lies around a graph inside of a node.

    Raises:
        ModelError: Two things have one name, something read is made by nobody, nodes form a
            cycle, or there are absurdly many.
    """
    around = around or Surroundings()
    nodes = _named(graph.node, around)
    given = given_names(graph)
    problems = _duplicates(graph, nodes, given, opset)
    makers = {name: node for node in nodes for name in node.proto.output if name}
    problems += _missing(graph, nodes, given | makers.keys() | around.tensors, opset)
    if problems:
        raise ModelError(
            problems, source=source, hint="check the model with onnx.checker.check_model"
        )
    if len(nodes) > LIMITS.nodes:
        text = f"the graph has {len(nodes)} nodes; the limit is {LIMITS.nodes}"
        raise ModelError([Problem(ErrorCode.INVALID_GRAPH, text)], source=source)
    return _sorted(nodes, makers, opset, source)


def _named(protos: Iterable[onnx.NodeProto], around: Surroundings) -> tuple[NamedNode, ...]:
    protos = tuple(protos)
    explicit = {proto.name for proto in protos}
    used = set(around.nodes)
    nodes: list[NamedNode] = []
    for index, proto in enumerate(protos):
        base = name = proto.name or f"{around.prefix}{proto.op_type}_{index}"
        number = 0
        while name in used or (name in explicit and name != proto.name):
            number += 1
            name = f"{base}_{number}"
        used.add(name)
        nodes.append(NamedNode(index, name, proto))
    return tuple(nodes)


def _duplicates(
    graph: onnx.GraphProto, nodes: Sequence[NamedNode], given: set[str], opset: int
) -> list[Problem]:
    problems = [
        Problem(ErrorCode.INVALID_GRAPH, f"{count} {kind} are named {name!r}")
        for kind, names in (
            ("initializers", Counter(t.name for t in graph.initializer)),
            ("inputs", Counter(v.name for v in graph.input)),
            ("outputs", Counter(v.name for v in graph.output)),
        )
        for name, count in names.items()
        if count > 1
    ]
    makers: dict[str, NamedNode] = {}
    for node in nodes:
        for name in filter(None, node.proto.output):
            other = makers.get(name)
            if other is not None or name in given:
                first = f"node {other.name}" if other else "an input or initializer"
                text = f"its output {name!r} is given by {first} already"
                problems.append(_problem(node, text, opset))
            makers[name] = node
    return problems


def _missing(
    graph: onnx.GraphProto, nodes: Sequence[NamedNode], known: set[str], opset: int
) -> list[Problem]:
    problems = [
        _problem(node, f"it reads {name!r}, which no input, initializer or node gives", opset)
        for node in nodes
        for name in sorted(names_read(node.proto) - known)
    ]
    for value in graph.output:
        if value.name not in known:
            text = f"nothing gives the graph's output {value.name!r}"
            problems.append(Problem(ErrorCode.INVALID_GRAPH, text))
    if not graph.output:
        problems.append(Problem(ErrorCode.INVALID_GRAPH, "the graph has no outputs"))
    return problems


def _problem(node: NamedNode, text: str, opset: int) -> Problem:
    proto = node.proto
    return Problem(ErrorCode.INVALID_NODE, text, node.index, node.name, proto.op_type, opset)


def _sorted(
    nodes: Sequence[NamedNode], makers: dict[str, NamedNode], opset: int, source: str
) -> tuple[NamedNode, ...]:
    readers: dict[int, list[int]] = {}
    waits = [0] * len(nodes)
    for node in nodes:
        for maker in {makers[n].index for n in names_read(node.proto) if n in makers}:
            readers.setdefault(maker, []).append(node.index)
            waits[node.index] += 1
    ready = [node.index for node in nodes if not waits[node.index]]
    ordered: list[NamedNode] = []
    while ready:
        node = nodes[heappop(ready)]
        ordered.append(node)
        for reader in readers.get(node.index, ()):
            waits[reader] -= 1
            if not waits[reader]:
                heappush(ready, reader)
    if len(ordered) < len(nodes):
        stuck = [
            _problem(n, "it waits for its own result", opset) for n in nodes if waits[n.index]
        ]
        raise ModelError(
            [Problem(ErrorCode.INVALID_GRAPH, "nodes form a cycle"), *stuck],
            source=source,
            hint="the file is damaged; export it again",
        )
    return tuple(ordered)
