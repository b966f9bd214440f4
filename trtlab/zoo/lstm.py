"""Two LSTM layers and a linear head: frame-wise phoneme scores, as in speech recognition.

Batch-first like torch.nn.LSTM(batch_first=True), hence the transpositions; the direction
axis that ONNX adds is squeezed away.
Source: Hochreiter and Schmidhuber 1997; Graves et al. 2013, arXiv:1303.5778.
"""

import math

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter
from trtlab.zoo.weights import Normal

FEATURES = 80
HIDDEN = 512
LAYERS = 2
CLASSES = 61
# Gates wide enough that two layers of sigmoid and tanh do not flatten the signal.
INPUT_GAIN = 2.0
RECURRENT_GAIN = 1.5


def write(graph: GraphWriter) -> None:
    """Write it: ``x`` [batch, sequence, 80] -> ``logits`` [batch, sequence, 61]."""
    x = graph.transpose("x", 1, 0, 2)  # [sequence, batch, 80]
    features = FEATURES
    for layer in range(LAYERS):
        with graph.scope(f"lstm.{layer}"):
            x = _lstm(graph, x, features)
        features = HIDDEN
    x = graph.transpose(x, 1, 0, 2)  # [batch, sequence, 512]
    with graph.scope("head"):
        fill = weights.fan_in_normal(HIDDEN, 2.0, (0,))
        x = graph.node("MatMul", x, graph.parameter("weight", (HIDDEN, CLASSES), fill))
        bias = graph.parameter("bias", (CLASSES,), weights.BIAS)
        graph.node("Add", x, bias, output="logits")
    graph.output("logits", "float32", ("batch", "sequence", CLASSES))


def _lstm(graph: GraphWriter, x: str, features: int) -> str:
    """One direction, gates in ONNX's order i o f c: [s, b, features] -> [s, b, HIDDEN]."""
    gates = 4 * HIDDEN
    output = graph.node_with_outputs(
        "LSTM",
        x,
        graph.parameter("W", (1, gates, features), Normal(INPUT_GAIN / math.sqrt(features))),
        graph.parameter("R", (1, gates, HIDDEN), Normal(RECURRENT_GAIN / math.sqrt(HIDDEN))),
        graph.parameter("B", (1, 2 * gates), weights.BIAS),
        count=3,
        hidden_size=HIDDEN,
    )[0]  # [s, 1, b, HIDDEN]
    return graph.node("Squeeze", output, graph.integers(1))
