"""`trtlab lab` up to the point where JupyterLab takes over."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("jupyterlab")
pytest.importorskip("anywidget")

from trtlab.cli import lab
from trtlab.cli.main import main


@pytest.fixture
def started(monkeypatch):
    """The command lines that would have been run."""
    lines = []
    monkeypatch.setattr(lab, "_become", lambda words: lines.append(words) or 0)
    return lines


def test_a_missing_model_is_told_before_jupyterlab_starts(started, tmp_path, capsys):
    assert main(["lab", "nothing.onnx", "--folder", str(tmp_path)]) == 2
    assert "there is no model 'nothing.onnx'" in capsys.readouterr().err
    assert started == []
    assert list(tmp_path.iterdir()) == []


def test_a_relative_path_holds_in_another_folder(started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(b"model")
    (tmp_path / "work").mkdir()
    assert main(["lab", "net.onnx", "--folder", "work"]) == 0
    assert len(started) == 1
    assert str(tmp_path / "net.onnx") in (tmp_path / "work" / "trtlab-net.ipynb").read_text()


def test_a_zoo_model_keeps_its_name(started, tmp_path):
    assert main(["lab", "zoo:resnet50", "--folder", str(tmp_path)]) == 0
    assert len(started) == 1
    assert "'zoo:resnet50'" in (tmp_path / "trtlab-resnet50.ipynb").read_text()


def test_the_printed_address_leads_to_the_notebook(started, tmp_path):
    (tmp_path / "my net.onnx").write_bytes(b"model")
    assert main(["lab", str(tmp_path / "my net.onnx"), "--folder", str(tmp_path)]) == 0
    [words] = started
    assert str(tmp_path / "trtlab-my net.ipynb") in words
    assert "--LabApp.default_url=/lab/tree/trtlab-my%20net.ipynb" in words


@pytest.mark.parametrize("own", ["--ServerApp.root_dir=/", "--LabApp.default_url=/tree"])
def test_an_address_of_ones_own_stays(started, tmp_path, own):
    assert main(["lab", "--folder", str(tmp_path), "--", own]) == 0
    [words] = started
    assert words[-1] == own
    assert not any("/lab/tree/" in word for word in words)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot become another there")
def test_what_ends_the_command_ends_jupyterlab(tmp_path):
    package = tmp_path / "jupyterlab"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    )
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    command = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "trtlab.cli.main",
            "lab",
            "--folder",
            str(tmp_path),
            "--no-browser",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
    )
    try:
        assert command.stdout is not None
        assert int(command.stdout.readline()) == command.pid
        command.terminate()
        assert command.wait(60) < 0
    finally:
        command.kill()
        command.wait()
        command.stdout.close()
