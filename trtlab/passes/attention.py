"""``softmax(c · q kᵀ + m) · v = attention(q, k, v, m, c)``.

Safe because it is the definition. The factor c may stand on the scores, on q or on k; the mask
may be added, or select a very low score (which is then added: next to a score that may be seen
both vanish). A mask that provably hides t > s exactly becomes ``causal``.
Needs four dimensions (or three, which get a batch of one), softmax over the keys, equal batch
and heads, and values between that nobody else reads.
Source: Vaswani et al. 2017, arXiv:1706.03762.
"""

from dataclasses import dataclass
from typing import ClassVar

from trtlab.core.enums import ElementWiseOperation, MatrixOperation
from trtlab.core.types import Shape
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.fused import Attention as AttentionOp
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.reduction import SoftMax
from trtlab.layers.shuffle import Shuffle, Squeeze, Unsqueeze
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.attention_scores import Mask, Scores, scores_of
from trtlab.passes.base import Match, Rejection, Rule, is_dead
from trtlab.passes.edit import absorb, fuse, stamp
from trtlab.passes.look import made_by, producer, shared
from trtlab.passes.matmul_scale import scaled_tensor
from trtlab.passes.reshape import Move, move_of, normal, shuffle_for
from trtlab.passes.shuffle_merge import joined

RANKS = (3, 4)


@dataclass(frozen=True)
class AttentionMatch(Match):
    """The layers of an attention and what it reads.

    Attributes:
        q: [B, H, S, D], without its factor.
        k: [B, H, T, D], or [B, H, D, T] when ``k_transposed``; without its factor.
        key: The layer that gives [B, H, D, T] of ``k``, when it is to give [B, H, T, D].
        k_move: How it then does so; None when ``k`` is so already.
        v: [B, H, T, Dv].
        scale: All factors together.
        masks: Of the scores.
    """

    q: Tensor
    k: Tensor
    key: Layer | None
    k_move: Shuffle | None
    k_transposed: bool
    v: Tensor
    scale: float
    masks: tuple[Mask, ...]


@dataclass(frozen=True)
class Attention(Rule[AttentionMatch]):
    """Recognize scaled dot-product attention."""

    name: ClassVar[str] = "attention"
    roots = (MatrixMultiply,)

    def _match(self, network: Network, layer: Layer) -> AttentionMatch | Rejection | None:
        op, (weights, v, *_) = layer.op, layer.inputs
        soft = made_by(weights, SoftMax)
        if soft is None or weights is None or v is None or not isinstance(op, MatrixMultiply):
            return None
        if not _is_bare(layer, op) or op.op1 is not MatrixOperation.NONE:
            return Rejection("something else is computed on the product with the values")
        rank = weights.type.rank
        if rank not in RANKS or soft[1].log or soft[1].axes not in {(rank - 1,), (-1,)}:
            return Rejection("the softmax is not over the keys", (soft[0].name,))
        scores = scores_of(network, soft[0])
        if scores is None or isinstance(scores, Rejection):
            return scores
        product, kind = scores.product, scores.op
        if not _is_bare(product, kind, alpha=True):
            return Rejection("something else is computed on the scores", (product.name,))
        verdict = shared(network, weights, layer)
        return verdict or _assembled(layer, soft[0], scores, v)

    def _rewrite(self, network: Network, match: AttentionMatch) -> None:
        root, k, key = match.root, match.k, match.key
        moved: Layer | None = None
        if key is not None and match.k_move is not None:
            moved = network.add_layer(match.k_move, (k,), name="key", before=root)
            absorb(moved, (key, moved))
            stamp(moved, self.name)
            k = moved.output
        causal = any(mask.is_causal for mask in match.masks)
        added = [m.added(network, root, self.name) for m in match.masks if not m.is_causal]
        mask = None
        for tensor in added:
            mask = tensor if mask is None else _sum(network, root, mask, tensor, self.name)
        op = AttentionOp(match.scale, causal, k_transposed=match.k_transposed)
        parts = [match.q, k, match.v, *([] if mask is None else [mask])]
        fused = self._fused(network, match, op, parts)
        if moved is not None and key is not None and is_dead(network, key):
            network.remove(key)
            network.rename_layer(moved, key.name)
        stamp(fused, self.name)

    def _fused(
        self, network: Network, match: AttentionMatch, op: AttentionOp, parts: list[Tensor]
    ) -> Layer:
        """Put the operator in; three dimensions get a batch of one around it."""
        root = match.root
        if root.output.type.rank == max(RANKS):
            return fuse(network, match.layers, op, parts, self.name)
        wide = [_with_batch(network, root, t, self.name) for t in parts]
        inner = network.add_layer(op, wide, name="heads", before=root)
        kept = fuse(network, match.layers, Squeeze((0,)), (inner.output,), self.name)
        inner.origins, inner.precision, inner.rules = kept.origins, kept.precision, kept.rules
        # The work is the inner layer's, so it gets the joined name.
        name = kept.name
        network.rename_layer(kept, f"{name}.squeeze")
        network.rename_layer(inner, name)
        return inner


def _is_bare(layer: Layer, op: MatrixMultiply, *, alpha: bool = False) -> bool:
    """A product with nothing on it (but alpha, where allowed), of a plain left operand."""
    bias = layer.inputs[2] if len(layer.inputs) > 2 else None
    plain = op.op0 is MatrixOperation.NONE and op.op1 is not MatrixOperation.VECTOR
    return plain and bias is None and not op.epilogue and (alpha or op.alpha == 1)


def _assembled(
    layer: Layer, soft: Layer, scores: Scores, v: Tensor
) -> AttentionMatch | Rejection:
    """The match, if queries, keys and values fit each other."""
    product, op = scores.product, scores.op
    q, b = product.inputs[0], product.inputs[1]
    if q is None or b is None:
        return Rejection("an operand is missing", (product.name,))
    before: list[Layer] = []
    scale = scores.scale * op.alpha
    q, factor = _unscaled(q, before)
    k, k_factor = _unscaled(b, before)
    move: Shuffle | None = None
    key: Layer | None = None
    transposed = op.op1 is MatrixOperation.NONE
    if transposed:
        found = _untransposed(k)
        if found is not None:
            key, move = found
            source = key.inputs[0]
            transposed = False
            if source is not None:
                k, more = _unscaled(source, before)
                k_factor *= more
    keys = k.shape if move is None else _moved_shape(move, k)
    if transposed:
        keys = (*keys[:-2], keys[-1], keys[-2])
    if not _fit(q.shape, keys, v.shape):
        shapes = f"{_text(q.shape)}, {_text(keys)}, {_text(v.shape)}"
        return Rejection(f"queries, keys and values differ in batch or heads: {shapes}")
    layers = (*before, product, *scores.layers, soft, layer)
    return AttentionMatch(
        layers, q, k, key, move, transposed, v, scale * factor * k_factor, scores.masks
    )


def _unscaled(tensor: Tensor, before: list[Layer]) -> tuple[Tensor, float]:
    """What a tensor is a multiple of, and the factor; the layers between go in front."""
    factor = 1.0
    while tensor.producer is not None and not tensor.is_constant:
        scaled = scaled_tensor(tensor.producer)
        if scaled is None:
            break
        before.insert(0, tensor.producer)
        tensor, factor = scaled[0], factor * scaled[1]
    return tensor, factor


def _untransposed(tensor: Tensor) -> tuple[Layer, Shuffle | None] | None:
    """The Shuffle that makes keys [.., D, T], and one that makes [.., T, D] of its input.

    The second is None when the input has that form itself.
    """
    layer = producer(tensor, Shuffle, Squeeze, Unsqueeze)
    move = None if layer is None else move_of(layer)
    source = None if layer is None else layer.inputs[0]
    if layer is None or move is None or source is None:
        return None
    rank = tensor.type.rank
    identity = tuple(range(rank))
    swap = Move((*identity[:-2], rank - 1, rank - 2), None, identity)
    merged = joined(move, normal(tensor.shape, swap), source.shape)
    if merged is None:
        return None
    if merged.middle is None and merged.is_reshape:
        return layer, None
    op = shuffle_for(source.shape, merged)
    return None if op is None else (layer, op)


def _moved_shape(move: Shuffle, tensor: Tensor) -> Shape:
    return move.infer([tensor.type], [None])[0].shape


def _fit(q: Shape, k: Shape, v: Shape) -> bool:
    """Equal batch; as many key heads as query heads, or one for all; a value for each key."""
    if len(q) != len(k) or len(k) != len(v) or q[-1] != k[-1] or k[-2] != v[-2]:
        return False
    if k[:-2] != v[:-2]:
        return False
    batch = (1, *q[:-2])[-2:]
    groups = (1, *k[:-2])[-2:]
    return batch[0] == groups[0] and groups[1] in {batch[1], 1}


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _sum(network: Network, root: Layer, a: Tensor, b: Tensor, rule: str) -> Tensor:
    """Two masks as one."""
    op = ElementWise(ElementWiseOperation.SUM)
    name = f"{root.name}.masks"
    return network.add_layer(op, (a, b), name=name, rules=(rule,), before=root).output


def _with_batch(network: Network, root: Layer, tensor: Tensor, rule: str) -> Tensor:
    """[H, S, D] as [1, H, S, D]; what broadcasts against that stays."""
    if tensor.type.rank != min(RANKS):
        return tensor
    name = f"{tensor.name}.batch"
    layer = network.add_layer(
        Unsqueeze((0,)), (tensor,), name=name, rules=(rule,), before=root
    )
    return layer.output
