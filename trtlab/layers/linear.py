"""MATRIX_MULTIPLY and EINSUM."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trtlab.core.enums import MatrixOperation
from trtlab.core.types import DataType, Shape, TensorType, static, volume
from trtlab.layers import dims
from trtlab.layers.base import (
    Array,
    Op,
    ShapeValue,
    broadcast,
    given,
    needed,
    optional,
    present,
    require,
    same_dtype,
    str_shape,
    wanted,
    wide,
)
from trtlab.layers.dims import Extent
from trtlab.layers.epilogue import epilogue_flops, infer_epilogue, run_epilogue
from trtlab.layers.pointwise import Program

_FIRST_EXTRA = 3  # inputs before the epilogue operands: a, b, bias
_VECTOR, _TRANSPOSE = MatrixOperation.VECTOR, MatrixOperation.TRANSPOSE


def _as_matrix(shape: Shape, op: MatrixOperation, side: str) -> Shape:
    """[..., rows, columns] after the operation; a vector is a row on the left."""
    least = 1 if op is _VECTOR else 2
    require(
        len(shape) >= least,
        f"the {side} operand {str_shape(shape)} has fewer than {least} dimensions",
        hint="a one-dimensional operand takes MatrixOperation.VECTOR",
    )
    if op is _VECTOR:
        lead, last = shape[:-1], shape[-1]
        return (*lead, 1, last) if side == "left" else (*lead, last, 1)
    if op is _TRANSPOSE:
        return (*shape[:-2], shape[-1], shape[-2])
    return shape


@dataclass(frozen=True)
class MatrixMultiply(Op):
    """y = alpha · op0(a) × op1(b) + bias, over NumPy's broadcasting of leading dimensions.

    Inputs: a [..., M, K], b [..., K, N], bias or None (broadcasts against the result),
    epilogue operands. Output: [..., M, N]; the axis of a VECTOR operand falls away.
    """

    kind: ClassVar[str] = "MATRIX_MULTIPLY"
    op0: MatrixOperation = MatrixOperation.NONE
    op1: MatrixOperation = MatrixOperation.NONE
    alpha: float = 1.0
    epilogue: Program = ()

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """The inner dimensions must agree, the leading ones broadcast."""
        del values
        a, b = wanted(inputs, 0, "left"), wanted(inputs, 1, "right")
        same_dtype([a, b], "factors")
        require(a.dtype is not DataType.BOOL, "a matrix product of bool tensors")
        left, right = (
            _as_matrix(a.shape, self.op0, "left"),
            _as_matrix(b.shape, self.op1, "right"),
        )
        require(
            dims.equal(left[-1], right[-2]) is not False,
            f"a matrix product of {str_shape(a.shape)} ({self.op0.value}) and "
            f"{str_shape(b.shape)} ({self.op1.value}): "
            f"{left[-1]} columns meet {right[-2]} rows",
        )
        factors = f"{str_shape(a.shape)} and {str_shape(b.shape)}"
        lead = broadcast([left[:-2], right[:-2]], f"the batch dimensions of {factors}")
        rows = () if self.op0 is _VECTOR else (left[-2],)
        columns = () if self.op1 is _VECTOR else (right[-1],)
        result = TensorType(a.dtype, (*lead, *rows, *columns))
        bias = optional(inputs, 2)
        if bias is not None:
            infer_epilogue((), result, [bias])
        return (infer_epilogue(self.epilogue, result, inputs[_FIRST_EXTRA:]),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's matmul."""
        a, b = needed(inputs, 0, "left"), needed(inputs, 1, "right")
        dtype, work = a.dtype, wide(a.dtype)
        left = a.astype(work, copy=False).reshape(_matrix_shape(a.shape, self.op0, "left"))
        right = b.astype(work, copy=False).reshape(_matrix_shape(b.shape, self.op1, "right"))
        left = left.swapaxes(-1, -2) if self.op0 is _TRANSPOSE else left
        right = right.swapaxes(-1, -2) if self.op1 is _TRANSPOSE else right
        y = np.matmul(left, right)
        if self.op0 is _VECTOR:
            y = y.squeeze(-2)
        if self.op1 is _VECTOR:
            y = y.squeeze(-1)
        if self.alpha != 1:
            y = y * np.asarray(self.alpha, work)
        bias = given(inputs, 2)
        if bias is not None:
            y = y + bias.astype(work)
        y = run_epilogue(self.epilogue, np.asarray(y), inputs[_FIRST_EXTRA:])
        return (np.ascontiguousarray(y, dtype=dtype).reshape(y.shape),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """Two an inner element and output, one each for alpha and bias, and the epilogue."""
        a = static(wanted(inputs, 0, "left").shape)
        inner = a[-2] if self.op0 is _TRANSPOSE else a[-1]
        extra = (self.alpha != 1) + (optional(inputs, 2) is not None)
        elements = volume(static(outputs[0].shape))
        return elements * (2 * inner + extra) + epilogue_flops(self.epilogue, outputs[0])


def _matrix_shape(shape: tuple[int, ...], op: MatrixOperation, side: str) -> tuple[int, ...]:
    """The shape to give NumPy, before a transposition."""
    if op is not _VECTOR:
        return shape
    return (*shape[:-1], 1, shape[-1]) if side == "left" else (*shape, 1)


_ELLIPSIS = "..."
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Einsum(Op):
    """y = Σ over labels that the output lacks of Π inputs, by Einstein's summation convention.

    Without ``->`` the output takes the labels that come once, in alphabetical order.
    """

    kind: ClassVar[str] = "EINSUM"
    equation: str = ""

    def terms(self, ranks: Sequence[int]) -> tuple[tuple[str, ...], str]:
        """One string of labels an input, and the output's; an ellipsis becomes free labels.

        Raises:
            InvalidNetworkError: The equation does not fit inputs of these ranks.
        """
        text = "".join(self.equation.split())
        left, arrow, right = text.partition("->")
        parts = left.split(",")
        require(
            len(parts) == len(ranks),
            f"equation {self.equation!r} has {len(parts)} terms for {len(ranks)} inputs",
        )
        free = [letter for letter in reversed(_LETTERS) if letter not in text]
        wide_ranks = [
            rank - len(part.replace(_ELLIPSIS, ""))
            for part, rank in zip(parts, ranks, strict=True)
            if _ELLIPSIS in part
        ]
        most = max(wide_ranks, default=0)
        require(most <= len(free), f"equation {self.equation!r} has too many labels")
        spread = "".join(free[:most])
        terms = tuple(
            self._expand(part, rank, spread) for part, rank in zip(parts, ranks, strict=True)
        )
        if not arrow:
            joined = "".join(parts).replace(_ELLIPSIS, "")
            once = "".join(sorted(c for c in set(joined) if joined.count(c) == 1))
            return terms, spread + once
        output = right.replace(_ELLIPSIS, spread)
        seen = set("".join(terms))
        require(
            set(output) <= seen and len(set(output)) == len(output),
            f"the output {right!r} of equation {self.equation!r} has a label twice, "
            "or one that no input has",
        )
        return terms, output

    def _expand(self, part: str, rank: int, spread: str) -> str:
        plain = part.replace(_ELLIPSIS, "", 1)
        require(
            all(letter in _LETTERS for letter in plain),
            f"term {part!r} of equation {self.equation!r} has something other than letters",
        )
        rest = rank - len(plain)
        require(
            rest == 0 or (rest > 0 and _ELLIPSIS in part),
            f"term {part!r} of equation {self.equation!r} does not fit an input of "
            f"{rank} dimensions",
        )
        return part.replace(_ELLIPSIS, spread[len(spread) - rest :] if rest else "")

    def _sizes(self, types: Sequence[TensorType]) -> tuple[dict[str, Extent], str]:
        terms, output = self.terms([t.rank for t in types])
        found: dict[str, list[Extent]] = {}
        for term, kind in zip(terms, types, strict=True):
            for label, extent in zip(term, kind.shape, strict=True):
                found.setdefault(label, []).append(extent)
        return {k: broadcast([(e,) for e in v])[0] for k, v in found.items()}, output

    def infer(
        self, inputs: Sequence[TensorType | None], values: Sequence[ShapeValue]
    ) -> tuple[TensorType, ...]:
        """A label has one size everywhere."""
        del values
        types = [present(t, f"operand {i}") for i, t in enumerate(inputs)]
        require(bool(types), "an einsum without inputs")
        same_dtype(types, "operands of einsum")
        sizes, output = self._sizes(types)
        return (TensorType(types[0].dtype, tuple(sizes[label] for label in output)),)

    def evaluate(self, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        """NumPy's einsum."""
        arrays = [needed(inputs, i, f"operand {i}") for i in range(len(inputs))]
        dtype, work = arrays[0].dtype, wide(arrays[0].dtype)
        terms, output = self.terms([x.ndim for x in arrays])
        widened = [x.astype(work, copy=False) for x in arrays]
        y = np.einsum(f"{','.join(terms)}->{output}", *widened, optimize=True)
        return (np.array(y, dtype=dtype),)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> int:
        """One a factor and point of the whole index space: two for a product of two."""
        del outputs
        types = [present(t, f"operand {i}") for i, t in enumerate(inputs)]
        sizes, _ = self._sizes(types)
        return len(types) * volume(static(tuple(sizes.values())))
