"""Attention (opset 23), where it is what the layer computes."""

from math import sqrt

from trtlab.core.types import DataType
from trtlab.layers.fused import Attention
from trtlab.layers.shuffle import Concatenation, Shuffle
from trtlab.network.graph import Tensor
from trtlab.parser.errors import ErrorCode
from trtlab.parser.node import Converted, Node
from trtlab.parser.shapes import Size, reshape


def attention(node: Node) -> Converted:
    """Attention, of heads as their own axis or packed into the features; with past keys."""
    _refuse(node)
    query, key, value = (node.input(i) for i in range(3))
    ranks = {len(t.shape) for t in (query, key, value)}
    if ranks not in ({3}, {4}):
        wrong = " and ".join(map(str, sorted(ranks)))
        raise node.invalid(f"query, key and value have {wrong} dimensions, not 3 or 4")
    packed = ranks == {3}
    if packed:
        heads, groups = node.attr_int("q_num_heads", 0), node.attr_int("kv_num_heads", 0)
        query = _split(node, query, heads, "query")
        key, value = _split(node, key, groups, "key"), _split(node, value, groups, "value")
    past_key, past_value = node.optional(4), node.optional(5)
    if past_key is not None and past_value is not None:
        key = node.emit(Concatenation(axis=2), past_key, key, part="present_key")
        value = node.emit(Concatenation(axis=2), past_value, value, part="present_value")
    features = query.shape[3]
    if not isinstance(features, int) or not features:
        raise node.unsupported(f"heads of {features} features")
    op = Attention(
        scale=node.attr_float("scale", 1 / sqrt(features)),
        causal=node.attr_int("is_causal", 0) != 0,
    )
    mask = node.optional(3)
    if mask is not None and mask.dtype is not DataType.BOOL:
        mask = node.cast(mask, query.dtype, "mask")
    result = node.emit(op, query, key, value, mask, part="heads" if packed else "")
    if packed:
        merged = node.emit(Shuffle(first_transpose=(0, 2, 1, 3)), result, part="merged")
        result = reshape(node, merged, (Size((0,)), Size((1,)), Size((2, 3))))
    return result, key, value


def _refuse(node: Node) -> None:
    if node.attr_float("softcap", 0.0):
        raise node.unsupported("softcap is not supported", ErrorCode.UNSUPPORTED_NODE_ATTR)
    if node.optional(6) is not None:
        raise node.unsupported(
            "nonpad_kv_seqlen is not supported", ErrorCode.UNSUPPORTED_NODE_INPUT
        )
    if node.attr_int("is_causal", 0) and node.optional(4) is not None:
        raise node.unsupported(
            "a causal mask with past keys is not supported", ErrorCode.UNSUPPORTED_NODE_ATTR
        )


def _split(node: Node, x: Tensor, heads: int, part: str) -> Tensor:
    """[B, S, H·D] as [B, H, S, D]."""
    features = x.shape[2]
    if heads < 1 or not isinstance(features, int) or features % heads:
        raise node.invalid(f"{features} features do not divide into {heads} heads")
    sizes = (Size((0,)), Size((1,)), heads, features // heads)
    split = reshape(node, x, sizes, part=f"{part}.heads")
    return node.emit(Shuffle(first_transpose=(0, 2, 1, 3)), split, part=part)
