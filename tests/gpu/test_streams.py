"""Streams and events of the caller, and what happens when they cannot be used."""

import subprocess
import sys
from textwrap import dedent

import pytest

import trtlab as trt
from tests.support.gpu_contexts import GRAPHS, STREAMS, assert_right, bound_context, poison
from tests.support.runtime_engines import data

pytestmark = pytest.mark.gpu
cp = pytest.importorskip("cupy")


@GRAPHS
def test_lent_auxiliary_streams(device, stream, graphs):
    lent = [cp.cuda.Stream(non_blocking=True) for _ in range(3)]
    for count in (0, 1, 2, 3):
        bound = bound_context(device, streams=2, use_cuda_graphs=graphs)
        bound.context.set_aux_streams([s.ptr for s in lent[:count]])
        for _ in range(3):
            poison(bound)
            bound.context.execute_async_v3(stream.ptr)
            assert_right(bound, 2)


@STREAMS
@GRAPHS
def test_inputs_may_be_overwritten_once_consumed(device, stream, graphs, streams):
    bound = bound_context(device, streams=streams, use_cuda_graphs=graphs)
    context, other = bound.context, cp.cuda.Stream(non_blocking=True)
    consumed, start, end = (cp.cuda.Event() for _ in range(3))
    context.set_input_consumed_event(consumed.ptr)
    assert context.get_input_consumed_event() == consumed.ptr
    context.execute_async_v3(stream.ptr)
    stream.synchronize()
    x = bound.memory["x"]
    for _ in range(10):
        device.write(x.address, data(2)["x"])
        poison(bound)
        start.record(stream)
        context.execute_async_v3(stream.ptr)
        end.record(stream)
        other.wait_event(consumed)
        cp.cuda.runtime.memsetAsync(x.address, 0xFF, x.nbytes, other.ptr)
        assert_right(bound, 2)
        assert cp.cuda.get_elapsed_time(start, consumed) > 0
        assert cp.cuda.get_elapsed_time(consumed, end) > 0
    context.set_input_consumed_event(0)
    device.write(x.address, data(2)["x"])
    context.execute_async_v3(stream.ptr)
    assert_right(bound, 2)


def _in_a_process(code):
    """Run code that may end the CUDA context; gives what it printed."""
    begin = """
        import numpy as np, cupy as cp, trtlab as trt
        from tests.support.runtime_engines import Bound, data, engine_on
        from trtlab.runtime.devices import open_runtime
        device = open_runtime("cuda")[0]
        context = engine_on("cuda").create_execution_context()
        bound = Bound(context, device).set_up(data(2))
    """
    text = dedent(begin) + dedent(code)
    command = [sys.executable, "-u", "-X", "faulthandler", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_stream_that_cannot_be_used_is_told(device, stream):
    """Its owner's capture is spoilt. (A destroyed stream cannot be told from any other.)"""
    bound = bound_context(device)
    bound.context.execute_async_v3(stream.ptr)
    stream.synchronize()
    stream.begin_capture()
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError):
        cp.cuda.runtime.streamSynchronize(stream.ptr)
    with pytest.raises(trt.DeviceError, match="does not take the work"):
        bound.context.execute_async_v3(stream.ptr)
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError):
        stream.end_capture()
    for _ in range(2):
        poison(bound)
        bound.context.execute_async_v3(stream.ptr)
        assert_right(bound, 2)


def test_debug_sync_names_the_layer_that_faults():
    said = _in_a_process("""
        context.debug_sync = True
        context.execute_async_v3(0)
        print("fine:", np.isfinite(bound.read()).all())
        context.set_tensor_address("x", 1 << 20)
        try:
            context.execute_async_v3(0)
        except trt.DeviceError as error:
            print(type(error).__name__, error.what)
            steps = context.executable().plan.steps
            print("first:", error.where == (f"layer {steps[0].layer.name}",))
    """)
    assert "fine: True" in said
    assert "DeviceLostError the GPU reports a fault" in said
    assert "first: True" in said
