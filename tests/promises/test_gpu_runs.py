"""What runs of the GPU's tests do beside testing: failures are written down, cores are shared."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

PLACE = Path(__file__).parents[1] / "gpu" / "conftest.py"


@pytest.fixture
def conftest():
    spec = importlib.util.spec_from_file_location("gpu_conftest", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(text, *, failed=True, when="call", **more):
    return SimpleNamespace(
        nodeid="tests/gpu/test_x.py::test_y[fp16]", when=when, duration=1.26, failed=failed,
        longreprtext=text, **more,
    )  # fmt: skip


def test_a_failure_is_written_down_at_once(conftest, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("TRTLAB_TEST_LOG", str(log))
    many = "".join(f"E   line {n}\n" for n in range(40))
    conftest.pytest_runtest_logreport(report(f"def test():\n>   assert x\n{many}test.py:3"))
    conftest.pytest_runtest_logreport(report("", failed=False))
    head, *lines = log.read_text().splitlines()
    assert head == "tests/gpu/test_x.py::test_y[fp16] (call, 1.3 s)"
    assert lines == [*(f"E   line {n}" for n in range(conftest.MOST_LINES)), ""]
    conftest.pytest_runtest_logreport(report("first\nand last", when="setup"))
    assert log.read_text().endswith("(setup, 1.3 s)\nfirst\nand last\n\n")


def test_the_controller_of_workers_tells_of_crashes_only(conftest, tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("TRTLAB_TEST_LOG", str(log))
    conftest.pytest_runtest_logreport(report("E  wrong", node="gw1"))
    assert not log.exists()
    conftest.pytest_runtest_logreport(report("gw1 crashed", when="???", node="gw1"))
    assert "gw1 crashed" in log.read_text()


def test_nothing_is_written_where_no_file_is_named(conftest, tmp_path, monkeypatch):
    monkeypatch.delenv("TRTLAB_TEST_LOG", raising=False)
    monkeypatch.chdir(tmp_path)
    conftest.pytest_runtest_logreport(report("E  wrong"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("cores", "workers"), [(16, 12), (16, 3), (128, 12), (2, 12), (6, 1)])
def test_workers_share_all_cores_evenly(conftest, cores, workers):
    ids = [3 * n for n in range(cores)]
    shares = [conftest.share(ids, number, workers) for number in range(workers)]
    assert {core for found in shares for core in found} == set(ids)
    assert len({len(found) for found in shares}) == 1
    assert all(len(set(found)) == len(found) >= min(cores, 4) for found in shares)
    late = conftest.share(ids, workers + 1, workers)  # takes a crashed one's place
    assert len(late) == len(shares[0])
