"""Graphs inside of nodes: the branches of If, the bodies of Loop and Scan."""

from collections.abc import Iterable, Iterator

import onnx


def graphs_in(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs in a node's attributes, not those inside of them."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_graphs(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.GraphProto]:
    """The graphs in the nodes, those in their nodes, and so on."""
    waiting = [graph for node in nodes for graph in graphs_in(node)]
    while waiting:
        graph = waiting.pop()
        yield graph
        waiting += [inner for node in graph.node for inner in graphs_in(node)]


def all_nodes(nodes: Iterable[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The nodes and those of all graphs in them."""
    nodes = list(nodes)
    return nodes + [node for graph in all_graphs(nodes) for node in graph.node]


def given_names(graph: onnx.GraphProto) -> set[str]:
    """What needs no node of the graph: its inputs and initializers."""
    names = {value.name for value in graph.input} | {t.name for t in graph.initializer}
    return names | {sparse.values.name for sparse in graph.sparse_initializer}


def names_read(node: onnx.NodeProto) -> set[str]:
    """What a node reads: its inputs, and what its graphs take from around them."""
    read = {name for name in node.input if name}
    if not any(True for _ in graphs_in(node)):
        return read
    made: set[str] = set()
    for graph in all_graphs([node]):
        read |= {name for inner in graph.node for name in inner.input if name}
        read |= {value.name for value in graph.output}
        made |= given_names(graph) | {name for inner in graph.node for name in inner.output}
    return read - made
