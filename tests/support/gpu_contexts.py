"""Contexts of one small engine on the GPU, with inputs, poisoned outputs and known answers."""

from functools import cache

import numpy as np
import pytest

import trtlab as trt
from tests.support.runtime_engines import LARGE, SMALL, Bound, data, engine_on
from tests.support.tiny_models import branches
from trtlab.network.evaluate import evaluate
from trtlab.parser.parse import parse

cp = pytest.importorskip("cupy")
STRATEGY = trt.ExecutionContextAllocationStrategy
STREAMS = pytest.mark.parametrize("streams", [0, 2])
GRAPHS = pytest.mark.parametrize("graphs", [True, False], ids=["graph", "steps"])


def engine(streams=0):
    """The same for the same number of auxiliary streams."""
    return _engine(streams)


@cache
def _engine(streams):
    return engine_on("cuda", profiles=({"x": SMALL}, {"x": LARGE}), streams=streams)


@cache
def wanted(batch, seed=0):
    """Bits of the plainest way: a graph, one stream, arrays in and out."""
    context = engine().create_execution_context()
    context.set_optimization_profile_async(int(batch > 4), 0)
    found = context.infer(data(batch, seed))["y"]
    x = data(batch, seed)["x"].astype(np.float64)
    meant = evaluate(parse(branches()).network, {"x": x})["y"]
    assert np.linalg.norm(found - meant) / np.linalg.norm(meant) < 1e-4
    return found


def bound_context(device, batch=2, streams=0, strategy=STRATEGY.STATIC, **settings):
    context = engine(streams).create_execution_context(strategy)
    for name, value in settings.items():
        setattr(context, name, value)
    context.set_optimization_profile_async(int(batch > 4), 0)
    return Bound(context, device).set_up(data(batch))


def poison(bound):
    memory = bound.memory["y"]
    cp.cuda.runtime.memset(memory.address, 0xFF, memory.nbytes)
    cp.cuda.runtime.deviceSynchronize()


def assert_right(bound, batch, seed=0):
    cp.cuda.runtime.deviceSynchronize()
    np.testing.assert_array_equal(bound.read(), wanted(batch, seed))


def pointer_to(memory):
    """A CuPy pointer to a device's memory."""
    held = cp.cuda.UnownedMemory(memory.address, memory.nbytes, memory)
    return cp.cuda.MemoryPointer(held, 0)
