"""Several workers of pytest-xdist share one GPU: a test that takes all of it runs alone.

What fails is written down at once where ``TRTLAB_TEST_LOG`` names a file, so that a run that is
cut short still tells it.
"""

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path

import pytest

PLACE = Path(tempfile.gettempdir())
MOST_LINES = 8
LEAST_CORES = 4


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Tests marked `alone` wait until no other runs; those that come later wait at the gate.

    Around all of a test: engines that a module's tests share are built in its first one's turn.
    """
    if item.get_closest_marker("gpu") is None:
        return (yield)
    take_cores()
    alone = item.get_closest_marker("alone")
    with (
        (PLACE / "trtlab-gpu-gate.lock").open("w") as gate,
        (PLACE / "trtlab-gpu-tests.lock").open("w") as room,
    ):
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(gate, fcntl.LOCK_UN)
        return (yield)


@cache
def take_cores():
    """A worker's share of the cores, twice over, for some wait: compilers and provers fill it.

    Else each of many workers starts as many of them as there are cores.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
        os.sched_setaffinity(0, share(sorted(os.sched_getaffinity(0)), number, workers))


def share(cores, number, workers):
    """Cores of one worker, in a row from its place among all."""
    count = min(len(cores), max(LEAST_CORES, 2 * len(cores) // workers))
    first = number * len(cores) // workers
    return [cores[(first + i) % len(cores)] for i in range(count)]


def pytest_runtest_logreport(report):
    """Append a failure's name and first lines to the file that ``TRTLAB_TEST_LOG`` names."""
    place = os.environ.get("TRTLAB_TEST_LOG")
    # Workers write down their own; that one of them crashed only the controller can tell.
    heard = hasattr(report, "node") and report.when != "???"
    if place and report.failed and not heard:
        with Path(place).open("a") as log:
            log.write(told(report))


def told(report):
    """A short block: what the assertion or the error says, or the last lines where none does."""
    lines = report.longreprtext.splitlines()
    said = [line for line in lines if line.startswith("E ")][:MOST_LINES]
    body = "\n".join(said or lines[-MOST_LINES:])
    return f"{report.nodeid} ({report.when}, {report.duration:.1f} s)\n{body}\n\n"


@pytest.fixture
def device():
    """The first GPU."""
    from trtlab.runtime.devices import open_runtime

    return open_runtime("cuda")[0]


@pytest.fixture
def stream():
    """A stream of the caller's own."""
    from cupy.cuda import Stream

    return Stream(non_blocking=True)
