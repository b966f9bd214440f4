"""Launches of libraries that are played: plans are built once, kept, restored, or made anew."""

import gc
import weakref
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from trtlab.core.errors import UnsupportedError
from trtlab.core.types import DataType
from trtlab.devices.cuda.code import CodeStore
from trtlab.devices.cuda.scratch import Workspace
from trtlab.kernels.cuda import cublaslt_launch, cudnn_launch
from trtlab.kernels.cuda.cublaslt_launch import Matrix, Product, ProductLaunch
from trtlab.kernels.cuda.cudnn_launch import CudnnLaunch, plan_key, plan_workspace_bytes
from trtlab.layers.scale import Identity
from trtlab.tactics.problem import Operand, Problem

X = Operand(DataType.HALF, (8, 8))
PROBLEM = Problem(Identity(), (X,), (X,))
STREAM = SimpleNamespace(ptr=7)


class Loader:
    def __init__(self):
        self.asked = []

    def scratch(self, nbytes):
        self.asked.append(nbytes)
        return SimpleNamespace(address=1 << 30, nbytes=nbytes)


class Refused(Exception):  # noqa: N818 - a library's name
    pass


class Graph:
    """Ranks three plans; the second wants scratch."""

    def __init__(self, handle=None):
        self.ran, self.built, self.restored = [], [], None

    def get_execution_plan_count(self):
        return 3

    def build_plan_at_index(self, index):
        self.built.append(index)

    def get_workspace_size_plan_at_index(self, index):
        if self.restored is not None:
            return self.restored
        return (0, 1000, 0)[index]

    def serialize(self):
        return list(b"plan" + bytes([self.built[-1]]))

    def deserialize(self, handle, data):
        if bytes(data[:4]) != b"plan":
            raise RuntimeError("no plan")
        self.restored = (0, 1000, 0)[data[4]]

    def execute_plan_at_index(self, pack, workspace, index, handle):
        self.ran.append((pack, workspace, index))


@pytest.fixture
def cudnn(monkeypatch):
    """The module as in a fresh process, with a counting library."""
    made = SimpleNamespace(built=0, gpu=0, version=90100, store=CodeStore())
    library = SimpleNamespace(
        cudnnGraphNotSupportedError=Refused,
        pygraph=Graph,
        backend_version=lambda: made.version,
        set_stream=lambda handle, stream: None,
    )

    def build(problem):
        made.built += 1
        return Graph()

    def fresh(codes=()):
        made.store = CodeStore()
        made.store.add(codes)
        cudnn_launch._restored.clear()
        cudnn_launch._ranked.clear()

    made.build, made.fresh = build, fresh
    monkeypatch.setattr(cudnn_launch, "cudnn_library", lambda: library)
    monkeypatch.setattr(cudnn_launch, "cudnn_handle", lambda: 1)
    monkeypatch.setattr(cudnn_launch, "current_gpu", lambda: made.gpu)
    monkeypatch.setattr(cudnn_launch, "gpu_of_plans", lambda: "GPU/132")
    monkeypatch.setattr(cudnn_launch, "code_store", lambda: made.store)
    fresh()
    yield made
    fresh()


def _launch(cudnn, rank=1, **options):
    return CudnnLaunch(PROBLEM, rank, (16, 32), cudnn.build, **options)


def test_a_plan_is_kept_and_restored_without_its_graph(cudnn):
    first, loader = _launch(cudnn), Loader()
    first.prepare(loader)
    first.enqueue(STREAM)
    code = first.compiled()
    assert code.data == b"plan\x01"
    assert code.workspace_bytes == 1000
    assert code.origin == "cudnn 90100/GPU/132"
    assert loader.asked == [1000]
    assert cudnn.built == 1
    cudnn.fresh([code])
    again = _launch(cudnn)
    again.prepare(loader)
    again.enqueue(STREAM)
    assert cudnn.built == 1
    assert again._graph.ran == [({1: 16, 2: 32}, 1 << 30, 0)]
    assert again.compiled() is code


def test_a_plan_that_comes_with_an_engine_later_is_found(cudnn):
    first = _launch(cudnn)
    first.prepare(Loader())
    cudnn.store.add([first.compiled()])
    again = _launch(cudnn)
    again.prepare(Loader())
    assert again._graph is not first._graph
    assert again._graph.restored == 1000


def test_ranks_share_a_graph_and_devices_do_not(cudnn):
    launches = [_launch(cudnn, rank) for rank in (0, 1)]
    for launch in launches:
        launch.prepare(Loader())
    assert launches[0]._graph is launches[1]._graph
    cudnn.gpu = 1
    other = _launch(cudnn)
    other.prepare(Loader())
    assert other._graph is not launches[0]._graph


def _of_size(cudnn, size):
    value = Operand(DataType.HALF, (size, 8))
    launch = CudnnLaunch(Problem(Identity(), (value,), (value,)), 0, (16, 32), cudnn.build)
    launch.prepare(Loader())
    return launch


def test_graphs_live_as_long_as_their_launches_and_the_last_ones_beyond(cudnn, monkeypatch):
    for graphs in (cudnn_launch._ranked, cudnn_launch._restored):
        monkeypatch.setattr(graphs, "_kept", 4)
    held = _of_size(cudnn, 1)
    living = weakref.WeakSet(_of_size(cudnn, size)._graph for size in range(2, 100))
    gc.collect()
    assert len(living) == 4
    assert _of_size(cudnn, 99)._graph in living
    assert cudnn.built == 99
    assert _of_size(cudnn, 1)._graph is held._graph
    assert cudnn.built == 99
    _of_size(cudnn, 2)
    assert cudnn.built == 100
    del held
    for size in range(3, 7):
        _of_size(cudnn, size)
    gc.collect()
    assert not living


def test_restored_graphs_do_not_outlive_their_launches_for_ever(cudnn, monkeypatch):
    monkeypatch.setattr(cudnn_launch._restored, "_kept", 2)
    codes = [_of_size(cudnn, size).compiled() for size in range(9)]
    cudnn.fresh(codes)
    living = weakref.WeakSet(_of_size(cudnn, size)._graph for size in range(9))
    gc.collect()
    assert len(living) == 2
    assert cudnn.built == 9


def test_plans_of_another_version_or_of_no_use_are_built_anew(cudnn):
    first = _launch(cudnn)
    first.prepare(Loader())
    code = first.compiled()
    cudnn.version += 1
    cudnn.fresh([code])
    _launch(cudnn).prepare(Loader())
    assert cudnn.built == 2
    cudnn.version -= 1
    cudnn.fresh([type(code)(code.kind, code.key, code.origin, b"rubbish")])
    launch = _launch(cudnn)
    launch.prepare(Loader())
    launch.enqueue(STREAM)
    assert cudnn.built == 3
    assert launch._graph.ran[0][2] == 1


def test_scratch_lies_among_the_activations_once_the_plan_is_known(cudnn):
    assert plan_workspace_bytes(PROBLEM, 1, cudnn.build) == 0
    _launch(cudnn).prepare(Loader())
    wanted = plan_workspace_bytes(PROBLEM, 1, cudnn.build)
    assert wanted >= 1000
    assert plan_workspace_bytes(PROBLEM, 0, cudnn.build) == 0
    launch, loader = _launch(cudnn, workspace=Workspace(4096 + 64, wanted)), Loader()
    launch.prepare(loader)
    launch.enqueue(STREAM)
    assert loader.asked == []
    assert launch._graph.ran[0][1] == 4096 + 256


def test_keys_tell_problems_ranks_and_graphs_apart(cudnn):
    other = Problem(Identity(), (X,), (Operand(DataType.HALF, (8, 8), strides=(16, 1)),))
    keys = {plan_key(p, r, cudnn.build) for p in (PROBLEM, other) for r in (0, 1)}
    assert len(keys | {plan_key(PROBLEM, 0, len)}) == 5


def test_a_rank_that_is_not_there_is_refused(cudnn):
    with pytest.raises(UnsupportedError, match="fewer than 4 plans"):
        _launch(cudnn, rank=3).prepare(Loader())


# ---- cuBLASLt --------------------------------------------------------------------------------

RESULT = np.dtype([("algo", [("data_", "<u8", (8,))]), ("workspace_size", "<u8")])
SQUARE = Matrix(128, 128, 128, False, 0)
PRODUCT = Product(DataType.HALF, 1, SQUARE, SQUARE, SQUARE, 1.0, False, False, None)


class Lt:
    """Algorithm r is told by the number 100 + r; it wants 16 r bytes."""

    cuBLASLtError = Refused  # noqa: N815 - a library's name
    matmul_heuristic_result_dtype = RESULT
    MatmulDescAttribute = SimpleNamespace(TRANSA=0, TRANSB=1, EPILOGUE=2, BIAS_POINTER=3)
    Epilogue = SimpleNamespace(DEFAULT=1, BIAS=2, RELU=3, RELU_BIAS=4)
    ReductionScheme = SimpleNamespace(COMPUTE_TYPE=2)

    def __init__(self):
        self.asked, self.ran, self.version = 0, [], 130100
        self.kept = Counter()
        names = ["MAX_WORKSPACE_BYTES", *(f"MIN_ALIGNMENT_{x}_BYTES" for x in "ABCD")]
        names.append("REDUCTION_SCHEME_MASK")

        class Names(dict):
            __getattr__ = dict.__getitem__

        self.MatmulPreferenceAttribute = Names((n, i) for i, n in enumerate(names))

    def __getattr__(self, name):
        if name.endswith(("_create", "_destroy")):
            kind, what = name.rsplit("_", 1)
            change = 1 if what == "create" else -1
            return lambda *args: self.kept.update({kind: change}) or 1
        if name.endswith("_set_attribute"):
            return lambda *args: None
        raise AttributeError(name)

    def get_version(self):
        return self.version

    def matmul_algo_get_heuristic(self, *args):
        self.asked += 1
        *_, wanted, found, count = args
        rows = _at(found, RESULT, wanted)
        for rank in range(wanted):
            rows[rank]["algo"]["data_"][0] = 100 + rank
            rows[rank]["workspace_size"] = 16 * rank
        _at(count, np.dtype(np.int32), 1)[0] = min(wanted, 4)

    def matmul_algo_check(self, *args):
        *_, algorithm, result = args
        number = int(_at(algorithm, np.dtype(np.uint64), 8)[0])
        if number < 100:
            raise Refused
        _at(result, RESULT, 1)["workspace_size"] = 16 * (number - 100)

    def matmul(self, *args):
        *_, algorithm, workspace, nbytes, _stream = args
        number = int(_at(algorithm, np.dtype(np.uint64), 8)[0])
        self.ran.append((number, workspace, nbytes))


def _at(address, dtype, count):
    import ctypes

    raw = (ctypes.c_uint8 * (dtype.itemsize * count)).from_address(address)
    return np.frombuffer(raw, dtype, count)


@pytest.fixture
def lt(monkeypatch):
    library, stores = Lt(), [CodeStore()]

    def fresh(codes=()):
        stores[0] = CodeStore()
        stores[0].add(codes)
        cublaslt_launch._algorithm_bytes.cache_clear()

    library.fresh = fresh
    monkeypatch.setattr(cublaslt_launch, "_library", lambda: library)
    monkeypatch.setattr(cublaslt_launch, "_handle", lambda: 1)
    monkeypatch.setattr(cublaslt_launch, "gpu_of_plans", lambda: "GPU/132")
    monkeypatch.setattr(cublaslt_launch, "code_store", lambda: stores[0])
    fresh()
    yield library
    fresh()


def _product(rank=2, at=1 << 20, **options):
    return ProductLaunch(PRODUCT, rank, (at, at, at), 0, 0, **options)


@pytest.mark.parametrize("rank", [0, 9])
def test_descriptions_go_back_with_their_launch(lt, rank):
    """Also where the library declines."""
    launch = _product(rank)
    try:
        launch.prepare(Loader())
        assert lt.kept == {"matmul_desc": 1, "matrix_layout": 4, "matmul_preference": 0}
    except UnsupportedError:
        assert rank == 9
    del launch
    gc.collect()
    assert set(lt.kept.values()) == {0}


def test_an_algorithm_is_kept_and_restored_without_a_search(lt):
    first, loader = _product(), Loader()
    first.prepare(loader)
    code = first.compiled()
    assert np.frombuffer(code.data, np.uint64)[0] == 102
    assert len(code.data) == 64
    assert (code.workspace_bytes, loader.asked, lt.asked) == (32, [32], 1)
    lt.fresh([code])
    again = _product()
    again.prepare(loader)
    again.enqueue(STREAM)
    assert lt.asked == 1
    assert lt.ran == [(102, 1 << 30, 32)]
    assert again.compiled() == code


@pytest.mark.parametrize("data", [b"", bytes(63), bytes(64)])
def test_an_algorithm_that_the_library_does_not_take_is_searched_anew(lt, data):
    first = _product()
    first.prepare(Loader())
    code = first.compiled()
    lt.fresh([type(code)(code.kind, code.key, code.origin, data, 32)])
    again = _product()
    again.prepare(Loader())
    again.enqueue(STREAM)
    assert lt.asked == 2
    assert lt.ran[0][0] == 102


def test_an_algorithm_of_another_version_is_searched_anew(lt):
    first = _product()
    first.prepare(Loader())
    code = first.compiled()
    lt.version += 1
    lt.fresh([code])
    _product().prepare(Loader())
    assert lt.asked == 2


def test_operands_that_lie_worse_have_a_search_of_their_own(lt):
    first = _product()
    first.prepare(Loader())
    lt.fresh([first.compiled()])
    _product(at=(1 << 20) + 16).prepare(Loader())
    assert lt.asked == 2


def test_scratch_of_a_known_algorithm_lies_among_the_activations(lt):
    assert cublaslt_launch.product_workspace_bytes(PRODUCT, 2) == 0
    _product().prepare(Loader())
    wanted = cublaslt_launch.product_workspace_bytes(PRODUCT, 2)
    launch, loader = _product(workspace=Workspace(4096, wanted)), Loader()
    launch.prepare(loader)
    launch.enqueue(STREAM)
    assert loader.asked == []
    assert lt.ran == [(102, 4096, 32)]


def test_more_algorithms_than_there_are_are_refused(lt):
    with pytest.raises(UnsupportedError, match="fewer than 6 algorithms"):
        _product(rank=5).prepare(Loader())


@pytest.mark.parametrize(
    ("extent", "limit"), [(1, 512 << 10), (128, 512 << 10), (512, 1 << 20), (8192, 32 << 20)]
)
def test_the_search_has_a_modest_limit(extent, limit):
    square = Matrix(extent, extent, extent, False, 0)
    product = Product(DataType.HALF, 1, square, square, square, 1.0, False, False, None)
    assert cublaslt_launch._limit_bytes(product) == limit
