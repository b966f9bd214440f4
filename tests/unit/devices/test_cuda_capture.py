"""Captures that fail, are interrupted or are spoilt, on a runtime that only keeps the books."""

import os
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from trtlab.core.errors import DeviceError, DeviceLostError
from trtlab.devices.cuda import graphs, libraries, program
from trtlab.devices.cuda.program import CudaProgram

SPOILT, UNSUPPORTED, ILLEGAL_ADDRESS = 901, 900, 700


class RefusedError(RuntimeError):
    """As CuPy's errors are."""

    def __init__(self, status):
        super().__init__(f"cudaError{status}")
        self.status = status


class Books:
    """CUDA's, as far as captures are concerned.

    Attributes:
        capturing: Streams that are.
        waits: How often the whole device was waited for.
        ends_with: Code that the end of a capture returns; an exception is raised before it.
    """

    def __init__(self):
        self.capturing, self.made, self.waits, self.lost = set(), 0, 0, False
        self.ends_with = 0
        books = self

        class Stream:
            def __init__(self, non_blocking):
                books.made += 1
                self.ptr = books.made

            def begin_capture(self):
                books.capturing.add(self.ptr)

        self.Stream = Stream

    def end(self, stream):
        if isinstance(self.ends_with, BaseException):
            error, self.ends_with = self.ends_with, 0
            raise error
        self.capturing.discard(stream)
        name = f"cudaErrorNumber{self.ends_with}"
        return Code(self.ends_with, name), 7

    def wait(self):
        self.waits += 1
        if self.lost:
            raise RefusedError(ILLEGAL_ADDRESS)


class Code(int):
    def __new__(cls, value, name):
        made = super().__new__(cls, value)
        made.name = name
        return made


@pytest.fixture
def books(monkeypatch):
    found = Books()
    runtime = SimpleNamespace(deviceSynchronize=found.wait, CUDARuntimeError=RefusedError)
    driver = SimpleNamespace(CUDADriverError=RefusedError)
    cupy = SimpleNamespace(
        cuda=SimpleNamespace(Stream=found.Stream, runtime=runtime, driver=driver)
    )
    api = SimpleNamespace(cudaStreamEndCapture=found.end)
    destroyed = SimpleNamespace(CUgraph=int, cuGraphDestroy=lambda graph: None)
    for module in (graphs, libraries):
        monkeypatch.setattr(module, "cupy", lambda: cupy)
    monkeypatch.setattr(graphs, "runtime", lambda: api)
    monkeypatch.setattr(graphs, "driver", lambda: destroyed)
    monkeypatch.setattr(graphs, "_without_memsets", lambda graph, fill: fill())
    monkeypatch.setattr(graphs, "_streams", {})
    made = SimpleNamespace(upload=lambda stream: None)
    monkeypatch.setattr(graphs, "Graph", lambda graph: made)
    return found


class Gpu(nullcontext):
    id = 0


def capture(enqueue=lambda main, others: None, fill=lambda: None):
    return graphs.capture(Gpu(), 1, enqueue, fill)


def test_streams_of_captures_are_used_again(books):
    capture()
    capture()
    assert books.made == 2
    assert not books.capturing


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_an_interrupt_leaves_no_stream_captured(books, error):
    books.ends_with = error
    with pytest.raises(type(error)):
        capture()
    assert not books.capturing
    capture()
    assert books.made == 4  # what was interrupted is not used again


def test_an_interrupt_while_enqueueing_ends_the_capture(books):
    def enqueue(main, others):
        assert books.capturing == {main.ptr}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture(enqueue)
    assert not books.capturing


def test_a_spoilt_capture_does_not_wait_for_the_device(books):
    """The wait would spoil the captures of other threads, too."""
    books.ends_with = SPOILT
    with pytest.raises(DeviceError, match="a CUDA graph cannot be captured"):
        capture()
    assert books.waits == 0


def test_other_failures_ask_whether_all_is_lost(books):
    with pytest.raises(DeviceError) as caught:
        libraries.succeeded((Code(1, "cudaErrorInvalidValue"),), "a call")
    assert not isinstance(caught.value, DeviceLostError)
    assert books.waits == 1
    books.lost = True
    with pytest.raises(DeviceLostError):
        libraries.succeeded((Code(1, "cudaErrorInvalidValue"),), "a call")


@pytest.mark.parametrize(
    ("status", "waits"), [(UNSUPPORTED, 0), (SPOILT, 0), (ILLEGAL_ADDRESS, 1), (911, 1)]
)
def test_refusals_of_captures_ask_nothing_more(books, status, waits):
    told = libraries.told_error("copying", RefusedError(status))
    assert not isinstance(told, DeviceLostError)
    assert books.waits == waits


@pytest.mark.parametrize(("child", "hint"), [(0, "restart the kernel"), (1, "spawn")])
def test_a_forked_process_is_told_that_it_is_one(books, monkeypatch, child, hint):
    libraries._user()  # whose parent used the GPU
    pid = os.getpid()
    monkeypatch.setattr(libraries.os, "getpid", lambda: pid + child)
    books.lost = True
    with pytest.raises(DeviceLostError) as caught, libraries.told("allocating 8 bytes"):
        raise RefusedError(3)
    assert hint in caught.value.hint
    with pytest.raises(DeviceLostError) as caught, libraries.told("timing k"):
        raise DeviceError("the library failed")
    assert hint in caught.value.hint
    with pytest.raises(DeviceLostError) as caught:
        libraries.succeeded((Code(3, "CUDA_ERROR_NOT_INITIALIZED"),), "the launch of k")
    assert hint in caught.value.hint
    assert hint in program._refused(7, RefusedError(3)).hint


# ---- programs ------------------------------------------------------------------------------


@pytest.fixture
def bare(books):
    """A program without steps, on a device that says when it is current."""
    made = object.__new__(CudaProgram)
    made.log = []

    class Current:
        id = 0

        def __enter__(self):
            made.log.append("in")

        def __exit__(self, *exc):
            made.log.append("out")

    made._device, made.main = Current(), SimpleNamespace(ptr=-1)
    made._events = made._marks = made._last = None
    made._joined, made._refusal, made.graphs = False, "", False
    return made


def test_names_are_asked_of_streams_that_nobody_copies_on(bare, monkeypatch):
    asked = []

    def names(launches, stream):
        asked.append(stream.ptr)
        return ("k",)

    monkeypatch.setattr(program, "kernel_names", names)
    launch = SimpleNamespace(capturable=True)
    bare.route = SimpleNamespace(launches=[[launch], [launch]])
    assert bare.kernels() == [("k",), ("k",)]
    assert bare.main.ptr not in asked
    assert asked == [graphs.own_streams(0, 1)[0].ptr] * 2


class Watched:
    """A stamped run that notes when it is asked."""

    def __init__(self, log, error=None):
        self.log, self.error = log, error

    def enqueue(self, stream):
        self.log.append("enqueued")

    def join(self, stream):
        self.log.append("joined")

    def read(self):
        if self.error:
            raise self.error
        return "times"


def test_stamped_runs_are_on_the_programs_device(bare):
    bare._events = Watched(bare.log)
    bare.enqueue_stamped(None)
    assert bare.log == ["in", "enqueued", "out"]
    assert bare.stamps() == "times"


def test_times_of_a_graph_that_was_never_launched(bare, books, monkeypatch):
    caller = SimpleNamespace(is_capturing=lambda: True)
    monkeypatch.setattr(program, "CallersStream", lambda handle: caller)
    bare._events = Watched(bare.log, RefusedError(400))
    bare.enqueue_stamped(9)
    assert "joined" in bare.log
    with pytest.raises(DeviceError, match="no times yet of the run that was captured") as said:
        bare.stamps()
    assert "enqueue_emits_profile" in said.value.hint
    assert books.waits == 0  # the caller's capture may still be under way


def test_a_fault_is_told_where_times_are_read(bare, books):
    bare._events = Watched(bare.log, RefusedError(ILLEGAL_ADDRESS))
    bare.enqueue_stamped(None)
    books.lost = True
    with pytest.raises(DeviceLostError, match="reading time stamps"):
        bare.stamps()
