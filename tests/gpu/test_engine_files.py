"""Engine files in fresh processes with empty caches: nothing is compiled, bits are the same."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from trtlab import zoo
from trtlab.engine import plan_file
from trtlab.runtime.api import ICudaEngine
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine

pytestmark = pytest.mark.gpu
cupy = pytest.importorskip("cupy")

CHILD = """
import json, sys, time
from pathlib import Path
import numpy as np
import cupy
started = time.perf_counter()
from trtlab.core.settings import settings
from trtlab.engine import plan_file
from trtlab.runtime.api import ICudaEngine
folder = Path(sys.argv[1])
loaded = plan_file.load(folder / "net.engine")
context = ICudaEngine(loaded).create_execution_context()
same = []
for number in range(int(sys.argv[2])):
    got = context.infer(dict(np.load(folder / f"in{number}.npz")))
    wanted = np.load(folder / f"out{number}.npz")
    same.append(all(np.array_equal(got[name], wanted[name]) for name in got))
    if number == 0:
        seconds = time.perf_counter() - started
compiled = sum(1 for _ in settings().cache_dir.rglob("*.cubin"))
print(json.dumps({"same": same, "seconds": seconds, "compiled": compiled}))
"""


def _feeds(engine, which):
    shapes = {n: ranges[which] for n, ranges in engine.profiles[0].inputs.items()}
    return zoo.random_inputs("mobilenet_v2", shapes)


def _in_a_fresh_process(engine, folder, runs):
    """What the child says; expected results are computed here."""
    context = ICudaEngine(engine).create_execution_context()
    for number, feeds in enumerate(runs):
        np.savez(folder / f"in{number}.npz", **feeds)
        np.savez(folder / f"out{number}.npz", **context.infer(feeds))
    plan_file.save(engine, folder / "net.engine")
    return _child(folder, len(runs))


def _child(folder, count):
    (folder / "cache").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), str(count)],
        capture_output=True,
        text=True,
        env={**os.environ, "TRTLAB_CACHE_DIR": str(folder / "cache")},
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def engine():
    shape = (2, 3, 224, 224)
    return build_engine(
        BuildRequest(
            "zoo:mobilenet_v2",
            device="cuda",
            precision="fp16",
            optimization_level=2,
            profiles={"x": (shape, shape, shape)},
        )
    )


@pytest.fixture(scope="module")
def dynamic():
    shapes = tuple((batch, 3, 224, 224) for batch in (1, 4, 8))
    return build_engine(
        BuildRequest(
            "zoo:mobilenet_v2",
            device="cuda",
            precision="fp16",
            optimization_level=1,
            profiles={"x": shapes},
        )
    )


@pytest.mark.alone
def test_a_file_needs_no_compiler(engine, tmp_path):
    assert engine.kernel_count > 0
    told = _in_a_fresh_process(engine, tmp_path, [_feeds(engine, 1)])
    assert told["same"] == [True]
    assert told["compiled"] == 0
    assert told["seconds"] < 2.0


def test_the_ends_of_a_profile_need_no_compiler(dynamic, tmp_path):
    runs = [_feeds(dynamic, which) for which in (1, 0, 2)]
    told = _in_a_fresh_process(dynamic, tmp_path, runs)
    assert told["same"] == [True, True, True]
    assert told["compiled"] == 0


def _without(code):
    del code
    return ()


def _of_another_version(code):
    return tuple(replace(c, key=c.key[::-1], origin=c.origin + "0") for c in code)


def _of_no_use(code):
    return tuple(replace(c, data=bytes(len(c.data))) for c in code)


@pytest.mark.parametrize("change", [_without, _of_another_version, _of_no_use])
def test_code_of_no_use_is_made_anew(engine, tmp_path, change):
    _in_a_fresh_process(engine, tmp_path, [_feeds(engine, 1)])
    changed = replace(engine, code=change(engine.code))
    plan_file.save(changed, tmp_path / "net.engine")
    told = _child(tmp_path, 1)
    assert told["same"] == [True]
    assert told["compiled"] >= engine.kernel_count
