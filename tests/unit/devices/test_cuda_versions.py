"""What a report says of a GPU's driver and libraries; nothing that is missing makes it fail."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from trtlab.devices.cuda import device as device_module
from trtlab.devices.cuda import versions
from trtlab.devices.cuda.device import CudaDevice


@pytest.fixture(autouse=True)
def fresh():
    calls = (versions.driver_version, versions._library_versions)
    for call in calls:
        call.cache_clear()
    yield
    for call in calls:
        call.cache_clear()


class RefusalError(Exception):
    pass


def refuse(*_):
    raise RefusalError


def nvml(monkeypatch, answer, init=lambda: None):
    calls = []
    module = SimpleNamespace(
        NVMLError=RefusalError,
        nvmlInit=init,
        nvmlShutdown=lambda: calls.append("shutdown"),
        nvmlSystemGetDriverVersion=answer,
    )
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return calls


@pytest.mark.parametrize("said", ["580.95.05", b"580.95.05"])
def test_the_driver_tells_its_own_version(monkeypatch, said):
    calls = nvml(monkeypatch, lambda: said)
    assert versions.driver_version() == "580.95.05"
    assert calls == ["shutdown"]


def test_a_driver_that_does_not_answer_has_no_version(monkeypatch):
    nvml(monkeypatch, lambda: "580.95.05", init=refuse)
    assert versions.driver_version() == ""
    versions.driver_version.cache_clear()
    calls = nvml(monkeypatch, refuse)
    assert versions.driver_version() == ""
    assert calls == ["shutdown"]
    versions.driver_version.cache_clear()
    monkeypatch.setitem(sys.modules, "pynvml", None)  # makes the import fail
    assert versions.driver_version() == ""


def libraries(monkeypatch, cudnn, cublaslt):
    """Stand-ins for the two libraries' modules; None for one that is not installed."""
    package, bindings = ModuleType("nvmath"), ModuleType("nvmath.bindings")
    monkeypatch.setitem(sys.modules, "nvmath", package)
    monkeypatch.setitem(sys.modules, "nvmath.bindings", bindings)
    monkeypatch.setitem(sys.modules, "nvmath.bindings.cublasLt", cublaslt)
    monkeypatch.setitem(sys.modules, "cudnn", cudnn)


@pytest.mark.parametrize(
    ("number", "text"), [(91900, "9.19.0"), (91002, "9.10.2"), (8907, "8.9.7")]
)
def test_libraries_tell_their_versions(monkeypatch, number, text):
    cudnn = SimpleNamespace(backend_version=lambda: number, __version__="1.28.0")
    libraries(monkeypatch, cudnn, SimpleNamespace(get_version=lambda: 130002))
    assert versions.library_versions() == {
        "cudnn": text, "cudnn-frontend": "1.28.0", "cublaslt": "13.0.2",
    }  # fmt: skip


def test_libraries_that_are_missing_or_broken_are_left_out(monkeypatch):
    def broken():
        raise RuntimeError("libcudnn.so.9: cannot open shared object file")

    libraries(monkeypatch, SimpleNamespace(backend_version=broken), None)
    assert versions.library_versions() == {}


def test_a_devices_record_holds_them_all(monkeypatch):
    nvml(monkeypatch, lambda: "580.95.05")
    cudnn = SimpleNamespace(backend_version=lambda: 91900, __version__="1.28.0")
    libraries(monkeypatch, cudnn, None)
    api = SimpleNamespace(driverGetVersion=lambda: 13000, runtimeGetVersion=lambda: 12090)
    played = SimpleNamespace(__version__="14.2.0", cuda=SimpleNamespace(runtime=api))
    monkeypatch.setattr(device_module, "cupy", lambda: played)
    monkeypatch.setattr(device_module, "compiler_version", lambda: "13.1")
    device = object.__new__(CudaDevice)
    device.arch = "sm_90"
    device._properties = {
        "name": b"H200",
        "multiProcessorCount": 132,
        "totalGlobalMem": 1 << 37,
    }
    record = device.record()
    assert (record.driver, record.driver_cuda) == ("580.95.05", "13.0")
    assert record.library_versions == {
        "cupy": "14.2.0", "cuda": "12.9", "nvrtc": "13.1",
        "cudnn": "9.19.0", "cudnn-frontend": "1.28.0",
    }  # fmt: skip
