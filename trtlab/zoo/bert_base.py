"""BERT-base: twelve post-normalized encoder layers and the pooler.

Attention is decomposed as PyTorch's exporter writes Hugging Face's eager attention:
separate projections, Reshape with copied axes, a division of the scores, an additive mask.
Source: Devlin et al. 2019, arXiv:1810.04805; parameter names as in transformers.
"""

import math

import numpy as np

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter

VOCABULARY = 30522
POSITIONS = 512
TOKEN_TYPES = 2
FEATURES = 768
HEADS = 12
HEAD_FEATURES = FEATURES // HEADS
HIDDEN = 3072
LAYERS = 12
EPSILON = 1e-12
EMBEDDING_STD = 0.05
# Scores of spread 2 (the product of two gains), so that attention is neither flat nor one-hot.
QUERY_KEY_GAIN = math.sqrt(2.0)
# Projections that end a branch; unit gains would let every layer replace what came before it.
# Source: Wang et al. 2022, arXiv:2203.00555, section 4.2 (β of encoders, for post-norms).
BRANCH_GAIN = (8 * LAYERS) ** -0.25
# Added to the scores of padding; small enough to vanish, large enough for FP16.
MASKED_SCORE = -10000.0


def write(graph: GraphWriter) -> None:
    """Write it: three id tensors [batch, sequence] -> hidden states and pooled output."""
    with graph.scope("embeddings"):
        x = _embeddings(graph)  # [batch, sequence, 768]
    mask = _additive_mask(graph)  # [batch, 1, 1, sequence]
    for layer in range(LAYERS):
        with graph.scope(f"encoder.layer.{layer}"):
            name = "last_hidden_state" if layer == LAYERS - 1 else ""
            x = _encoder_layer(graph, x, mask, output=name)
    with graph.scope("pooler"):
        first = graph.node("Gather", x, graph.integer(0), axis=1)  # [batch, 768]
        with graph.scope("dense"):
            pooled = graph.gemm(first, (FEATURES, FEATURES), gain=weights.GAIN_LINEAR)
        graph.node("Tanh", pooled, output="pooler_output")
    graph.output("last_hidden_state", "float32", ("batch", "sequence", FEATURES))
    graph.output("pooler_output", "float32", ("batch", FEATURES))


def _embeddings(graph: GraphWriter) -> str:
    """Sum of token, type and position rows, normalized."""
    words = graph.embedding(
        "input_ids", "word_embeddings.weight", (VOCABULARY, FEATURES), EMBEDDING_STD
    )
    types = graph.embedding(
        "token_type_ids",
        "token_type_embeddings.weight",
        (TOKEN_TYPES, FEATURES),
        EMBEDDING_STD,
    )
    buffer = graph.constant(np.arange(POSITIONS, dtype=np.int64)[None])  # [1, 512]
    length = graph.dims(graph.size_of("input_ids", 1))
    position_ids = graph.node(  # [1, sequence]
        "Slice", buffer, graph.integers(0), length, graph.integers(1), graph.integers(1)
    )
    positions = graph.embedding(
        position_ids, "position_embeddings.weight", (POSITIONS, FEATURES), EMBEDDING_STD
    )
    x = graph.node("Add", graph.node("Add", words, types), positions)
    with graph.scope("LayerNorm"):
        return graph.layer_norm(x, FEATURES, epsilon=EPSILON)


def _additive_mask(graph: GraphWriter) -> str:
    """0 where a token is, a large negative number where padding is."""
    mask = graph.node("Unsqueeze", "attention_mask", graph.integers(1))
    mask = graph.node("Unsqueeze", mask, graph.integers(2))  # [batch, 1, 1, sequence]
    kept = graph.node("Cast", mask, to="float32")
    padding = graph.node("Sub", graph.scalar(1.0), kept)
    return graph.node("Mul", padding, graph.scalar(MASKED_SCORE))


def _encoder_layer(graph: GraphWriter, x: str, mask: str, *, output: str) -> str:
    """Attention and feed-forward, each followed by residual sum and normalization."""
    with graph.scope("attention"):
        with graph.scope("self"):
            context = _attention(graph, x, mask)
        with graph.scope("output"):
            x = _project_and_norm(graph, context, x, FEATURES, gain=BRANCH_GAIN)
    with graph.scope("intermediate"):
        with graph.scope("dense"):
            hidden = graph.matmul(x, (FEATURES, HIDDEN), gain=weights.GAIN_LINEAR)
        hidden = graph.gelu_erf(hidden)
    with graph.scope("output"):
        gain = weights.GAIN_GELU * BRANCH_GAIN
        return _project_and_norm(graph, hidden, x, HIDDEN, gain=gain, output=output)


def _attention(graph: GraphWriter, x: str, mask: str) -> str:
    """softmax(Q Kᵀ / √64 + mask) V per head; [b, s, 768] -> [b, s, 768]."""
    query = graph.transpose(_heads(graph, x, "query", QUERY_KEY_GAIN), 0, 2, 1, 3)
    key = graph.transpose(_heads(graph, x, "key", QUERY_KEY_GAIN), 0, 2, 3, 1)
    value = graph.transpose(_heads(graph, x, "value", weights.GAIN_LINEAR), 0, 2, 1, 3)
    scores = graph.node("MatMul", query, key)  # [b, 12, s, s]
    scores = graph.node("Div", scores, graph.scalar(math.sqrt(HEAD_FEATURES)))
    scores = graph.node("Add", scores, mask)
    context = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
    context = graph.transpose(context, 0, 2, 1, 3)  # [b, s, 12, 64]
    return graph.reshape(context, 0, 0, FEATURES)


def _heads(graph: GraphWriter, x: str, name: str, gain: float) -> str:
    """Project and split into heads: [b, s, 768] -> [b, s, 12, 64]."""
    with graph.scope(name):
        projected = graph.matmul(x, (FEATURES, FEATURES), gain=gain)
    return graph.reshape(projected, 0, 0, HEADS, HEAD_FEATURES)


def _project_and_norm(
    graph: GraphWriter, x: str, residual: str, features: int, *, gain: float, output: str = ""
) -> str:
    with graph.scope("dense"):
        x = graph.matmul(x, (features, FEATURES), gain=gain)
    x = graph.node("Add", x, residual)
    with graph.scope("LayerNorm"):
        return graph.layer_norm(x, FEATURES, epsilon=EPSILON, output=output)
