"""Whatever is refused half-way leaves nothing behind, and is told of the right device."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda import l2_window, libraries, memory, nvrtc
from trtlab.devices.cuda.l2_window import Window, kept_in_cache
from trtlab.devices.cuda.memory import CudaMemory

ELF = b"\x7fELF"


@pytest.mark.parametrize("refuses", [None, 2])
def test_a_window_is_taken_off_every_stream(monkeypatch, refuses):
    carried = {1: "before", 2: "before"}

    def carry(stream, value):
        if stream.ptr == refuses and value == "window":
            raise DeviceError("cudaStreamSetAttribute failed")
        carried[stream.ptr] = value

    api = SimpleNamespace(
        deviceGetLimit=lambda _: 1 << 20, deviceGetAttribute=lambda *_: 1 << 27
    )
    cuda = SimpleNamespace(runtime=api, Device=lambda: SimpleNamespace(id=0))
    monkeypatch.setattr(l2_window, "cupy", lambda: SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(l2_window, "_get", lambda stream: carried[stream.ptr])
    monkeypatch.setattr(l2_window, "_value", lambda *_: "window")
    monkeypatch.setattr(l2_window, "_set", carry)
    streams = [SimpleNamespace(ptr=1), SimpleNamespace(ptr=2)]
    seen = []
    try:
        with kept_in_cache(Window(1 << 20, 4096, 1 << 10), streams):
            seen.append(dict(carried))
    except DeviceError:
        assert refuses
    assert seen == ([] if refuses else [{1: "window", 2: "window"}])
    assert carried == {1: "before", 2: "before"}


class NoRoomError(Exception):
    pass


def test_free_memory_is_told_of_the_device_that_has_too_little(monkeypatch):
    current = [0]

    class Device:
        def __init__(self, index):
            self.index = index

        def __enter__(self):
            current.append(self.index)

        def __exit__(self, *exc):
            current.pop()

    def alloc(nbytes):
        raise NoRoomError

    def of_current(*counts):
        return lambda: counts[current[-1]]

    pool = SimpleNamespace(
        used_bytes=of_current(1, 2_000), total_bytes=of_current(1, 3_000), get_limit=lambda: 0
    )
    cuda = SimpleNamespace(
        alloc=alloc,
        Device=Device,
        memory=SimpleNamespace(OutOfMemoryError=NoRoomError),
        runtime=SimpleNamespace(
            memGetInfo=of_current((70_000, 80_000), (10_000, 40_000)),
            CUDARuntimeError=RuntimeError,
        ),
        driver=SimpleNamespace(CUDADriverError=RuntimeError),
    )
    played = SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool)
    for module in (memory, libraries):
        monkeypatch.setattr(module, "cupy", lambda: played)
    with pytest.raises(DeviceError) as caught:
        CudaMemory(50_000, 1)
    assert "10,000 of 40,000 bytes are free, this process holds 2,000" in caught.value.what
    assert "free the 27,000 bytes" in caught.value.hint
    assert current == [0]


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """A cache in a folder, and how often something was compiled for it."""
    count = []

    def compile_text(text, arch, flags):
        count.append(text)
        return ELF + text.encode()

    monkeypatch.setattr(nvrtc, "settings", lambda: SimpleNamespace(cache_dir=tmp_path))
    monkeypatch.setattr(nvrtc, "compiler_version", lambda: "13.0")
    monkeypatch.setattr(nvrtc, "_compile", compile_text)
    return count


def test_code_that_is_cleared_or_unreadable_is_compiled_again(compiled, monkeypatch):
    for _ in range(2):
        assert nvrtc.compile_cubin("k", "sm_90") == ELF + b"k"
    assert len(compiled) == 1

    def refuse(path):
        raise PermissionError(errno.EACCES, "somebody else's", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert nvrtc.compile_cubin("k", "sm_90") == ELF + b"k"
    assert len(compiled) == 2


def test_a_full_disk_is_left_as_it_was(compiled, monkeypatch, tmp_path):
    def full(path, target):
        raise OSError(errno.ENOSPC, "no space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    assert nvrtc.compile_cubin("k", "sm_90") == ELF + b"k"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
