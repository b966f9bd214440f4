"""GPT-2 small, prefill: all logits of a prompt in one pass, no key-value cache.

Shapes are computed inside the graph (Shape, Gather, Unsqueeze, Concat, Reshape), the
causal mask is a slice of a constant triangle, projections are Gemms over flattened
tokens, and the output head shares the token table's weight through a Transpose.
Source: Radford et al. 2019; parameter names and decomposition as exported from transformers.
"""

import math

import numpy as np

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter

VOCABULARY = 50257
POSITIONS = 1024
FEATURES = 768
HEADS = 12
HEAD_FEATURES = FEATURES // HEADS
HIDDEN = 3072
LAYERS = 12
EPSILON = 1e-5
TOKEN_STD = 0.1
POSITION_STD = 0.03
# Queries, keys and values share one weight; scores get the spread gain².
QKV_GAIN = math.sqrt(2.0)
# Source: Radford et al. 2019, section 2.3: 1 / √(residual layers), times the tokens' scale.
BRANCH_GAIN = TOKEN_STD / math.sqrt(2.0 * LAYERS)
MASKED_SCORE = -10000.0


def write(graph: GraphWriter) -> None:
    """Write it: ``input_ids`` [batch, sequence] -> ``logits`` [batch, sequence, 50257]."""
    with graph.scope("transformer"):
        x = _embeddings(graph)  # [b, s, 768]
        triangle = graph.constant(
            np.tril(np.ones((1, 1, POSITIONS, POSITIONS), dtype=np.bool_))
        )
        for layer in range(LAYERS):
            with graph.scope(f"h.{layer}"):
                x = _block(graph, x, triangle)
        with graph.scope("ln_f"):
            x = graph.layer_norm(x, FEATURES, epsilon=EPSILON)
    with graph.scope("lm_head"):
        head = graph.transpose("transformer.wte.weight", 1, 0)  # [768, 50257]
        graph.node("MatMul", x, head, output="logits")
    graph.output("logits", "float32", ("batch", "sequence", VOCABULARY))


def _embeddings(graph: GraphWriter) -> str:
    """Token rows plus rows of positions 0 .. sequence - 1."""
    tokens = graph.embedding("input_ids", "wte.weight", (VOCABULARY, FEATURES), TOKEN_STD)
    length = graph.size_of("input_ids", 1)
    steps = graph.node("Range", graph.integer(0), length, graph.integer(1))  # [s]
    position_ids = graph.node("Unsqueeze", steps, graph.integers(0))  # [1, s]
    positions = graph.embedding(
        position_ids, "wpe.weight", (POSITIONS, FEATURES), POSITION_STD
    )
    return graph.node("Add", tokens, positions)


def _block(graph: GraphWriter, x: str, triangle: str) -> str:
    """One layer: x + attention(norm(x)), then x + mlp(norm(x))."""
    with graph.scope("ln_1"):
        y = graph.layer_norm(x, FEATURES, epsilon=EPSILON)
    with graph.scope("attn"):
        y = _attention(graph, y, triangle)
    x = graph.node("Add", y, x)
    with graph.scope("ln_2"):
        y = graph.layer_norm(x, FEATURES, epsilon=EPSILON)
    with graph.scope("mlp"):
        y = _dense(graph, y, "c_fc", (FEATURES, HIDDEN), weights.GAIN_LINEAR)
        with graph.scope("act"):
            y = graph.gelu_tanh(y)
        y = _dense(graph, y, "c_proj", (HIDDEN, FEATURES), weights.GAIN_GELU * BRANCH_GAIN)
    return graph.node("Add", x, y)


def _attention(graph: GraphWriter, x: str, triangle: str) -> str:
    """Causal softmax(Q Kᵀ / √64) V per head; [b, s, 768] -> [b, s, 768]."""
    qkv = _dense(graph, x, "c_attn", (FEATURES, 3 * FEATURES), QKV_GAIN)
    parts = graph.node_with_outputs(
        "Split", qkv, graph.integers(FEATURES, FEATURES, FEATURES), count=3, axis=2
    )
    query, key, value = (_split_heads(graph, part) for part in parts)  # [b, s, 12, 64]
    query = graph.transpose(query, 0, 2, 1, 3)
    key = graph.transpose(key, 0, 2, 3, 1)
    value = graph.transpose(value, 0, 2, 1, 3)
    scores = graph.node("MatMul", query, key)  # [b, 12, s, s]
    scores = graph.node("Div", scores, graph.scalar(math.sqrt(HEAD_FEATURES)))
    visible = _causal_mask(graph, scores, triangle)
    scores = graph.node("Where", visible, scores, graph.scalar(MASKED_SCORE))
    context = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
    context = graph.transpose(context, 0, 2, 1, 3)  # [b, s, 12, 64]
    sizes = graph.dims(graph.size_of(context, 0), graph.size_of(context, 1), FEATURES)
    context = graph.node("Reshape", context, sizes, allowzero=0)
    return _dense(graph, context, "c_proj", (FEATURES, FEATURES), BRANCH_GAIN)


def _causal_mask(graph: GraphWriter, scores: str, triangle: str) -> str:
    """The triangle's upper left corner: bool [1, 1, s, s]."""
    mask = triangle
    for axis in (2, 3):
        end = graph.dims(graph.size_of(scores, axis))
        mask = graph.node(
            "Slice", mask, graph.integers(0), end, graph.integers(axis), graph.integers(1)
        )
    return mask


def _split_heads(graph: GraphWriter, x: str) -> str:
    """[b, s, 768] -> [b, s, 12, 64], the leading sizes read from the tensor."""
    sizes = graph.dims(graph.size_of(x, 0), graph.size_of(x, 1), HEADS, HEAD_FEATURES)
    return graph.node("Reshape", x, sizes, allowzero=0)


def _dense(
    graph: GraphWriter, x: str, name: str, features: tuple[int, int], gain: float
) -> str:
    """Transformers' Conv1D: flatten tokens, Gemm, unflatten; [b, s, I] -> [b, s, O]."""
    with graph.scope(name):
        sizes = graph.dims(graph.size_of(x, 0), graph.size_of(x, 1), features[1])
        flat = graph.reshape(x, -1, features[0])  # [b * s, I]
        flat = graph.gemm(flat, features, gain=gain, transposed=False)
        return graph.node("Reshape", flat, sizes, allowzero=0)
