"""Matrix products of NVIDIA's cuBLASLt library, with bias, ReLU or an added operand.

The library counts columns first, so the row-major product c = a · b is posed as cᵀ = bᵀ · aᵀ; a
bias over columns then is the bias over rows that the library knows. What its epilogues do not
express is computed in place by a launch of its own.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any, ClassVar

import numpy as np

from trtlab.core.errors import DeviceError, UnsupportedError
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch, Launch, Loader, Stream
from trtlab.devices.cuda.memory import CudaMemory
from trtlab.kernels.cuda.contraction import (
    Contraction,
    Extra,
    begin_row,
    finish,
    merged,
    runs_fit,
)
from trtlab.kernels.cuda.forms import form_of
from trtlab.kernels.cuda.prelude import C_TYPES
from trtlab.kernels.cuda.text import Writer, blocks_for
from trtlab.layers.pointwise import Step
from trtlab.tactics.problem import Problem, Strides
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_WORKSPACE = 32 << 20
_ALIGN = 16
_THREADS = 256
_CUDA_TYPES = {DataType.FLOAT: 0, DataType.HALF: 2, DataType.BF16: 14}  # cudaDataType
_COMPUTE_32F = 68
_RELU = (Step("relu", (0,)),)
_SUMS = {(Step("add", (0, 1)),), (Step("add", (1, 0)),)}


@cache
def available() -> bool:
    """Whether the library's bindings are installed."""
    return importlib.util.find_spec("nvmath") is not None


@cache
def _library() -> Any:  # noqa: ANN401 - an untyped module
    return importlib.import_module("nvmath.bindings.cublasLt")


@cache
def _handle() -> int:
    return int(_library().create())


@dataclass(frozen=True)
class Matrix:
    """A column-first matrix: rows run with stride 1, or, when turned, columns do."""

    rows: int
    columns: int
    pitch: int
    turned: bool
    batch_step: int


@dataclass(frozen=True)
class Product:
    """cᵀ = bᵀ · aᵀ with its fused end."""

    dtype: DataType
    batch: int
    b: Matrix
    a: Matrix
    c: Matrix
    alpha: float
    relu: bool
    biased: bool
    added: Matrix | None


def product_of(form: Contraction) -> tuple[Product, bool] | Rejection:
    """The library's product, and whether a launch of its own must follow."""
    if form.left.dtype not in _CUDA_TYPES or form.left.window:
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
    bias_fits = form.bias is None or _is_row(form, form.bias)
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


def _is_row(form: Contraction, bias: Extra) -> bool:
    """One value a column, dense."""
    same = all(
        s == 0 or e == 1
        for s, e in zip((*bias.batch, *bias.m), (*form.batch, *form.m), strict=True)
    )
    axes, steps = merged(form.n, bias.n)
    return same and axes == (prod(form.n),) and steps == (1,) and bias.dtype is form.left.dtype


def _like_result(form: Contraction, operand: Extra) -> Matrix | None:
    """The operand as a matrix of the result's shape."""
    batch = merged(form.batch, operand.batch)
    if len(batch[0]) > 1 or operand.dtype is not form.result.dtype:
        return None
    found = _matrix(form.m, operand.m, form.n, operand.n, batch[1][0] if batch[1] else 0)
    if found is None or found.turned or (prod(form.m) > 1 and found.pitch < found.columns):
        return None
    return Matrix(found.columns, found.rows, found.pitch, False, found.batch_step)


class CublasLtTactic(Tactic):
    """One of the algorithms that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    source: ClassVar[str] = "CUBLAS_LT"

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self.name = f"cuda.cublaslt.product/algorithm{rank}"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines products that are no matrices with pitches."""
        if not available():
            return Rejection("the package nvmath-python is not installed")
        if any(0 in o.shape for o in (*problem.inputs, *problem.outputs) if o is not None):
            return Rejection("a factor is empty")
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        found = product_of(form)
        return found if isinstance(found, Rejection) else None

    def cost_hint_us(self, problem: Problem) -> float:
        """Near the tensor cores' rate; worse with the rank."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        rate = 6e8 if problem.outputs[0].dtype is not DataType.FLOAT else 4e7
        return (2.5 + flops / rate) * (1 + 0.1 * self._rank)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Launch]:
        """The product, and where needed the rest of the program in place."""
        form = form_of(problem)
        assert isinstance(form, Contraction)
        found = product_of(form)
        assert not isinstance(found, Rejection)
        product, rest = found
        given = [a for a in buffers.inputs if a is not None]
        out = buffers.outputs[0]
        extras = given[2:]
        bias = extras[0] if product.biased else 0
        added = extras[-1] if product.added is not None else 0
        first = ProductLaunch(product, self._rank, (given[0], given[1], out), bias, added)
        if not rest:
            return (first,)
        aligned = all(a % _ALIGN == 0 for a in (*extras, out))
        kept = extras[1:] if product.biased else extras
        kernel = _rest_kernel(form, product, self.name, problem, aligned=aligned)
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


@dataclass
class ProductLaunch:
    """A product with its operands: addresses of a, b and c, of bias and of what is added."""

    product: Product
    rank: int
    addresses: tuple[int, int, int]
    bias: int
    added: int
    capturable: bool = True
    _descriptor: int = field(default=0, repr=False)
    _layouts: tuple[int, ...] = field(default=(), repr=False)
    _algorithms: Any = field(default=None, repr=False)
    _scalars: Any = field(default=None, repr=False)
    _workspace: CudaMemory | None = field(default=None, repr=False)

    def prepare(self, loader: Loader) -> None:
        """Ask the library for its algorithms.

        Raises:
            UnsupportedError: It has fewer than the rank asks for.
        """
        if self._descriptor:
            return
        lib, p = _library(), self.product
        kind = _CUDA_TYPES[p.dtype]
        try:
            descriptor = lib.matmul_desc_create(_COMPUTE_32F, _CUDA_TYPES[DataType.FLOAT])
            attribute = lib.MatmulDescAttribute
            _set(
                lib.matmul_desc_set_attribute,
                descriptor,
                attribute.TRANSA,
                np.int32(p.b.turned),
            )
            _set(
                lib.matmul_desc_set_attribute,
                descriptor,
                attribute.TRANSB,
                np.int32(p.a.turned),
            )
            epilogue = {
                (False, False): lib.Epilogue.DEFAULT,
                (True, False): lib.Epilogue.BIAS,
                (False, True): lib.Epilogue.RELU,
                (True, True): lib.Epilogue.RELU_BIAS,
            }[p.biased, p.relu]
            _set(
                lib.matmul_desc_set_attribute,
                descriptor,
                attribute.EPILOGUE,
                np.uint32(epilogue),
            )
            if p.biased:
                _set(
                    lib.matmul_desc_set_attribute,
                    descriptor,
                    attribute.BIAS_POINTER,
                    np.uint64(self.bias),
                )
            c = p.added or p.c
            layouts = tuple(_layout(matrix, kind, p.batch) for matrix in (p.b, p.a, c, p.c))
            algorithms = self._ask(descriptor, layouts)
        except lib.cuBLASLtError as error:
            raise UnsupportedError(f"the library declines: {error}") from error
        self._algorithms = algorithms
        self._layouts = layouts
        self._scalars = np.array([p.alpha, 1.0 if p.added else 0.0], np.float32)
        self._workspace = loader.scratch(_WORKSPACE)
        self._descriptor = descriptor

    def _ask(self, descriptor: int, layouts: tuple[int, ...]) -> Any:  # noqa: ANN401
        lib = _library()
        preference = lib.matmul_preference_create()
        named = lib.MatmulPreferenceAttribute
        _set(
            lib.matmul_preference_set_attribute,
            preference,
            named.MAX_WORKSPACE_BYTES,
            np.uint64(_WORKSPACE),
        )
        places = (
            self.addresses[1],
            self.addresses[0],
            self.added or self.addresses[2],
            self.addresses[2],
        )
        for name, address in zip("ABCD", places, strict=True):
            _set(
                lib.matmul_preference_set_attribute,
                preference,
                named[f"MIN_ALIGNMENT_{name}_BYTES"],
                np.uint32(min(256, address & -address)),
            )
        wanted = self.rank + 1
        found = np.zeros(wanted, lib.matmul_heuristic_result_dtype)
        count = np.zeros(1, np.int32)
        lib.matmul_algo_get_heuristic(
            _handle(),
            descriptor,
            *layouts,
            preference,
            wanted,
            found.ctypes.data,
            count.ctypes.data,
        )
        lib.matmul_preference_destroy(preference)
        if count[0] < wanted:
            raise UnsupportedError(f"the library ranks fewer than {wanted} algorithms")
        return found

    def enqueue(self, stream: Stream) -> None:
        """Run the product on a stream."""
        lib = _library()
        a, b, c = self.addresses
        assert self._workspace is not None
        algorithms = self._algorithms
        algorithm = algorithms.ctypes.data + self.rank * algorithms.itemsize
        algorithm += algorithms.dtype.fields["algo"][1]
        scalar = self._scalars.ctypes.data
        try:
            lib.matmul(
                _handle(), self._descriptor, scalar, b, self._layouts[0], a, self._layouts[1],
                scalar + 4, self.added or c, self._layouts[2], c, self._layouts[3],
                algorithm, self._workspace.address, _WORKSPACE, stream.ptr,
            )  # fmt: skip
        except lib.cuBLASLtError as error:
            raise DeviceError(f"the library failed: {error}") from error


def _set(call: Any, target: int, attribute: int, value: np.generic) -> None:  # noqa: ANN401
    held = np.array([value])
    call(target, int(attribute), held.ctypes.data, held.nbytes)


def _layout(matrix: Matrix, kind: int, batch: int) -> int:
    """Stored rows and columns: a turned factor is stored the other way round."""
    lib = _library()
    rows, columns = (
        (matrix.columns, matrix.rows) if matrix.turned else (matrix.rows, matrix.columns)
    )
    layout = lib.matrix_layout_create(kind, rows, columns, matrix.pitch)
    if batch > 1:
        named = lib.MatrixLayoutAttribute
        _set(lib.matrix_layout_set_attribute, layout, named.BATCH_COUNT, np.int32(batch))
        _set(
            lib.matrix_layout_set_attribute,
            layout,
            named.STRIDED_BATCH_OFFSET,
            np.int64(matrix.batch_step),
        )
    return layout
