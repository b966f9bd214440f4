"""LSTM, GRU and RNN."""

from trtlab.core.enums import RNNKind
from trtlab.layers.recurrent import Recurrent
from trtlab.parser.errors import ErrorCode
from trtlab.parser.node import Converted, Node

_DEFAULTS = {
    RNNKind.LSTM: ("sigmoid", "tanh", "tanh"),
    RNNKind.GRU: ("sigmoid", "tanh"),
    RNNKind.TANH: ("tanh",),
    RNNKind.RELU: ("relu",),
}


def _options(node: Node, cell: RNNKind) -> Recurrent:
    direction = node.attr_str("direction", "forward")
    if direction not in {"forward", "reverse", "bidirectional"}:
        raise node.invalid(f"direction {direction!r} does not exist")
    wanted = _DEFAULTS[cell] * (2 if direction == "bidirectional" else 1)
    given = tuple(f.lower() for f in node.attr_strs("activations") or wanted)
    if given != wanted:
        raise node.unsupported(
            f"activations {', '.join(given)}; supported are {', '.join(wanted)}",
            ErrorCode.UNSUPPORTED_NODE_ATTR,
        )
    for name in ("clip", "activation_alpha", "activation_beta"):
        if node.has(name):
            raise node.unsupported(
                f"its attribute {name} is not supported", ErrorCode.UNSUPPORTED_NODE_ATTR
            )
    if node.attr_int("input_forget", 0):
        raise node.unsupported(
            "coupled gates (input_forget) are not supported", ErrorCode.UNSUPPORTED_NODE_ATTR
        )
    hidden = node.attr_int("hidden_size", 0)
    weights = node.input(2).shape[-1]
    return Recurrent(
        cell=cell,
        hidden_size=hidden or (weights if isinstance(weights, int) else 0),
        direction=direction,
        linear_before_reset=node.attr_int("linear_before_reset", 0) != 0,
        batch_first=node.attr_int("layout", 0) != 0,
    )


def lstm(node: Node) -> Converted:
    """LSTM: x, W, R, B, lengths, initial h, initial c, peephole weights."""
    inputs = [node.optional(i) for i in range(8)]
    return node.emit_all(_options(node, RNNKind.LSTM), *inputs)


def gru(node: Node) -> Converted:
    """GRU."""
    inputs = [node.optional(i) for i in range(6)]
    return node.emit_all(_options(node, RNNKind.GRU), *inputs)


def rnn(node: Node) -> Converted:
    """RNN with tanh or relu."""
    names = node.attr_strs("activations") or ("Tanh",)
    cell = RNNKind.RELU if names[0].lower() == "relu" else RNNKind.TANH
    inputs = [node.optional(i) for i in range(6)]
    return node.emit_all(_options(node, cell), *inputs)
