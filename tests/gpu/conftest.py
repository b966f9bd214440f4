"""Several workers of pytest-xdist share one GPU: a test that takes all of it runs alone."""

import fcntl
import tempfile
from pathlib import Path

import pytest

PLACE = Path(tempfile.gettempdir())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Tests marked `alone` wait until no other runs; those that come later wait at the gate.

    Around all of a test: engines that a module's tests share are built in its first one's turn.
    """
    if item.get_closest_marker("gpu") is None:
        return (yield)
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
