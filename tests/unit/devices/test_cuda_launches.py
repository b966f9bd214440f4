"""A launch's configuration is made once; only the stream is another every time."""

import ctypes
from collections import Counter
from types import SimpleNamespace

import pytest

from trtlab.devices.cuda import kernel as kernel_module
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.cuda.neighbours import AHEAD, FOLLOW


@pytest.fixture
def driver(monkeypatch):
    """A driver that writes down what it launches, and counts what is made of it."""
    made, launched = Counter(), []

    def maker(name, value=None):
        def make(*given):
            made[name] += 1
            return given[0] if given else SimpleNamespace(name=name, value=value)

        return make

    def launch(config, function, parameters, extra):
        launched.append((function, SimpleNamespace(**vars(config), parameters=parameters)))
        return (0,)

    attributes = SimpleNamespace(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION=6)
    api = SimpleNamespace(
        CUlaunchConfig=maker("config"),
        CUlaunchAttribute=maker("attribute", SimpleNamespace()),
        CUlaunchAttributeID=attributes,
        CUfunction=maker("function"),
        CUstream=maker("stream"),
        cuLaunchKernelEx=launch,
    )
    monkeypatch.setattr(kernel_module, "driver", lambda: api)
    return SimpleNamespace(made=made, launched=launched)


def launch_of(text):
    launch = KernelLaunch(Kernel("k", text, (8, 4, 2), (128, 1, 1), 1024), (1 << 20, 2.0))
    launch.prepare(SimpleNamespace(function=lambda kernel: SimpleNamespace(ptr=99)))
    return launch


def test_every_launch_goes_to_its_stream(driver):
    launch = launch_of(FOLLOW)
    streams = [7, 8, 7, 9]
    for stream, early in zip(streams, [False, True, True, False], strict=True):
        launch.enqueue(SimpleNamespace(ptr=stream), early=early)
    configs = [config for _, config in driver.launched]
    assert [config.hStream for config in configs] == streams
    assert [getattr(config, "numAttrs", 0) for config in configs] == [0, 1, 1, 0]
    assert configs[1].attrs[0].id == 6
    assert configs[1].attrs[0].value.programmaticStreamSerializationAllowed == 1
    assert {(c.gridDimX, c.gridDimY, c.gridDimZ) for c in configs} == {(8, 4, 2)}
    assert {(c.blockDimX, c.blockDimY, c.blockDimZ) for c in configs} == {(128, 1, 1)}
    assert {c.sharedMemBytes for c in configs} == {1024}
    assert {function for function, _ in driver.launched} == {99}


def test_a_configuration_is_made_once(driver):
    launch = launch_of(FOLLOW)
    for _ in range(50):
        launch.enqueue(SimpleNamespace(ptr=7))
        launch.enqueue(SimpleNamespace(ptr=7), early=True)
    assert driver.made == {"function": 1, "config": 2, "attribute": 1, "stream": 100}


def test_a_launch_tells_its_kernel_about_its_neighbours(driver):
    launch = launch_of(f"{AHEAD} {FOLLOW}")
    launch.ahead, launch.turn = ((1 << 20, 4096), (2 << 20, 8192)), 5 << 20
    launch.prepare(SimpleNamespace(function=lambda kernel: SimpleNamespace(ptr=99)))
    for admits in (False, True):
        launch.enqueue(SimpleNamespace(ptr=7), admits=admits)
    for number, (_, config) in enumerate(driver.launched):
        places = (ctypes.c_void_p * 3).from_address(config.parameters)
        assert ctypes.c_int64.from_address(places[0]).value == 1 << 20
        assert ctypes.c_double.from_address(places[1]).value == 2.0
        told = (ctypes.c_uint32 * 15).from_address(places[2])  # addresses, turn, sizes
        addresses = [1 << 20, 0, 2 << 20, 0, 0, 0, 0, 0]
        assert list(told) == [*addresses, 5 << 20, 0, 4096, 8192, 0, 0, number]


def test_a_kernel_that_does_not_wait_is_never_early(driver):
    launch = launch_of("")
    launch.enqueue(SimpleNamespace(ptr=7), early=True)
    assert not hasattr(driver.launched[0][1], "attrs")
