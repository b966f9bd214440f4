"""Matrix products of NVIDIA's cuBLASLt library, with bias, ReLU or an added operand.

The library counts columns first, so the row-major product c = a · b is posed as cᵀ = bᵀ · aᵀ; a
bias over columns then is the bias over rows that the library knows. What its epilogues do not
express is computed in place by a launch of its own.
"""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from typing import ClassVar

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch, Launch
from trtlab.devices.cuda.scratch import NO_WORKSPACE, Workspace
from trtlab.kernels.cuda.contraction import (
    Contraction,
    Extra,
    begin_row,
    finish,
    is_row,
    merged,
    runs_fit,
)
from trtlab.kernels.cuda.cublaslt_launch import (
    CUDA_TYPES,
    Matrix,
    Product,
    ProductLaunch,
    product_workspace_bytes,
)
from trtlab.kernels.cuda.forms import form_of
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer, blocks_for
from trtlab.kernels.cuda.tf32 import with_rounded_factors
from trtlab.layers.base import Array
from trtlab.layers.pointwise import Step
from trtlab.tactics.problem import Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16
_THREADS = 256
_RELU = (Step("relu", (0,)),)
_SUMS = {(Step("add", (0, 1)),), (Step("add", (1, 0)),)}


@cache
def available() -> bool:
    """Whether the library's bindings are installed."""
    return importlib.util.find_spec("nvmath") is not None


def product_of(form: Contraction, *, tf32: bool = False) -> tuple[Product, bool] | Rejection:
    """The library's product, and whether a launch of its own must follow."""
    if form.left.dtype not in CUDA_TYPES or form.left.window:
        return Rejection(f"the library does not multiply {form.left.dtype.value} here")
    batch = [
        merged(form.batch, steps)
        for steps in (form.left.batch, form.right.batch, form.result.batch)
    ]
    if any(len(axes) > 1 for axes, _ in batch):
        return Rejection("the batch has several steps")
    steps = [found[0] if found else 0 for _, found in batch]
    a = _matrix(form.m, form.left.rows, form.k, form.left.k, steps[0])
    b = _matrix(form.n, form.right.rows, form.k, form.right.k, steps[1])
    c = _matrix(form.m, form.result.m, form.n, form.result.n, steps[2])
    if a is None or b is None or c is None or c.turned:
        return Rejection("a factor is no matrix with a pitch")
    bias_fits = form.bias is None or is_row(form, form.bias)
    relu = form.program == _RELU and bias_fits
    added = None
    if form.program in _SUMS and bias_fits:
        added = _like_result(form, form.operands[0])
    whole = bias_fits and (not form.program or relu or added is not None)
    fused = bias_fits and form.bias is not None
    product = Product(
        form.left.dtype,
        prod(form.batch),
        # The library's first factor is bᵀ [n, k], its second aᵀ [k, m].
        Matrix(b.rows, b.columns, b.pitch, not b.turned, b.batch_step),
        Matrix(a.columns, a.rows, a.pitch, a.turned, a.batch_step),
        Matrix(c.columns, c.rows, c.pitch, False, c.batch_step),
        form.alpha,
        relu,
        fused,
        added,
        tf32,
    )
    return product, not whole


def _matrix(
    rows: tuple[int, ...],
    row_steps: Strides,
    columns: tuple[int, ...],
    column_steps: Strides,
    batch_step: int,
) -> Matrix | None:
    """Row-major as it lies: ``turned`` when its rows have stride 1 instead of its columns."""
    down, across = merged(rows, row_steps), merged(columns, column_steps)
    if len(down[0]) > 1 or len(across[0]) > 1:
        return None
    count, width = prod(rows), prod(columns)
    row_step = down[1][0] if down[1] else 0
    column_step = across[1][0] if across[1] else 0
    if column_step == 1 or width == 1:
        pitch = row_step if count > 1 else max(width, 1)
        return Matrix(count, width, pitch, False, batch_step) if pitch >= width else None
    if row_step == 1 or count == 1:
        pitch = column_step
        return Matrix(count, width, pitch, True, batch_step) if pitch >= count else None
    return None


def _like_result(form: Contraction, operand: Extra) -> Matrix | None:
    """The operand as a matrix of the result's shape."""
    batch = merged(form.batch, operand.batch)
    if len(batch[0]) > 1 or operand.dtype is not form.result.dtype:
        return None
    found = _matrix(form.m, operand.m, form.n, operand.n, batch[1][0] if batch[1] else 0)
    if found is None or found.turned or (prod(form.m) > 1 and found.pitch < found.columns):
        return None
    return Matrix(found.columns, found.rows, found.pitch, False, found.batch_step)


class RankedProductTactic(Tactic):
    """One of the algorithms that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.

    Attributes:
        method: How the product comes about, in the tactic's name.
    """

    source: ClassVar[str] = "CUBLAS_LT"
    ranked: ClassVar[bool] = True
    method: ClassVar[str]

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self.name = f"cuda.cublaslt.{self.method}/algorithm{rank}"


class CublasLtTactic(RankedProductTactic):
    """Products of factors as they are.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "product"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines products that are no matrices with pitches."""
        if not available():
            return Rejection("the package nvmath-python is not installed")
        if problem.has_empty_operand:
            return Rejection("a factor is empty")
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        if self.tf32 and form.left.dtype is not DataType.FLOAT:
            return Rejection(f"multiplies fp32, not {form.left.dtype.value}")
        found = product_of(form)
        return found if isinstance(found, Rejection) else None

    def workspace_bytes(self, problem: Problem) -> int:
        """The algorithm's own."""
        form = form_of(problem)
        found = form if isinstance(form, Rejection) else product_of(form, tf32=self.tf32)
        if isinstance(found, Rejection):
            return 0
        return product_workspace_bytes(found[0], self._rank)

    def cost_hint_us(self, problem: Problem) -> float:
        """Near the tensor cores' rate; worse with the rank."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        rate = 6e8 if problem.outputs[0].dtype is not DataType.FLOAT else 4e7
        rate = 2e8 if self.tf32 else rate
        return (2.5 + flops / rate) * (1 + 0.1 * self._rank)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """The product, and where needed the rest of the program in place."""
        form = form_of(problem)
        assert isinstance(form, Contraction)
        given = [a for a in buffers.inputs if a is not None]
        addresses = (*given, buffers.outputs[0])
        workspace = Workspace(buffers.workspace, buffers.workspace_bytes)
        return product_launches(
            form, self._rank, addresses, self.name, problem, workspace, tf32=self.tf32
        )


class CublasLtTf32Tactic(CublasLtTactic):
    """As its base, of FP32 factors that the library may round to TF32.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "tf32"
    tf32: ClassVar[bool] = True

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Factors rounded."""
        return with_rounded_factors(super().pack(problem, constants))


def product_launches(
    form: Contraction,
    rank: int,
    addresses: tuple[int, ...],
    name: str,
    problem: Problem,
    workspace: Workspace = NO_WORKSPACE,
    *,
    tf32: bool = False,
) -> Sequence[Launch]:
    """The product, and where needed the rest of the program in place.

    Args:
        form: What is computed; `product_of` takes it.
        rank: Of the algorithm.
        addresses: Of both factors, of the extras and of the result.
        name: Of the tactic.
        problem: For the comment of a generated kernel.
        workspace: Scratch that the caller has, if it is enough.
        tf32: Whether the library may round FP32 factors to TF32.
    """
    found = product_of(form, tf32=tf32)
    assert not isinstance(found, Rejection)
    product, rest = found
    a, b, *extras, out = addresses
    bias = extras[0] if product.biased else 0
    added = extras[-1] if product.added is not None else 0
    first = ProductLaunch(product, rank, (a, b, out), bias, added, workspace)
    if not rest:
        return (first,)
    aligned = all(address % _ALIGN == 0 for address in (*extras, out))
    kept = extras[1:] if product.biased else extras
    kernel = _rest_kernel(form, product, name, problem, aligned=aligned)
    return first, KernelLaunch(kernel, (*kept, out))


def _rest_kernel(
    form: Contraction, product: Product, name: str, problem: Problem, *, aligned: bool
) -> Kernel:
    """What follows the product: bias where it was not fused, and the program, in place."""
    remaining = Contraction(
        form.batch, form.m, form.n, form.k, form.left, form.right, form.result,
        None if product.biased else form.bias, 1.0, form.program, form.operands,
    )  # fmt: skip
    batch, m, n, _ = form.sizes
    width = next((w for w in (8, 4, 2) if aligned and runs_fit(remaining, w)), 1)
    writer = Writer(name, problem)
    kind = C_TYPES[form.result.dtype]
    writer.parameters = [*remaining.parameters()[2:-1], f"{kind}* c"]
    count = batch * m * n // width
    values = [f"s{v}" for v in range(width)]
    lines = finish(remaining, values, aligned=width > 1)
    at = next(i for i, line in enumerate(lines) if line.startswith("const i64 oc ="))
    vector = f"Vec<{kind}, {width}>"
    load = [f"const {vector} was = *reinterpret_cast<const {vector}*>(c + oc);"]
    load += [f"const float s{v} = wide(was.v[{v}]);" for v in range(width)]
    writer.add(
        f"const i64 t = (i64)blockIdx.x * {_THREADS} + threadIdx.x;",
        f"if (t >= {count}) return;",
        f"const i64 flat = t * {width};",
        f"const int n = flat % {n};",
        f"const int m = flat / {n} % {m};",
        f"const int bi = flat / {n * m};",
        *begin_row(remaining),
        *lines[: at + 1],
        *load,
        *lines[at + 1 :],
    )
    return writer.kernel(
        "finish_product", (blocks_for(count, _THREADS), 1, 1), (_THREADS, 1, 1)
    )
