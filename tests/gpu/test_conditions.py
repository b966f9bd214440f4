"""Bad conditions of a GPU: a clear error, memory given back, the process usable afterwards."""

import dataclasses
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faulty_tactics import HungryRelu
from gpu_conditions import build_relu, build_with, context_of, product_of, reasons, relu_of

from trtlab.core.errors import DeviceError, EngineFormatError
from trtlab.core.logger import Logger
from trtlab.engine import plan_file
from trtlab.runtime.api import Runtime

pytestmark = pytest.mark.gpu
cupy = pytest.importorskip("cupy")
MIB = 1 << 20
LARGE = (256, 1 << 18)  # 256 MiB a tensor


@pytest.fixture(scope="module")
def device():
    from trtlab.devices.open import open_device

    return open_device("cuda")


@pytest.fixture
def pool(device):
    """CuPy's pool; its limit is lifted at the end, and everything must have come back."""
    pool = cupy.get_default_memory_pool()
    gc.collect()
    held = pool.used_bytes()
    yield pool
    pool.set_limit(size=0)
    gc.collect()
    assert pool.used_bytes() <= held  # less where an earlier test failed: its frames are gone


def infer(engine, shape=(4, 4096)):
    return context_of(engine).infer({"x": np.full(shape, -1, np.float32)})["y"]


def test_one_candidate_without_room_is_refused_not_fatal(device, pool):
    engine = build_with(device, [HungryRelu("sound")], relu_of((4, 4096)))
    refused = reasons(engine)["sound"]
    assert refused.startswith("failed while being timed: the GPU cannot allocate 35,184,372,0")
    assert "bytes are free" in refused
    assert (infer(engine) == 0).all()


def test_operands_without_room_end_the_build_and_the_next_one_works(device, pool):
    pool.free_all_blocks()
    pool.set_limit(size=300 * MIB)
    with pytest.raises(DeviceError, match="cannot allocate 268,435,456 bytes") as caught:
        build_relu(device, shape=LARGE)
    assert "limited to 314,572,800 bytes" in caught.value.what
    assert pool.used_bytes() < 100 * MIB
    del caught
    pool.set_limit(size=0)
    assert (infer(build_relu(device)) == 0).all()


def test_no_room_while_running_and_then_there_is(device, pool):
    engine = build_relu(device, shape=LARGE)
    pool.free_all_blocks()
    pool.set_limit(size=300 * MIB)
    with pytest.raises(DeviceError, match="cannot allocate"):
        infer(engine, LARGE)
    pool.set_limit(size=0)
    assert (infer(engine, LARGE) == 0).all()


def test_weights_without_room_and_then_with_it(device, pool):
    engine = build_with(device, [], product_of(4096, 8192), prove=False)
    x = {"x": np.ones((2, 4096), np.float32)}
    pool.free_all_blocks()
    pool.set_limit(size=pool.used_bytes() + 64 * MIB)
    with pytest.raises(DeviceError, match=r"has [\d,]+ bytes of weights: the GPU cannot"):
        context_of(engine).infer(x)
    pool.set_limit(size=0)
    assert context_of(engine).infer(x)["y"].shape == (2, 8192)


def test_an_engine_for_another_gpu_or_version_is_refused(device):
    engine = build_relu(device)
    foreign = dataclasses.replace(engine, compatibility="cuda/sm_80")
    runtime = Runtime(Logger(Logger.ERROR))
    with pytest.raises(
        EngineFormatError, match=r"built for cuda/sm_80 .* this device is cuda/"
    ):
        runtime.deserialize_cuda_engine(plan_file.serialize(foreign))
    blob = bytearray(plan_file.serialize(engine))
    blob[len(plan_file.MAGIC)] += 1
    with pytest.raises(EngineFormatError, match="version"):
        runtime.deserialize_cuda_engine(bytes(blob))
    assert (infer(engine) == 0).all()


def test_a_stream_that_the_caller_destroyed():
    """In a process of its own: CUDA may look into memory that the stream has given back."""
    code = (
        "import cupy, numpy as np\n"
        "from gpu_conditions import build_relu\n"
        "from trtlab.core.errors import DeviceError\n"
        "from trtlab.devices.open import open_device\n"
        "from trtlab.runtime.api import ICudaEngine\n"
        "device = open_device('cuda')\n"
        "context = ICudaEngine(build_relu(device, prove=False)).create_execution_context()\n"
        "x = np.ones((4, 4096), np.float32)\n"
        "held = device.hold(x), device.hold(x)\n"
        "context.set_tensor_address('x', held[0].address)\n"
        "context.set_tensor_address('y', held[1].address)\n"
        "gone = cupy.cuda.runtime.streamCreate()\n"
        "context.execute_async_v3(gone)\n"
        "cupy.cuda.runtime.streamSynchronize(gone)\n"
        "print('alive', flush=True)\n"
        "cupy.cuda.runtime.streamDestroy(gone)\n"
        "try:\n"
        "    context.execute_async_v3(gone)\n"
        "except DeviceError as error:\n"
        "    print(type(error).__name__, error)\n"
        "assert (context.infer({'x': -x})['y'] == 0).all()\n"
        "print('goes on')\n"
    )
    done = _child(code)
    if done.returncode == -signal.SIGSEGV:  # nobody can tell a dead handle from a live one
        assert done.stdout == "alive\n"
        return
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr[-2000:])
    assert "DeviceError stream 0x" in done.stdout
    assert "keep the stream alive" in done.stdout
    assert done.stdout.endswith("goes on\n")


@pytest.mark.alone
def test_a_gpu_that_others_have_filled(device, pool):
    pool.free_all_blocks()
    code = (
        "import cupy\n"
        "free, _ = cupy.cuda.runtime.memGetInfo()\n"
        "held = [cupy.cuda.runtime.malloc(free - 900 * 2**20)]\n"
        "print('held', flush=True)\n"
        "input()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        engine = build_relu(device)  # small: with or without room for provers
        assert (infer(engine) == 0).all()
        with pytest.raises(DeviceError, match=r"of [\d,]+ bytes are free") as caught:
            build_relu(device, shape=(1024, 1 << 18))
        assert "other programs hold" in caught.value.hint
        del caught
    finally:
        other.communicate("\n")
    assert (infer(build_relu(device, shape=LARGE), LARGE) == 0).all()


def _child(code):
    path = os.pathsep.join([str(Path(__file__).parents[1] / "support"), *sys.path])
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
