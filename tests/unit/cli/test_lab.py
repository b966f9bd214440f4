"""`trtlab lab` up to the point where JupyterLab takes over."""

import pytest

pytest.importorskip("jupyterlab")
pytest.importorskip("anywidget")

from trtlab.cli import lab
from trtlab.cli.main import main


@pytest.fixture
def started(monkeypatch):
    """The command lines that would have been run."""
    lines = []
    monkeypatch.setattr(lab.subprocess, "call", lambda words: lines.append(words) or 0)
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
