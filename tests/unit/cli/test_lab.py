"""`trtlab lab` up to the point where JupyterLab takes over."""

import json
import os
import subprocess
import sys

import onnx
import pytest
from small_report import REPORT

pytest.importorskip("jupyterlab")
pytest.importorskip("anywidget")

from tests.support.tiny_models import mlp
from trtlab.cli import lab
from trtlab.cli.main import main
from trtlab.report.codec import save as save_report
from trtlab.session.lab_notebook import write_workbench_notebook


def write(file):
    """A model, or a report."""
    if file.suffix == ".onnx":
        onnx.save(mlp(), file)
    else:
        save_report(REPORT, file)


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


@pytest.mark.parametrize(
    ("name", "said"), [("net.onnx", "no ONNX model"), ("run.json", "run.json")]
)
def test_a_file_that_is_neither_model_nor_report_is_refused(
    name, said, started, tmp_path, capsys
):
    (tmp_path / name).write_bytes(b"garbage")
    assert main(["lab", str(tmp_path / name), "--folder", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "try: " in told
    assert started == []
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_relative_path_holds_in_another_folder(started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "net.onnx")
    (tmp_path / "work").mkdir()
    assert main(["lab", "net.onnx", "--folder", "work"]) == 0
    assert len(started) == 1
    assert str(tmp_path / "net.onnx") in (tmp_path / "work" / "trtlab-net.ipynb").read_text()


def test_a_zoo_model_keeps_its_name(started, tmp_path):
    assert main(["lab", "zoo:resnet50", "--folder", str(tmp_path)]) == 0
    assert len(started) == 1
    assert "'zoo:resnet50'" in (tmp_path / "trtlab-resnet50.ipynb").read_text()


def test_a_saved_report_is_opened_under_its_own_name(started, tmp_path):
    for name in ("run.json.gz", "other.json"):
        write(tmp_path / name)
        assert main(["lab", str(tmp_path / name), "--folder", str(tmp_path)]) == 0
    for stem, name in (("run", "run.json.gz"), ("other", "other.json")):
        assert str(tmp_path / name) in (tmp_path / f"trtlab-{stem}.ipynb").read_text()
    assert len(list(tmp_path.glob("*.ipynb"))) == len(started) == 2


def test_files_of_one_name_have_notebooks_of_their_own(started, tmp_path):
    files = ("run.onnx", "run.json", "ü.onnx", 'a"b.onnx')
    for name in files:
        write(tmp_path / name)
    for name in files * 2:  # the second time each one's own is found again
        assert main(["lab", str(tmp_path / name), "--folder", str(tmp_path)]) == 0
    books = sorted(path.name for path in tmp_path.glob("*.ipynb"))
    assert books == [
        'trtlab-a"b.ipynb',
        "trtlab-run-2.ipynb",
        "trtlab-run.ipynb",
        "trtlab-ü.ipynb",
    ]
    assert str(tmp_path / "run.json") in (tmp_path / "trtlab-run-2.ipynb").read_text()
    assert [words[3] for words in started[:4]] == [words[3] for words in started[4:]]


def test_a_notebook_that_was_edited_is_found_again(started, tmp_path):
    book = tmp_path / "trtlab-resnet50.ipynb"
    book.write_text(r'{"source": "trtlab.Workbench(\"zoo:resnet50\", device=\"cuda\")"}')
    assert main(["lab", "resnet50", "--folder", str(tmp_path)]) == 0
    assert main(["lab", "zoo:resnet50", "--folder", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [book.name]
    assert "cuda" in book.read_text()


def test_the_help_tells_of_saved_reports(capsys):
    with pytest.raises(SystemExit):
        main(["lab", "--help"])
    assert "saved report (.json, .json.gz)" in " ".join(capsys.readouterr().out.split())


def test_the_printed_address_leads_to_the_notebook(started, tmp_path):
    write(tmp_path / "my net.onnx")
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


def test_the_notebook_says_what_it_opens(tmp_path):
    def intro(model):
        book = json.loads(write_workbench_notebook(tmp_path, model).read_text("utf-8"))
        return book["cells"][0]["source"]

    assert ", choose a model, then **Build** and **Run**." in intro("")
    assert ": it opens `zoo:resnet50`; then **Build** and **Run**." in intro("zoo:resnet50")
    told = intro("/runs/kept.json.gz")
    assert "it opens the report `/runs/kept.json.gz`; nothing has to be built or run." in told
    assert write_workbench_notebook(tmp_path, "/runs/kept.json.gz").name == "trtlab-kept.ipynb"
