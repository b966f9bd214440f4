"""ATTENTION by NVIDIA's cuDNN library: one fused node with scale, mask and causality.

Operands may be views: query, key and value of one packed product are read where they lie.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from trtlab.core.enums import AttentionNormalizationOp
from trtlab.core.types import DataType
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.kernels.cuda.attending import scores_shape
from trtlab.kernels.cuda.cudnn_launch import available, cudnn_handle, cudnn_library
from trtlab.kernels.cuda.cudnn_tactic import CudnnGraphTactic
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Rejection

_MOST_WIDTH = 128
_ALIGNED = 8  # elements: runs of 16 bytes


class CudnnAttentionTactic(CudnnGraphTactic):
    """One of the plans that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "attention"

    @property
    def build(self) -> Callable[[Problem], Any]:
        """The graph of the node."""
        return attention_graph

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types, widths, strides and masks that the node does not take."""
        op = problem.op
        assert isinstance(op, Attention)
        if not available():
            return Rejection("the package nvidia-cudnn-frontend is not installed")
        q, k, v = given(problem, 0), given(problem, 1), given(problem, 2)
        if q.dtype not in {DataType.HALF, DataType.BF16}:
            return Rejection(f"used for fp16 and bf16, not for {q.dtype.value}")
        if op.scale <= 0:
            return Rejection("works with positive scales")  # others come out as NaN
        if op.norm_op is not AttentionNormalizationOp.SOFTMAX:
            return Rejection("scores without softmax")
        if op.k_transposed:
            return Rejection("works on keys with the features inside")
        if 0 in (*q.shape, *k.shape, *v.shape):
            return Rejection("works on operands with elements")
        widths = (q.shape[3], v.shape[3])
        if any(w % _ALIGNED or w > _MOST_WIDTH for w in widths):
            return Rejection(f"{widths} features are no multiples of 8 up to {_MOST_WIDTH}")
        for operand in (q, k, v, problem.outputs[0]):
            if operand.strides[3] != 1 or any(s % _ALIGNED for s in operand.strides[:3]):
                return Rejection("rows do not begin at 16-byte runs")
        return self._mask_refusal(problem)

    def _mask_refusal(self, problem: Problem) -> Rejection | None:
        mask = optional(problem, 3)
        if mask is None:
            return None
        if mask.dtype is not given(problem, 0).dtype:
            return Rejection(f"adds masks of the scores' type, not {mask.dtype.value}")
        strides = broadcast_strides(mask, scores_shape(problem))
        if strides[3] != 1:
            return Rejection("works on masks with the keys inside")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """Half of the tensor cores' rate; worse with the rank."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return (4.0 + flops / 3e8) * (1 + 0.1 * self._rank)


def attention_graph(problem: Problem) -> Any:  # noqa: ANN401 - a library graph
    """The operation graph with its ranked plans; operands have the numbers 1, 2, …."""
    library = cudnn_library()
    op, mask, out = problem.op, optional(problem, 3), problem.outputs[0]
    assert isinstance(op, Attention)
    kinds = {DataType.HALF: library.data_type.HALF, DataType.BF16: library.data_type.BFLOAT16}
    kind = kinds[out.dtype]
    graph = library.pygraph(
        io_data_type=kind,
        intermediate_data_type=library.data_type.FLOAT,
        compute_data_type=library.data_type.FLOAT,
        handle=cudnn_handle(),
    )

    def tensor(number: int, shape: Sequence[int], strides: Sequence[int]) -> Any:  # noqa: ANN401
        return graph.tensor(
            dim=list(shape), stride=list(strides), data_type=kind, uid=number,
            name=f"t{number}",
        )  # fmt: skip

    def operand(number: int, value: Operand) -> Any:  # noqa: ANN401
        return tensor(number, value.shape, value.strides)

    options: dict[str, Any] = {}
    if mask is not None:
        options["bias"] = tensor(4, *mask_view(problem, mask))
    if op.causal:
        options["diagonal_alignment"] = library.diagonal_alignment.TOP_LEFT
        options["diagonal_band_right_bound"] = 0
    result, _ = graph.sdpa(
        q=operand(1, given(problem, 0)),
        k=operand(2, given(problem, 1)),
        v=operand(3, given(problem, 2)),
        attn_scale=op.scale,
        generate_stats=False,
        **options,
    )
    result.set_output(True).set_data_type(kind).set_dim(list(out.shape))
    result.set_stride(list(out.strides)).set_uid(4 + (mask is not None))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([library.heur_mode.A, library.heur_mode.FALLBACK])
    return graph


def mask_view(problem: Problem, mask: Operand) -> tuple[list[int], list[int]]:
    """Extents and strides of a mask with four dimensions, one where it repeats."""
    scores = scores_shape(problem)
    strides = broadcast_strides(mask, scores)
    shape = [e if s else 1 for e, s in zip(scores, strides, strict=True)]
    steps = list(strides)
    for axis in (2, 1, 0):  # of an axis of one element the stride must be given, and is unused
        steps[axis] = strides[axis] or shape[axis + 1] * steps[axis + 1]
    return shape, steps
