import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sample_reports import built_only, resnet_report
from trtlab_widgets.export import report_html

from trtlab.report.records import Report

ROOT = Path(__file__).parents[3]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=6)


def test_the_page_stands_alone(report: Report) -> None:
    page = report_html(report)
    assert page.startswith("<!DOCTYPE html>")
    assert not re.findall(r"(?:src|href)=\"", page)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in page


def test_overview_and_build_read_without_javascript(report: Report) -> None:
    page = report_html(report)
    assert "resnet50_sample" in page
    assert "Throttled" in page
    assert "fold-batch-norm" in page


def test_names_from_models_cannot_break_out(report: Report) -> None:
    layers = (replace(report.layers[0], name=EVIL), *report.layers[1:])
    model = replace(report.model, name=EVIL, source=EVIL)
    evil = replace(report, layers=layers, model=model)
    page = report_html(evil)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("</script>") == 2


def test_a_report_that_was_only_built_can_be_exported(report: Report) -> None:
    page = report_html(built_only(report))
    assert "Built, but not measured yet." in page


def test_notebook_packages_are_not_needed() -> None:
    code = (
        "import sys\n"
        "for name in ('ipywidgets', 'anywidget', 'plotly', 'traitlets', 'pandas'):\n"
        "    sys.modules[name] = None\n"
        "from sample_reports import resnet_report\n"
        "from trtlab_widgets.export import report_html\n"
        "print(len(report_html(resnet_report(iterations=2))))\n"
    )
    paths = [ROOT, ROOT / "widgets", ROOT / "tests" / "support"]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50_000
