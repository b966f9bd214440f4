"""Compiled code that is found again, and devices that fall back where it is of no use."""

from contextlib import contextmanager, nullcontext
from threading import Event
from types import SimpleNamespace

import pytest

from trtlab.core.errors import CancelledError, UnsupportedError
from trtlab.devices.cuda import device as device_module
from trtlab.devices.cuda.code import CodeStore, CompiledCode, digest_of
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.cuda.nvrtc import compile_cubin, cubin_key
from trtlab.devices.cuda.scratch import Workspace

TEXT = 'extern "C" __global__ void half(float* x) { x[threadIdx.x] *= 0.5f; }'
PLAN = CompiledCode("cudnn", "k", "cudnn 9/A", b"plan", 100)


def test_a_store_finds_by_kind_key_and_origin():
    store = CodeStore()
    store.add([PLAN])
    assert store.find("cudnn", "k") is PLAN
    assert store.find("cudnn", "k", "cudnn 9/A") is PLAN
    assert store.find("cudnn", "k", "cudnn 8/A") is None
    assert store.find("cublaslt", "k") is None
    assert store.workspace_bytes("cudnn", "k") == 100
    store.note_workspace("cudnn", "k", 7)
    assert (store.workspace_bytes("cudnn", "k"), store.workspace_bytes("cudnn", "x")) == (7, 0)


def test_keys_tell_texts_and_targets_apart():
    keys = {
        cubin_key(t, arch) for t in (TEXT, TEXT + " ") for arch in ("sm_80", "sm_90", "sm_100")
    }
    assert len(keys) == 6
    assert digest_of("a", "b") != digest_of("ab")


class _DriverError(Exception):
    pass


class _Driver:
    """Loads what looks like machine code for it."""

    def __init__(self):
        self.loaded = []

    def Module(self):  # noqa: N802 - CuPy's name
        def load(code):
            if not code.startswith(b"\x7fELF"):
                raise _DriverError
            self.loaded.append(code)

        return SimpleNamespace(load=load, get_function=lambda name: SimpleNamespace(name=name))


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """A device whose driver is played, and whose compiler is real."""
    pytest.importorskip("cuda.bindings.nvrtc")
    monkeypatch.setenv("TRTLAB_CACHE_DIR", str(tmp_path))
    driver, store = _Driver(), CodeStore()
    current = SimpleNamespace(function=driver, Device=lambda index: nullcontext())
    played = SimpleNamespace(cuda=current)
    monkeypatch.setattr(device_module, "cupy", lambda: played)
    monkeypatch.setattr(device_module, "cuda_errors", lambda: (_DriverError,))
    monkeypatch.setattr(device_module, "code_store", lambda: store)
    device = object.__new__(CudaDevice)
    device.arch, device.index = "sm_90", 0
    device._functions, device._modules = {}, []
    return device, driver, store


KERNEL = Kernel("half", TEXT, (1, 1, 1), (32, 1, 1))


def test_stored_code_is_loaded_without_a_compiler(gpu, monkeypatch):
    device, driver, store = gpu
    (code,) = device.code_of([KernelLaunch(KERNEL, (1,))])
    assert code.kind == "kernel"
    assert code.data == compile_cubin(TEXT, "sm_90")
    store.add([code])
    monkeypatch.setattr(device_module, "compile_cubin", None)
    assert device.function(KERNEL).name == "half"
    assert driver.loaded == [code.data]


@pytest.mark.parametrize("data", [b"", b"of a newer compiler"])
def test_code_that_the_driver_refuses_is_compiled_anew(gpu, data):
    device, driver, store = gpu
    store.add([CompiledCode("kernel", cubin_key(TEXT, "sm_90"), "nvrtc 99.0", data)])
    assert device.function(KERNEL).name == "half"
    assert driver.loaded == [compile_cubin(TEXT, "sm_90")]


def test_library_plans_are_prepared_and_kept_on_their_own_device(monkeypatch):
    entered = []

    @contextmanager
    def current(index):
        entered.append(index)
        yield
        entered.append("left")

    class Launch:
        capturable = True

        def __init__(self, plan):
            self.plan = plan
            self.ready = False

        def prepare(self, loader):
            assert entered[-1] == 3
            if self.plan == "declined":
                raise UnsupportedError("no such plan")
            self.ready = True

        def compiled(self):
            assert self.ready
            return self.plan

    played = SimpleNamespace(cuda=SimpleNamespace(Device=current))
    monkeypatch.setattr(device_module, "cupy", lambda: played)
    device = object.__new__(CudaDevice)
    device.index = 3
    assert device.code_of([Launch(PLAN), Launch(None), object()]) == [PLAN]
    with pytest.raises(UnsupportedError):
        device.code_of([Launch("declined")])


class _Loader:
    def scratch(self, nbytes):
        return SimpleNamespace(address=1 << 30, nbytes=nbytes)


@pytest.mark.parametrize("begin", [0, 64, 192, 256])
def test_a_workspace_is_enough_wherever_it_begins(begin):
    given = Workspace(4096 + begin, Workspace.wanted(1000))
    got = given.or_from(_Loader(), 1000)
    assert got.address % 256 == 0
    assert got.nbytes == 1000
    assert given.address <= got.address
    assert got.address + 1000 <= given.address + given.nbytes


def test_a_workspace_that_is_too_small_is_left_alone():
    assert Workspace(4096, 500).or_from(_Loader(), 1000).address == 1 << 30
    assert Workspace(4096, 500).behind(400).or_from(_Loader(), 200).address == 1 << 30
    assert Workspace(4096, 100).behind(400).nbytes == 0
    assert Workspace(0, 0).or_from(_Loader(), 0).address == 1 << 30
    assert Workspace.wanted(0) == 0


def test_a_stopped_build_waits_for_no_compiler(monkeypatch):
    device, release, compiled = object.__new__(CudaDevice), Event(), []

    def compile_slowly(text, arch):
        release.wait(20.0)
        compiled.append(text)
        return b""

    def stop():
        raise CancelledError("stopped")

    monkeypatch.setattr(device_module, "compile_cubin", compile_slowly)
    monkeypatch.setattr(device_module, "available_cores", lambda: 1)
    device.arch, device._functions, device._ahead = "sm_90", {}, {}
    texts = ["first", "second", "third"]
    device.compile_ahead(
        [KernelLaunch(Kernel("k", t, (1, 1, 1), (1, 1, 1)), ()) for t in texts]
    )
    with pytest.raises(CancelledError):
        device.finish_compiling(stop)
    release.set()
    device._compilers.shutdown()
    assert compiled in ([], ["first"])  # what had begun
    device.finish_compiling()
