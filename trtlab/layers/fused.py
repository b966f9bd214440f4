"""ATTENTION and REFORMAT: layers that passes make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import AttentionNormalizationOp
from trtlab.core.types import DataType, TensorFormat, TensorType, static
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    broadcast,
    given,
    known,
    needed,
    optional,
    require,
    same_dtype,
    str_shape,
    unify,
    wanted,
    wide,
)
from trtlab.layers.dims import Extent
from trtlab.layers.reduction import softmax
from trtlab.layers.scale import cast

_RANK = 4  # batch, heads, sequence, features


@dataclass(frozen=True)
class Attention(Op):
    """y = softmax(scale · q kᵀ + mask) v.

    Inputs: q [B, H, S, D], k [B, G, T, D] (or [B, G, D, T] with ``k_transposed``), v [B, G,
    T, Dv], mask or None, which broadcasts to [B, H, S, T] and is added, or is BOOL with true
    for what may be seen. G divides H: each key head serves H/G query heads. ``causal`` hides
    keys t > s. With ``norm_op`` NONE the scores are used as they are, hidden ones as 0.
    Output: [B, H, S, Dv].
    """

    kind: ClassVar[str] = "ATTENTION"
    scale: float = 1.0
    causal: bool = False
    norm_op: AttentionNormalizationOp = AttentionNormalizationOp.SOFTMAX
    k_transposed: bool = False

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """Batch, heads, features and keys must agree."""
        del values
        q, k, v = (
            wanted(inputs, 0, "query"),
            wanted(inputs, 1, "key"),
            wanted(inputs, 2, "value"),
        )
        same_dtype([q, k, v], "query, key and value")
        require(q.dtype.is_float, f"attention is not defined on {q.dtype.value}")
        shapes = (
            f"query {str_shape(q.shape)}, key {str_shape(k.shape)}, value {str_shape(v.shape)}"
        )
        require(
            all(t.rank == _RANK for t in (q, k, v)),
            f"attention wants [batch, heads, sequence, features]: {shapes}",
        )
        width, keys = (
            (k.shape[2], k.shape[3]) if self.k_transposed else (k.shape[3], k.shape[2])
        )
        batch = unify((q.shape[0], k.shape[0], v.shape[0]), f"batches of {shapes}")
        unify((q.shape[3], width), f"features of {shapes}")
        keys = unify((keys, v.shape[2]), f"sequences of {shapes}")
        groups = unify((k.shape[1], v.shape[1]), f"key heads of {shapes}")
        heads = q.shape[1]
        if isinstance(heads, int) and isinstance(groups, int):
            require(
                groups > 0 and heads % groups == 0,
                f"{heads} query heads do not divide into {groups} key heads: {shapes}",
            )
        mask = optional(inputs, 3)
        if mask is not None:
            self._check_mask(mask, q.dtype, (batch, heads, q.shape[2], keys))
        return (TensorType(q.dtype, (batch, heads, q.shape[2], v.shape[3])),)

    def _check_mask(
        self, mask: TensorType, dtype: DataType, scores: tuple[Extent, ...]
    ) -> None:
        require(
            mask.dtype in {dtype, DataType.BOOL},
            f"the mask is {mask.dtype.value}, neither bool nor {dtype.value}",
        )
        shape = broadcast([mask.shape, scores])
        fits = len(shape) == _RANK and all(
            dims.equal(a, b) is not False for a, b in zip(shape, scores, strict=True)
        )
        require(
            fits, f"mask {str_shape(mask.shape)} does not broadcast to {str_shape(scores)}"
        )

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """Scores in full; half precision is computed in float32."""
        q, k, v = (
            needed(inputs, 0, "query"),
            needed(inputs, 1, "key"),
            needed(inputs, 2, "value"),
        )
        work = wide(q.dtype)
        each = q.shape[1] // max(k.shape[1], 1)
        keys = k.astype(work) if self.k_transposed else k.astype(work).swapaxes(2, 3)
        keys = np.repeat(keys, each, axis=1)  # [B, H, D, T]
        scores = np.matmul(q.astype(work), keys) * np.asarray(self.scale, work)  # [B, H, S, T]
        seen = np.ones(scores.shape[2:], np.bool_)
        if self.causal:
            seen = np.tri(*scores.shape[2:], dtype=np.bool_)
        mask = given(inputs, 3)
        if mask is not None and mask.dtype == np.bool_:
            seen = seen & mask
        elif mask is not None:
            scores = scores + mask.astype(work)
        if self.norm_op is AttentionNormalizationOp.SOFTMAX:
            weights = softmax(np.where(seen, scores, np.asarray(-np.inf, work)), (3,))
        else:
            weights = np.where(seen, scores, np.asarray(0, work))
        y = np.matmul(weights, np.repeat(v.astype(work), each, axis=1))
        return (y.astype(q.dtype, copy=False),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """A visible pair: two a feature for q kᵀ and for v, nine for scale and softmax."""
        del outputs
        batch, heads, queries, features = static(wanted(inputs, 0, "query").shape)
        keys, width = static(wanted(inputs, 2, "value").shape)[2:]
        pairs = queries * keys
        if self.causal:
            full = max(queries - keys, 0)  # rows that see every key
            rest = queries - full
            pairs = full * keys + rest * (rest + 1) // 2
        softmaxed = self.norm_op is AttentionNormalizationOp.SOFTMAX
        masked = optional(inputs, 3) is not None
        each = 2 * (features + width) + (9 if softmaxed else 1) + masked
        return batch * heads * pairs * each


@dataclass(frozen=True)
class Reformat(Op):
    """y = x in another memory layout, and in another element type where one is given.

    A layout changes where elements lie, not which there are, so NumPy's meaning is a cast.
    """

    kind: ClassVar[str] = "REFORMAT"
    to_format: TensorFormat = TensorFormat.LINEAR
    to_type: DataType | None = None

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The input's shape."""
        del values
        x = wanted(inputs, 0, "data")
        return (TensorType(self.to_type or x.dtype, x.shape),)

    def infer_values(
        self,
        inputs: Sequence[TensorType | None],
        values: Sequence[ShapeValue],
        outputs: Sequence[TensorType],
    ) -> tuple[ShapeValue, ...]:
        """Known integers stay known while the type does."""
        same = outputs[0].dtype is wanted(inputs, 0, "data").dtype
        return (known(values, 0) if same else None,)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """A copy, or a cast."""
        x = needed(inputs, 0, "data")
        return (x.copy() if self.to_type is None else cast(x, self.to_type),)
