"""Every notebook runs from top to bottom, and is committed without outputs."""

import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from trtlab import compare
from trtlab.report.codec import load
from trtlab.report.csv_files import export_csv

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == [
        "00_tour",
        "01_network",
        "02_build",
        "03_profile",
        "04_telemetry",
        "05_gpu",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path):
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, 4)
    client = NotebookClient(
        notebook, timeout=500, resources={"metadata": {"path": str(tmp_path)}}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the kernel client's own, on local sockets
        client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count


def _cells(stem):
    path = next(path for path in NOTEBOOKS if path.stem == stem)
    return [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]


@pytest.fixture(scope="module")
def gpu():
    """What the cells of the GPU notebook leave behind that need neither GPU nor browser."""
    cells = _cells("05_gpu")
    names = {"pd": pd}
    for mark in ("recorded =", "report = reports", "sums = {}"):
        exec(next(cell for cell in cells if mark in cell), names)  # noqa: S102 - our own notebook
    return names


def test_the_parts_of_a_replay_add_up_to_it_in_the_table(gpu):
    assert len(gpu["sums"]) == 3
    for row in gpu["sums"].values():
        columns = [name for name in row if name.endswith(" (ms)")]
        *parts, whole, in_benchmark = columns
        assert (whole, in_benchmark) == ("replay (ms)", "compute in the benchmark (ms)")
        assert sum(row[part] for part in parts) == pytest.approx(row[whole], rel=1e-6)


def test_the_parts_of_a_query_stand_in_columns(gpu, capsys):
    exec(next(c for c in _cells("05_gpu") if "latency_parts" in c and "sums" not in c), gpu)  # noqa: S102
    rows = [line for line in capsys.readouterr().out.splitlines() if " % " in line]
    assert len(rows) == 9
    assert {row.index("µs") for row in rows} == {rows[0].index("µs")}


def test_the_names_of_exported_files_fit_their_column(tmp_path):
    export_csv(
        load(NOTEBOOKS[0].parent / "recorded" / "mobilenet_v2-fp16-b1.json.gz"), tmp_path
    )
    names = [path.name for path in tmp_path.iterdir()]
    assert "latency_parts.csv" in names
    width = re.search(r"\{path\.name:(\d+)\}", "\n".join(_cells("03_profile")))
    assert max(map(len, names)) < int(width[1])


def test_a_comparison_of_unstable_runs_says_so(capsys):
    report = load(NOTEBOOKS[0].parent / "recorded" / "resnet50-fp16-b32.json.gz")
    assert any(line.startswith("Unstable") for line in report.benchmark.verdicts)
    measured = SimpleNamespace(profile=lambda *_, **__: report, compare=compare)
    names = {"trtlab": measured, "report": report, "display": len}
    exec(next(c for c in _cells("03_profile") if "trtlab.compare(" in c), names)  # noqa: S102
    told = capsys.readouterr().out
    assert "The first run is unstable: " in told
    assert "The second run is unstable: " in told
