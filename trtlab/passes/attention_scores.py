"""What stands between ``q kᵀ`` and the softmax over it: a factor, and masks."""

from dataclasses import dataclass

import numpy as np

from trtlab.core.enums import ElementWiseOperation
from trtlab.layers.elementwise import ElementWise, Select
from trtlab.layers.linear import MatrixMultiply
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import Rejection
from trtlab.passes.causal import HIDDEN_SCORE, adds_causally, hides_future, sees_past
from trtlab.passes.look import scalar, shared
from trtlab.passes.matmul_scale import scaled_tensor

MOST_LAYERS = 6  # between the product and the softmax


@dataclass(frozen=True)
class Mask:
    """One mask of the scores.

    Attributes:
        tensor: Added; or a condition when ``hidden`` is given.
        is_causal: Whether it provably hides t > s and nothing else.
        hidden: The score of what the condition hides.
        hides: Whether the condition is true for what is hidden.
    """

    tensor: Tensor
    is_causal: bool
    hidden: float | None = None
    hides: bool = False

    def added(self, network: Network, before: Layer, rule: str) -> Tensor:
        """The mask as a tensor to add; a condition is turned into one by a new layer."""
        if self.hidden is None:
            return self.tensor
        kind = before.output.dtype.numpy
        hidden = network.add_constant(f"{before.name}.hidden", np.array(self.hidden, kind))
        seen = network.add_constant(f"{before.name}.seen", np.array(0, kind))
        branches = (hidden, seen) if self.hides else (seen, hidden)
        select = network.add_layer(
            Select(),
            (self.tensor, *branches),
            name=f"{before.name}.mask",
            rules=(rule,),
            before=before,
        )
        return select.output


@dataclass(frozen=True)
class Scores:
    """The product of queries and keys, and what happens to it before the softmax.

    Attributes:
        product: The layer.
        op: Its operator.
        layers: Behind it, in order.
        scale: Product of the factors, without the product's alpha.
        masks: The last applied first.
    """

    product: Layer
    op: MatrixMultiply
    layers: tuple[Layer, ...]
    scale: float
    masks: tuple[Mask, ...]


def scores_of(network: Network, softmax: Layer) -> Scores | Rejection | None:
    """Walk from a softmax up to the product; None when there is none."""
    tensor, reader = softmax.inputs[0], softmax
    layers: list[Layer] = []
    masks: list[Mask] = []
    scale = 1.0
    while tensor is not None and len(layers) <= MOST_LAYERS:
        layer = tensor.producer
        if layer is None or not _leads_to_product(tensor):
            return None
        verdict = shared(network, tensor, reader)
        if verdict is not None:
            return verdict
        if isinstance(layer.op, MatrixMultiply):
            return Scores(layer, layer.op, tuple(layers), scale, tuple(masks))
        layers.insert(0, layer)
        scaled = scaled_tensor(layer)
        if scaled is not None:
            tensor, reader, scale = scaled[0], layer, scale * scaled[1]
            continue
        masked = _masked(layer)
        if masked is None:
            return Rejection("something else is computed on the scores", (layer.name,))
        if scale != 1:
            return Rejection("the mask is applied before the scaling", (layer.name,))
        tensor, mask = masked
        masks.append(mask)
        reader = layer
    return None


def _leads_to_product(tensor: Tensor, depth: int = MOST_LAYERS) -> bool:
    """Whether a tensor is a product, or a scaled or masked one."""
    layer = tensor.producer
    if layer is None or tensor.is_constant or depth < 0:
        return False
    if isinstance(layer.op, MatrixMultiply):
        return True
    scaled = scaled_tensor(layer)
    if scaled is not None:
        return _leads_to_product(scaled[0], depth - 1)
    if isinstance(layer.op, Select) or _adds(layer):
        branches = layer.inputs[1:] if isinstance(layer.op, Select) else layer.inputs
        return any(
            t is not None and t.type == tensor.type and _leads_to_product(t, depth - 1)
            for t in branches
        )
    return False


def _adds(layer: Layer) -> bool:
    return isinstance(layer.op, ElementWise) and layer.op.op is ElementWiseOperation.SUM


def _masked(layer: Layer) -> tuple[Tensor, Mask] | None:
    """The scores that a layer masks, and the mask."""
    if _adds(layer):
        return _added(layer)
    return _selected(layer) if isinstance(layer.op, Select) else None


def _added(layer: Layer) -> tuple[Tensor, Mask] | None:
    first, second = layer.inputs
    for scores, mask in ((first, second), (second, first)):
        if scores is None or mask is None or scores.type != layer.output.type:
            continue
        if _leads_to_product(scores):
            causal = _covers(mask, scores) and adds_causally(mask)
            return scores, Mask(mask, causal)
    return None


def _selected(layer: Layer) -> tuple[Tensor, Mask] | None:
    condition, then, otherwise = layer.inputs
    if condition is None:
        return None
    for scores, other, hides in ((then, otherwise, False), (otherwise, then, True)):
        hidden = scalar(other)
        if scores is None or hidden is None or hidden > HIDDEN_SCORE:
            continue
        if scores.type != layer.output.type:
            return None
        proof = hides_future if hides else sees_past
        causal = _covers(condition, scores) and proof(condition)
        return scores, Mask(condition, causal, hidden, hides)
    return None


def _covers(mask: Tensor, scores: Tensor) -> bool:
    """Whether a mask has an entry of its own for each pair of query and key."""
    return mask.shape[-2:] == scores.shape[-2:]
