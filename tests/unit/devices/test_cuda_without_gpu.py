"""What the CUDA device says on a machine that has none, and that the CPU never loads CuPy."""

import re
import subprocess
import sys
from types import SimpleNamespace

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
    asked = []
    monkeypatch.setattr(libraries.ctypes, "CDLL", asked.append)  # a driver is there
    monkeypatch.setitem(sys.modules, "cupy", None)  # makes the import fail
    with pytest.raises(DeviceError, match="needs cupy") as caught:
        open_device("cuda")
    assert asked == ["nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"]
    assert 'pip install -e ".[cuda13]"' in caught.value.hint
    assert "pip install 'trtlab[cuda13]'" in caught.value.hint


def test_without_cupy_and_driver_the_driver_comes_first(fresh, monkeypatch):
    def absent(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(libraries.ctypes, "CDLL", absent)
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceError, match="no NVIDIA driver is loaded") as caught:
        open_device("cuda")
    assert "use device cpu" in caught.value.hint
    assert "nvidia-smi" in caught.value.hint


def test_a_cupy_that_does_not_load_is_said_in_the_loaders_words(fresh, monkeypatch, tmp_path):
    (tmp_path / "cupy.py").write_text(
        "try:\n"
        "    raise ImportError('libnvrtc.so.12: cannot open shared object file')\n"
        "except ImportError as error:\n"
        "    raise ImportError('=' * 60 + ' a page of advice') from error\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    with pytest.raises(DeviceError, match=r"cannot be imported: libnvrtc\.so\.12") as caught:
        open_device("cuda")
    assert "built for another CUDA" in caught.value.hint


class FaultError(Exception):
    pass


def cupy_whose(error, driver, runtime):
    """CuPy's part that is asked for devices; versions as CUDA counts them."""

    def refuse():
        raise FaultError(error)

    api = SimpleNamespace(
        CUDARuntimeError=FaultError,
        getDeviceCount=refuse,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: runtime,
    )
    return SimpleNamespace(cuda=SimpleNamespace(runtime=api))


@pytest.mark.parametrize(
    ("driver", "said", "hint"),
    [
        (0, "no NVIDIA driver is loaded on this machine: cudaErrorX", "or use device cpu"),
        (
            12040,
            "driver is too old: it serves CUDA up to 12.4, the installed CuPy was built for",
            r"update the driver.*trtlab\[cuda12\]",
        ),
        (13000, "finds no usable GPU: cudaErrorX", "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_a_runtime_that_finds_nothing_says_why(fresh, monkeypatch, driver, said, hint):
    monkeypatch.setitem(sys.modules, "cupy", cupy_whose("cudaErrorX", driver, 13020))
    with pytest.raises(DeviceError) as caught:
        open_device("cuda:0")
    assert said in caught.value.what
    assert re.search(hint, caught.value.hint)


def test_a_machine_without_a_driver_says_so():
    """With the CuPy that is installed, in a process of its own: whatever is there is named."""
    code = "from trtlab.devices.open import open_device; open_device('cuda')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        pytest.skip("this machine has a GPU")
    last = done.stderr[done.stderr.rindex("DeviceError: ") :]
    assert re.match(r"DeviceError: (no NVIDIA driver|the CUDA device needs cupy)", last)
    assert "try: " in last


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
