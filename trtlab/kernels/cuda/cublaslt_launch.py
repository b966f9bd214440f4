"""A product of the cuBLASLt library as a launch: descriptors, ranked algorithms, the call."""

import importlib
import weakref
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import DeviceError, UnsupportedError
from trtlab.core.types import DataType
from trtlab.devices.cuda.code import (
    CompiledCode,
    code_store,
    current_gpu,
    digest_of,
    gpu_of_plans,
)
from trtlab.devices.cuda.kernel import Loader, Stream
from trtlab.devices.cuda.scratch import NO_WORKSPACE, Workspace

KIND = "cublaslt"
CUDA_TYPES = {DataType.FLOAT: 0, DataType.HALF: 2, DataType.BF16: 14}  # cudaDataType
_COMPUTE_32F, _COMPUTE_32F_FAST_TF32 = 68, 77
# Sums over k that are cut in pieces lie in the workspace. For small results they take more memory
# than all else at that time, and won 1 % of a product's time where they won at all (H200).
_LEAST_LIMIT, _MOST_LIMIT = 512 << 10, 32 << 20
_MOST_ALIGNED = 64  # as activations lie


@cache
def _library() -> Any:  # noqa: ANN401 - an untyped module
    return importlib.import_module("nvmath.bindings.cublasLt")


def _handle() -> int:
    return _handle_of(current_gpu())


@cache
def _handle_of(_gpu: int) -> int:
    """A handle belongs to the device that is current when it is made."""
    return int(_library().create())


def _origin() -> str:
    return f"cublasLt {_library().get_version()}/{gpu_of_plans()}"


@cache
def _algorithm_bytes() -> int:
    return int(_library().matmul_heuristic_result_dtype["algo"].itemsize)


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
    """cᵀ = bᵀ · aᵀ with its fused end; ``tf32`` lets the library round FP32 factors to TF32."""

    dtype: DataType
    batch: int
    b: Matrix
    a: Matrix
    c: Matrix
    alpha: float
    relu: bool
    biased: bool
    added: Matrix | None
    tf32: bool = False


def _limit_bytes(product: Product) -> int:
    """What an algorithm may ask for: the result in FP32 once, within bounds."""
    result = 4 * product.batch * product.c.rows * product.c.columns
    return min(max(result, _LEAST_LIMIT), _MOST_LIMIT)


def product_workspace_bytes(product: Product, rank: int) -> int:
    """Scratch of an algorithm on aligned operands, 0 while it has not been asked for."""
    added = 0 if product.added is None else _MOST_ALIGNED
    aligned = (_MOST_ALIGNED, _MOST_ALIGNED, _MOST_ALIGNED)
    key = _key(product, rank, aligned, added)
    return Workspace.wanted(code_store().workspace_bytes(KIND, key))


def _key(product: Product, rank: int, addresses: tuple[int, int, int], added: int) -> str:
    """Tells searches for algorithms apart."""
    return digest_of(product, rank, *_alignments(addresses, added))


def _alignments(addresses: tuple[int, int, int], added: int) -> tuple[int, ...]:
    """Of the library's A, B, C and D, in bytes."""
    a, b, c = addresses
    return tuple(min(_MOST_ALIGNED, x & -x) for x in (b, a, added or c, c))


@dataclass
class ProductLaunch:
    """A product with its operands: addresses of a, b and c, of bias and of what is added."""

    product: Product
    rank: int
    addresses: tuple[int, int, int]
    bias: int
    added: int
    workspace: Workspace = NO_WORKSPACE
    capturable: bool = True
    _descriptor: int = field(default=0, repr=False)
    _layouts: tuple[int, ...] = field(default=(), repr=False)
    _algorithm: Any = field(default=None, repr=False)
    _scalars: Any = field(default=None, repr=False)
    _scratch: Workspace = field(default=NO_WORKSPACE, repr=False)

    def prepare(self, loader: Loader) -> None:
        """Ask the library for its algorithm, or restore it.

        Raises:
            UnsupportedError: It has fewer than the rank asks for.
        """
        if self._descriptor:
            return
        lib, p = _library(), self.product
        try:
            descriptor = _described(p, self.bias)
            matrices = (p.b, p.a, p.added or p.c, p.c)
            layouts = tuple(
                _layout(matrix, CUDA_TYPES[p.dtype], p.batch) for matrix in matrices
            )
            weakref.finalize(self, _destroy, descriptor, layouts).atexit = False
            found = self._restored(descriptor, layouts) or self._ask(descriptor, layouts)
        except lib.cuBLASLtError as error:
            raise UnsupportedError(f"the library declines: {error}") from error
        self._algorithm, wanted = found
        code_store().note_workspace(KIND, self._key, wanted)
        self._layouts = layouts
        self._scalars = np.array([p.alpha, 1.0 if p.added else 0.0], np.float32)
        self._scratch = self.workspace.or_from(loader, wanted)
        self._descriptor = descriptor

    @property
    def _key(self) -> str:
        return _key(self.product, self.rank, self.addresses, self.added)

    def _restored(
        self, descriptor: int, layouts: tuple[int, ...]
    ) -> tuple[NDArray[np.uint8], int] | None:
        """What a file held for this library and GPU, where the library still takes it."""
        stored = code_store().find(KIND, self._key, _origin())
        if stored is None or len(stored.data) != _algorithm_bytes():
            return None
        lib = _library()
        algorithm = np.frombuffer(bytes(stored.data), np.uint8).copy()
        checked: Any = np.zeros(1, lib.matmul_heuristic_result_dtype)
        try:
            lib.matmul_algo_check(
                _handle(), descriptor, *layouts, algorithm.ctypes.data, checked.ctypes.data
            )
        except lib.cuBLASLtError:
            return None
        return algorithm, int(checked["workspace_size"][0])

    def _ask(self, descriptor: int, layouts: tuple[int, ...]) -> tuple[NDArray[np.uint8], int]:
        lib, wanted = _library(), self.rank + 1
        found = np.zeros(wanted, lib.matmul_heuristic_result_dtype)
        count = np.zeros(1, np.int32)
        preference = lib.matmul_preference_create()
        try:
            self._prefer(preference)
            lib.matmul_algo_get_heuristic(
                _handle(), descriptor, *layouts, preference, wanted,
                found.ctypes.data, count.ctypes.data,
            )  # fmt: skip
        finally:
            lib.matmul_preference_destroy(preference)
        if count[0] < wanted:
            raise UnsupportedError(f"the library ranks fewer than {wanted} algorithms")
        chosen = found[self.rank]
        algorithm = np.frombuffer(chosen["algo"].tobytes(), np.uint8).copy()
        return algorithm, int(chosen["workspace_size"])

    def _prefer(self, preference: int) -> None:
        """How much scratch an algorithm may take, how it adds parts, and how operands lie."""
        lib = _library()
        call, named = lib.matmul_preference_set_attribute, lib.MatmulPreferenceAttribute
        limit = np.uint64(_limit_bytes(self.product))
        _set(call, preference, named.MAX_WORKSPACE_BYTES, limit)
        if self.product.dtype is not DataType.FLOAT:
            # Parts of k added up in half precision cost 16 times a rounding of the result.
            in_float = np.uint32(lib.ReductionScheme.COMPUTE_TYPE)
            _set(call, preference, named.REDUCTION_SCHEME_MASK, in_float)
        alignments = _alignments(self.addresses, self.added)
        for name, alignment in zip("ABCD", alignments, strict=True):
            attribute = named[f"MIN_ALIGNMENT_{name}_BYTES"]
            _set(call, preference, attribute, np.uint32(alignment))

    def compiled(self) -> CompiledCode | None:
        """The algorithm as the library's own words."""
        wanted = code_store().workspace_bytes(KIND, self._key)
        return CompiledCode(KIND, self._key, _origin(), self._algorithm.tobytes(), wanted)

    def enqueue(self, stream: Stream) -> None:
        """Run the product on a stream."""
        lib = _library()
        a, b, c = self.addresses
        scalar = self._scalars.ctypes.data
        try:
            lib.matmul(
                _handle(), self._descriptor, scalar, b, self._layouts[0], a, self._layouts[1],
                scalar + 4, self.added or c, self._layouts[2], c, self._layouts[3],
                self._algorithm.ctypes.data, self._scratch.address, self._scratch.nbytes,
                stream.ptr,
            )  # fmt: skip
        except lib.cuBLASLtError as error:
            raise DeviceError(f"the library failed: {error}") from error


def _described(p: Product, bias: int) -> int:
    """The library's description of a product."""
    lib = _library()
    compute = _COMPUTE_32F_FAST_TF32 if p.tf32 else _COMPUTE_32F
    descriptor = lib.matmul_desc_create(compute, CUDA_TYPES[DataType.FLOAT])
    call, named = lib.matmul_desc_set_attribute, lib.MatmulDescAttribute
    _set(call, descriptor, named.TRANSA, np.int32(p.b.turned))
    _set(call, descriptor, named.TRANSB, np.int32(p.a.turned))
    epilogue = {
        (False, False): lib.Epilogue.DEFAULT,
        (True, False): lib.Epilogue.BIAS,
        (False, True): lib.Epilogue.RELU,
        (True, True): lib.Epilogue.RELU_BIAS,
    }[p.biased, p.relu]
    _set(call, descriptor, named.EPILOGUE, np.uint32(epilogue))
    if p.biased:
        _set(call, descriptor, named.BIAS_POINTER, np.uint64(bias))
    return int(descriptor)


def _destroy(descriptor: int, layouts: tuple[int, ...]) -> None:
    """The library keeps descriptions until they are given back."""
    lib = _library()
    for layout in layouts:
        lib.matrix_layout_destroy(layout)
    lib.matmul_desc_destroy(descriptor)


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
