"""ViT-B/16: a pre-normalized transformer encoder over 16×16 image patches.

Attention is decomposed as in exports of timm's eager attention: one fused projection, a
five-dimensional Reshape and Transpose, three Gathers, and scaled queries.
Source: Dosovitskiy et al. 2021, arXiv:2010.11929.
"""

import math

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter
from trtlab.zoo.weights import Normal

PATCH = 16
PATCHES = (224 // PATCH) ** 2
TOKENS = PATCHES + 1
FEATURES = 768
HEADS = 12
HEAD_FEATURES = FEATURES // HEADS
HIDDEN = 3072
LAYERS = 12
CLASSES = 1000
EPSILON = 1e-6
TOKEN_STD = 0.5
# Queries, keys and values share one weight; scores get the spread gain².
QKV_GAIN = math.sqrt(2.0)
# Each of the 24 branches adds little to the tokens, as in GPT-2.
BRANCH_GAIN = TOKEN_STD / math.sqrt(2.0 * LAYERS)


def write(graph: GraphWriter) -> None:
    """Write the network: ``x`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000]."""
    x = _tokens(graph, "x")
    for layer in range(LAYERS):
        with graph.scope(f"blocks.{layer}"):
            x = _block(graph, x)
    with graph.scope("norm"):
        x = graph.layer_norm(x, FEATURES, epsilon=EPSILON)
    x = graph.node("Gather", x, graph.integer(0), axis=1)  # class token, [batch, 768]
    with graph.scope("head"):
        graph.gemm(x, (FEATURES, CLASSES), gain=weights.GAIN_LINEAR, output="logits")
    graph.output("logits", "float32", ("batch", CLASSES))


def _tokens(graph: GraphWriter, x: str) -> str:
    """Patches as tokens, behind the class token: [b, 3, 224, 224] -> [b, 197, 768]."""
    with graph.scope("patch_embed"):
        with graph.scope("proj"):
            x = graph.conv(  # [b, 768, 14, 14]
                x,
                (3, FEATURES),
                kernel=PATCH,
                stride=PATCH,
                gain=weights.GAIN_LINEAR,
                bias=True,
            )
        x = graph.reshape(x, 0, FEATURES, -1)  # [b, 768, 196]
        x = graph.transpose(x, 0, 2, 1)  # [b, 196, 768]
    token = graph.parameter("cls_token", (1, 1, FEATURES), Normal(TOKEN_STD))
    batch = graph.size_of(x, 0)
    token = graph.node("Expand", token, graph.dims(batch, 1, FEATURES))  # [b, 1, 768]
    x = graph.node("Concat", token, x, axis=1)
    positions = graph.parameter("pos_embed", (1, TOKENS, FEATURES), Normal(TOKEN_STD))
    return graph.node("Add", x, positions)


def _block(graph: GraphWriter, x: str) -> str:
    """One layer: x + attention(norm(x)), then x + mlp(norm(x))."""
    with graph.scope("norm1"):
        y = graph.layer_norm(x, FEATURES, epsilon=EPSILON)
    with graph.scope("attn"):
        y = _attention(graph, y)
    x = graph.node("Add", x, y)
    with graph.scope("norm2"):
        y = graph.layer_norm(x, FEATURES, epsilon=EPSILON)
    with graph.scope("mlp.fc1"):
        y = graph.matmul(y, (FEATURES, HIDDEN), gain=weights.GAIN_LINEAR)
    with graph.scope("mlp.act"):
        y = graph.gelu_erf(y)
    with graph.scope("mlp.fc2"):
        y = graph.matmul(y, (HIDDEN, FEATURES), gain=weights.GAIN_GELU * BRANCH_GAIN)
    return graph.node("Add", x, y)


def _attention(graph: GraphWriter, x: str) -> str:
    """softmax(Q / √64 · Kᵀ) V per head; [b, 197, 768] -> [b, 197, 768]."""
    with graph.scope("qkv"):
        qkv = graph.matmul(x, (FEATURES, 3 * FEATURES), gain=QKV_GAIN)
    qkv = graph.reshape(qkv, 0, TOKENS, 3, HEADS, HEAD_FEATURES)
    qkv = graph.transpose(qkv, 2, 0, 3, 1, 4)  # [3, b, 12, 197, 64]
    query, key, value = (graph.node("Gather", qkv, graph.integer(i), axis=0) for i in range(3))
    query = graph.node("Mul", query, graph.scalar(1 / math.sqrt(HEAD_FEATURES)))
    scores = graph.node("MatMul", query, graph.transpose(key, 0, 1, 3, 2))  # [b, 12, 197, 197]
    context = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
    context = graph.transpose(context, 0, 2, 1, 3)  # [b, 197, 12, 64]
    context = graph.reshape(context, 0, TOKENS, FEATURES)
    with graph.scope("proj"):
        return graph.matmul(context, (FEATURES, FEATURES), gain=BRANCH_GAIN)
