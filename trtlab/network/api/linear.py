"""Matrix products, Einstein sums and attention."""

from collections.abc import Sequence

from trtlab.core.build_enums import CausalMaskKind
from trtlab.core.enums import AttentionNormalizationOp, MatrixOperation
from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.layers.fused import Attention
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.network.api.arguments import member, shown, text, truth
from trtlab.network.api.layer import ILayer
from trtlab.network.api.options import Option, a_truth, one_of
from trtlab.network.api.state import Definition
from trtlab.network.api.tensor import ITensor
from trtlab.network.graph import Tensor

_MASK = 3


class IMatrixMultiplyLayer(ILayer):
    """op0(a) × op1(b)."""

    roles = ("left operand", "right operand")
    op0 = one_of(MatrixOperation)
    op1 = one_of(MatrixOperation)


class IEinsumLayer(ILayer):
    """A sum of products by Einstein's convention."""

    roles = ()
    equation = Option[str](text)


class IAttention(ILayer):
    """norm(q kᵀ + mask) v; queries are not scaled, as in TensorRT."""

    roles = ("query", "key", "value", "mask")
    norm_op = one_of(AttentionNormalizationOp)
    causal = a_truth()

    @property
    def causal_kind(self) -> CausalMaskKind:
        """Where the causal mask starts, if there is one."""
        return CausalMaskKind.UPPER_LEFT if self.causal else CausalMaskKind.NONE

    @causal_kind.setter
    def causal_kind(self, kind: CausalMaskKind) -> None:
        self.set_options(causal=is_causal(kind))

    @property
    def mask(self) -> ITensor | None:
        """Added to the scores, or BOOL with true for what may be seen."""
        return self.get_input(_MASK)

    @mask.setter
    def mask(self, mask: ITensor) -> None:
        self.set_input(_MASK, mask)

    @property
    def decomposable(self) -> bool:
        """True: where no fused kernel fits, simpler ones do."""
        return True

    @decomposable.setter
    def decomposable(self, allowed: bool) -> None:
        if not truth(allowed, "decomposable"):
            raise UnsupportedError(
                "attention here may always be decomposed", hint="leave decomposable at True"
            )


def is_causal(kind: object) -> bool:
    """Whether a kind of mask is the causal one that attention here has.

    Raises:
        UnsupportedError: It starts at the lower right.
    """
    found = member(CausalMaskKind)(kind, "causal_kind")
    if found is CausalMaskKind.LOWER_RIGHT:
        raise UnsupportedError(
            "causal masks from the lower right are not available", hint="set attention.mask"
        )
    return found is CausalMaskKind.UPPER_LEFT


class LinearLayers(Definition):
    """The ``add_*`` methods of this family."""

    def add_matrix_multiply(
        self, input0: object, op0: MatrixOperation, input1: object, op1: MatrixOperation
    ) -> IMatrixMultiplyLayer:
        """A matrix product over the last two axes; leading axes broadcast."""
        check = member(MatrixOperation)
        op = MatrixMultiply(check(op0, "op0"), check(op1, "op1"))
        inputs = [self.read(input0, "left operand"), self.read(input1, "right operand")]
        return self.add(IMatrixMultiplyLayer, op, inputs)

    def add_einsum(self, inputs: Sequence[object], equation: str) -> IEinsumLayer:
        """A sum of products, such as ``bij,bjk->bik``."""
        operands = self.read_all(inputs)
        return self.add(IEinsumLayer, Einsum(text(equation, "the equation")), operands)

    def add_attention(
        self,
        query: object,
        key: object,
        value: object,
        norm_op: AttentionNormalizationOp = AttentionNormalizationOp.SOFTMAX,
        causal: bool = False,  # noqa: FBT001, FBT002 - TensorRT's order
    ) -> IAttention:
        """norm(q kᵀ) v with q [B, H, S, D], k [B, G, T, D], v [B, G, T, E]."""
        op = Attention(
            causal=truth(causal, "causal"),
            norm_op=member(AttentionNormalizationOp)(norm_op, "norm_op"),
        )
        inputs = [self.read(query, "query"), self.read(key, "key"), self.read(value, "value")]
        return self.add(IAttention, op, inputs)

    def add_attention_v2(
        self,
        query: object,
        key: object,
        value: object,
        norm_op: AttentionNormalizationOp,
        causal_kind: CausalMaskKind,
    ) -> IAttention:
        """As `add_attention`, with the kind of the causal mask."""
        return self.add_attention(query, key, value, norm_op, is_causal(causal_kind))

    def read_all(self, arguments: object) -> list[Tensor]:
        """Several tensors.

        Raises:
            UsageError: It is no sequence of tensors, or empty.
        """
        if not isinstance(arguments, list | tuple) or not arguments:
            raise UsageError(
                f"the inputs are {shown(arguments)}, not a list of tensors"  # pyright: ignore[reportUnknownArgumentType]
            )
        return [self.read(item, f"input {i}") for i, item in enumerate(arguments)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
