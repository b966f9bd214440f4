"""Matrix products of NVIDIA's cuDNN library, with bias and activation in one graph.

The library generates kernels whose end computes what cuBLASLt's epilogues do not express, such
as GELU with the error function: the result is written once, not read and written again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from trtlab.core.types import DataType
from trtlab.kernels.cuda.contraction import Contraction, Extra
from trtlab.kernels.cuda.cublaslt import product_of
from trtlab.kernels.cuda.cudnn_conv import apply_step
from trtlab.kernels.cuda.cudnn_launch import available, cudnn_handle, cudnn_library
from trtlab.kernels.cuda.cudnn_tactic import CudnnGraphTactic
from trtlab.kernels.cuda.forms import form_of
from trtlab.layers.linear import MatrixMultiply
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Rejection

_ONE = {"relu", "sigmoid", "tanh", "swish", "gelu_erf", "gelu_tanh"}
_ALIGNED = 8  # elements: runs of 16 bytes


class CudnnProductTactic(CudnnGraphTactic):
    """One of the plans that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "product"

    @property
    def build(self) -> Callable[[Problem], Any]:
        """The graph of the product."""
        return product_graph

    def check(self, problem: Problem) -> Rejection | None:
        """Takes plain products with an activation; the rest is cuBLASLt's."""
        op = problem.op
        if not available():
            return Rejection("the package nvidia-cudnn-frontend is not installed")
        if not isinstance(op, MatrixMultiply) or op.alpha != 1.0:
            return Rejection("works on products that are not scaled")
        if not op.epilogue or any(s.function not in _ONE for s in op.epilogue):
            return Rejection("used where an activation follows that the graph has")
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        if form.operands:
            return Rejection("the activation takes further operands")
        if form.left.dtype not in {DataType.HALF, DataType.BF16}:
            return Rejection(f"used for fp16 and bf16, not for {form.left.dtype.value}")
        if any(o is not None and o.dtype is not form.left.dtype for o in problem.inputs):
            return Rejection("operands differ in type")
        return self._shape_refusal(form)

    def _shape_refusal(self, form: Contraction) -> Rejection | None:
        batch, _, n, k = form.sizes
        if batch != 1 or n % _ALIGNED or k % _ALIGNED or 0 in form.sizes:
            return Rejection("works on one matrix with rows of whole 16-byte runs")
        found = product_of(form)
        if isinstance(found, Rejection):
            return found
        product, _ = found
        if product.a.turned or product.b.turned:
            return Rejection("works on factors whose rows are dense")
        if any(m.pitch % _ALIGNED for m in (product.a, product.b, product.c)):
            return Rejection("rows do not begin at 16-byte runs")
        if form.bias is not None and not product.biased:
            return Rejection("the bias is not one value a column")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        """Near the tensor cores' rate; worse with the rank."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return (2.5 + flops / 6e8) * (1 + 0.1 * self._rank)


@dataclass(frozen=True, slots=True)
class _Matrices:
    """Pitches of the row-major matrices a [m, k], b [k, n] and c [m, n]."""

    a: int
    b: int
    c: int


def _pitches(form: Contraction) -> _Matrices:
    found = product_of(form)
    assert not isinstance(found, Rejection)
    product, _ = found
    return _Matrices(product.a.pitch, product.b.pitch, product.c.pitch)


def product_graph(problem: Problem) -> Any:  # noqa: ANN401 - a library graph
    """The operation graph with its ranked plans; operands have the numbers 1, 2, …."""
    library = cudnn_library()
    form = form_of(problem)
    assert isinstance(form, Contraction)
    kinds = {DataType.HALF: library.data_type.HALF, DataType.BF16: library.data_type.BFLOAT16}
    kind = kinds[form.left.dtype]
    graph = library.pygraph(
        io_data_type=kind,
        intermediate_data_type=library.data_type.FLOAT,
        compute_data_type=library.data_type.FLOAT,
        handle=cudnn_handle(),
    )
    _, m, n, k = form.sizes
    pitch = _pitches(form)

    def tensor(number: int, rows: int, columns: int, step: int) -> Any:  # noqa: ANN401
        return graph.tensor(
            dim=[1, rows, columns], stride=[rows * step, step, 1], data_type=kind, uid=number,
            name=f"t{number}",
        )  # fmt: skip

    value = graph.matmul(A=tensor(1, m, k, pitch.a), B=tensor(2, k, n, pitch.b))
    bias: Extra | None = form.bias
    if bias is not None:
        value = graph.add(a=value, b=tensor(3, 1, n, n))
    values = [value]
    for step in form.program:
        values.append(apply_step(graph, step, values))
    result = values[-1]
    result.set_output(True).set_data_type(kind).set_dim([1, m, n])
    result.set_stride([m * pitch.c, pitch.c, 1]).set_uid(3 + (bias is not None))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([library.heur_mode.A, library.heur_mode.FALLBACK])
    return graph
