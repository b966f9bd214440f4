"""The ending of a report's name says what is written, or is refused."""

import sys

import pytest
from small_report import REPORT

from trtlab.core.errors import UsageError
from trtlab.report import codec
from trtlab.report.saving import save_page


@pytest.mark.parametrize(
    ("name", "packed"),
    [("r.json", False), ("r", False), ("R.JSON", False), ("r.json.gz", True), ("r.GZ", True)],
)
def test_json_can_be_loaded_again(tmp_path, name, packed):
    path = REPORT.save(tmp_path / name)
    assert path.read_bytes().startswith(b"\x1f\x8b" if packed else b"{")
    assert codec.load(path) == REPORT


@pytest.mark.parametrize("name", ["r.html", "r.htm", "R.HTML"])
def test_a_page_is_a_page(tmp_path, name):
    text = REPORT.save(str(tmp_path / name)).read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert REPORT.model.name in text


@pytest.mark.parametrize("name", ["r.csv", "r.html.gz", "r.pkl", "r.yaml"])
def test_other_endings_are_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(UsageError, match=f"not written as {name[1:]}") as caught:
        REPORT.save(tmp_path / name)
    assert all(way in caught.value.hint for way in (".json", ".json.gz", ".html", "to_csv"))
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_of_pages_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "trtlab_widgets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "trtlab_widgets", None)
    with pytest.raises(UsageError, match="trtlab_widgets, which is not found") as caught:
        save_page(REPORT, tmp_path / "r.html")
    assert "pip install -e ." in caught.value.hint
    assert "PYTHONPATH" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
