"""Full disks, killed builds, damaged caches and engines: nothing is lost, nothing is run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import pytest
from tiny_models import branches

from trtlab.cli.main import main

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "widgets")]),
}
# A disk that is full after 2000 bytes of a file: writing past them fails in the kernel.
FULL_DISK = """
import resource, sys
from trtlab.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
sys.exit(main(sys.argv[1:]))
"""
# A build that says when it is under way, and then waits to be killed.
# A shell's background jobs ignore interrupts; what is tested here is a job in front.
ENDLESS_BUILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import trtlab
from trtlab.builder.progress import SilentMonitor
from trtlab.cli import exec as command
class Monitor(SilentMonitor):
    def step_complete(self, phase_name, step):
        if phase_name == "Select tactics" and step == 3:
            print("under way", flush=True)
            time.sleep(600)
        return True
command.TerminalProgress = Monitor
from trtlab.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "branches.onnx"
    onnx.save(branches(), path)
    return str(path)


@pytest.fixture
def plan(model, tmp_path, capsys):
    """An engine file."""
    path = tmp_path / "good.engine"
    words = [f"--onnx={model}", f"--saveEngine={path}", "--skipInference"]
    assert main(["exec", *words, "--builderOptimizationLevel=0"]) == 0
    capsys.readouterr()
    return path


def script(text, *words):
    return subprocess.run(
        [sys.executable, "-c", text, *map(str, words)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
        timeout=300,
    )


def said(capsys, *words):
    code = main(words)
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    return code, shown


@pytest.mark.parametrize("option", ["--saveEngine", "--exportLayerInfo"])
def test_a_full_disk_leaves_the_old_file(model, tmp_path, option):
    old = tmp_path / "precious"
    old.write_bytes(b"what was there before")
    done = script(
        FULL_DISK,
        "exec",
        f"--onnx={model}",
        "--skipInference",
        "--builderOptimizationLevel=0",
        f"{option}={old}",
    )
    assert done.returncode == 2
    assert f"cannot write {old}" in done.stderr
    assert "try: choose a folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert old.read_bytes() == b"what was there before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["branches.onnx", "precious"]


def test_a_full_disk_under_the_timing_cache_stops_no_build(model, tmp_path):
    cache = tmp_path / "times.jsonl"
    words = (f"--onnx={model}", "--skipInference", f"--timingCacheFile={cache}")
    done = script(FULL_DISK, "exec", *words)
    assert done.returncode == 0, done.stderr
    assert "Engine built" in done.stdout
    assert f"timing cache {cache} was not written" in done.stderr
    again = script("import sys; from trtlab.cli.main import main; sys.exit(main(sys.argv[1:]))",
                   "exec", *words)  # fmt: skip
    assert again.returncode == 0
    assert "Engine built" in again.stdout


def test_a_killed_build_leaves_the_old_engine_and_the_next_one_succeeds(model, tmp_path):
    old, cache = tmp_path / "old.engine", tmp_path / "times.jsonl"
    old.write_bytes(b"the engine of yesterday")
    words = [f"--onnx={model}", f"--saveEngine={old}", f"--timingCacheFile={cache}"]
    build = subprocess.Popen(
        [sys.executable, "-c", ENDLESS_BUILD, "exec", *words],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    with build:
        assert build.stdout is not None
        assert build.stdout.readline() == "under way\n"
        build.send_signal(signal.SIGKILL)
        assert build.wait() == -signal.SIGKILL
    assert old.read_bytes() == b"the engine of yesterday"
    assert not list(tmp_path.glob(".*"))
    assert main(["exec", *words, "--skipInference"]) == 0
    assert old.stat().st_size > 1000


def test_interrupting_a_build_is_no_crash(model):
    build = subprocess.Popen(
        [sys.executable, "-c", ENDLESS_BUILD, "exec", f"--onnx={model}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    with build:
        assert build.stdout is not None
        build.stdout.readline()
        time.sleep(0.1)
        build.send_signal(signal.SIGINT)
        _, errors = build.communicate(timeout=300)
    assert build.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("content", [b'{"format":"trtlab-timing-cache","version":99}\n', b""])
def test_a_timing_cache_of_another_version_is_set_aside(model, tmp_path, caplog, content):
    cache = tmp_path / "times.jsonl"
    cache.write_bytes(content)
    words = ["exec", f"--onnx={model}", "--skipInference", f"--timingCacheFile={cache}"]
    assert main(words) == 0
    assert cache.read_text().startswith('{"format":"trtlab-timing-cache","version":1}')
    if content:
        kept = cache.with_name("times.jsonl.unreadable")
        assert kept.read_bytes() == content
        assert f"what it held is in {kept}" in caplog.text


def test_a_timing_cache_is_never_written_over_another_file(model, tmp_path, capsys):
    precious, content = tmp_path / "precious.onnx", Path(model).read_bytes()
    precious.write_bytes(content)
    words = ("exec", f"--onnx={model}", "--skipInference")
    code, message = said(capsys, *words, f"--timingCacheFile={precious}")
    assert code == 2
    assert f"{precious} is no timing cache" in message
    assert "delete it" in message
    code, message = said(capsys, *words, f"--timingCacheFile={tmp_path}")
    assert code == 2
    assert f"{tmp_path} cannot be read as a timing cache" in message
    code, message = said(capsys, *words, f"--timingCacheFile={tmp_path}/nowhere/times")
    assert code == 2
    assert "no such folder" in message
    assert precious.read_bytes() == content
    assert sorted(p.name for p in tmp_path.iterdir()) == ["branches.onnx", "precious.onnx"]


def test_a_timing_cache_cut_short_loses_one_line(model, tmp_path, capsys):
    cache = tmp_path / "times.jsonl"
    words = ["exec", f"--onnx={model}", "--skipInference", f"--timingCacheFile={cache}"]
    assert main(words) == 0
    whole = cache.read_bytes()
    cache.write_bytes(whole[:-7])
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("Engine built" in line for line in lines) == 2
    assert len(cache.read_bytes()) >= len(whole)


@pytest.mark.parametrize(
    ("damage", "what", "hint"),
    [
        (lambda b: b"", "the engine file is empty", ""),
        (lambda b: b[:20], "not a trtlab engine", "--saveEngine=FILE"),
        (lambda b: b[: len(b) // 2], "truncated", "copy it again, or build it again"),
        (lambda b: b"ONNX" + b[4:], "not a trtlab engine", "--saveEngine=FILE"),
        (lambda b: b.replace(b"\r\n", b"\n", 1), "text-mode transfer", "as binary"),
        (lambda b: b[:8] + b"\x09" + b[9:], "container version 9", "build it again"),
        (lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], "header is damaged", "build it"),
        (lambda b: b[:-50] + bytes([b[-50] ^ 1]) + b[-49:], "are damaged", "copy it again"),
    ],
)
def test_a_damaged_engine_is_refused(plan, capsys, damage, what, hint):
    broken = plan.with_name("broken.engine")
    broken.write_bytes(damage(plan.read_bytes()))
    for words in (
        ["exec", f"--loadEngine={broken}", "--duration=0"],
        ["inspect", "engine", str(broken)],
    ):
        code, message = said(capsys, *words)
        assert code == 2
        assert what in message
        assert hint in message
        assert str(broken) in message


def test_a_damaged_report_is_refused_with_its_place(tmp_path):
    from trtlab import EngineFormatError, load_report

    for content, what in (
        (b"", "empty"),
        (b'{"schema_version": 1, "layers": [', "ends early"),
        (b'{"schema_version": 99, "layers": []}', "schema version is 99"),
        (b"\x1f\x8b\x00\x00", "compressed report is damaged"),
    ):
        path = tmp_path / "run.json"
        path.write_bytes(content)
        with pytest.raises(EngineFormatError, match=what) as caught:
            load_report(path)
        assert str(path) in str(caught.value)
