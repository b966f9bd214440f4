"""What the CUDA device says on a machine that has none, and that the CPU never loads CuPy."""

import subprocess
import sys

import pytest

from trtlab.core.errors import DeviceError, UsageError
from trtlab.devices.cuda import libraries
from trtlab.devices.open import open_device


@pytest.fixture
def fresh():
    for call in (libraries.cupy, libraries.device_count, open_device):
        call.cache_clear()
    yield
    for call in (libraries.cupy, libraries.device_count, open_device):
        call.cache_clear()


def test_missing_cupy_is_said_with_a_hint(fresh, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # makes the import fail
    with pytest.raises(DeviceError, match="needs cupy") as caught:
        open_device("cuda")
    assert "trtlab[cuda13]" in caught.value.hint


def test_driver_that_finds_nothing_is_said(fresh, monkeypatch):
    class FaultError(Exception):
        pass

    class Runtime:
        CUDARuntimeError = FaultError

        @staticmethod
        def getDeviceCount():  # noqa: N802 - CuPy's name
            raise FaultError("cudaErrorInsufficientDriver")

    class Module:
        class cuda:  # noqa: N801 - CuPy's name
            runtime = Runtime

    monkeypatch.setitem(sys.modules, "cupy", Module)
    with pytest.raises(DeviceError, match="no usable GPU: cudaErrorInsufficientDriver"):
        open_device("cuda:0")


@pytest.mark.parametrize("name", ["cuda:x", "gpu", "cuda:"])
def test_unknown_names(name):
    with pytest.raises(UsageError, match="unknown device"):
        open_device(name)


def test_the_cpu_never_loads_cupy():
    code = (
        "import sys; from trtlab.runtime.devices import open_runtime; open_runtime('cpu'); "
        "assert not {'cupy', 'cuda', 'cudnn', 'nvmath'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
