"""If, where the condition is known while parsing; nothing here runs conditionally."""

from trtlab.parser.node import Converted, Node


def conditional(node: Node) -> Converted:
    """If: the chosen branch takes the node's place."""
    known = node.known(node.input(0))
    branches = {name: node.attr_graph(name) for name in ("then_branch", "else_branch")}
    if known is None or known.size != 1:
        raise node.unsupported(
            "operator If is supported only where its condition is known while parsing; "
            f"{node.input(0).name} depends on the inputs",
            hint="export the model without the condition, or with inputs of fixed size",
        )
    chosen = branches["then_branch" if known.reshape(()) else "else_branch"]
    if chosen is None:
        raise node.invalid("a branch is missing")
    results = node.convert_graph(chosen)
    if len(results) != len(node.proto.output):
        raise node.invalid(
            f"a branch gives {len(results)} of {len(node.proto.output)} results"
        )
    return results
