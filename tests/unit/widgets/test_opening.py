"""The workbench opens what it saves."""

import gzip
from pathlib import Path

import pytest

pytest.importorskip("anywidget")

from fake_session import FakeSession
from sample_reports import resnet_report
from trtlab_widgets.opening import is_report, read_report
from trtlab_widgets.workbench import Workbench

from trtlab.core.errors import EngineFormatError, TrtlabError

REPORT = resnet_report(iterations=3)


@pytest.mark.parametrize("name", ["r.json", "r.json.gz", "R.JSON"])
def test_a_saved_report_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    assert is_report(str(REPORT.save(tmp_path / name)))


def test_a_report_of_another_name_is_known_by_its_beginning(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b'\n {"model": {}}')
    packed.write_bytes(gzip.compress(b'{"model": {}}'))
    assert is_report(str(plain))
    assert is_report(str(packed))


@pytest.mark.parametrize("data", [b"", b"\x08\x07\x12", b"TRTLAB\r\n", b"\x1f\x8bdamaged"])
def test_other_files_are_no_reports(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    assert not is_report(str(path))


def test_what_is_no_file_is_no_report(tmp_path: Path) -> None:
    assert not is_report("zoo:resnet50")
    assert not is_report(str(tmp_path))
    assert not is_report(str(tmp_path / "missing.json"))


def test_a_report_is_read_as_a_job(tmp_path: Path) -> None:
    job = read_report(REPORT.save(tmp_path / "r.json.gz"))
    assert repr(job.result(60)) == repr(REPORT)
    (tmp_path / "r.json").write_text("{}")
    with pytest.raises(EngineFormatError, match="not a trtlab report"):
        read_report(tmp_path / "r.json").result(60)


def test_a_typed_report_is_shown_and_the_model_stays_open(
    bench: Workbench, tmp_path: Path
) -> None:
    path = REPORT.save(tmp_path / "kept.json.gz")
    bench._desk.model._path.value = str(path)
    bench.wait(60)
    assert repr(bench.report) == repr(REPORT)
    assert "loaded from kept.json.gz." in bench._desk.above.told
    assert "the form did not make it" in bench._desk.above.told
    assert bench.build_request.source == "zoo:resnet50"
    assert bench._desk.model._path.value == ""
    assert bench._desk.model._zoo.value == "zoo:resnet50"
    assert "is-outdated" not in bench._desk.results._dom_classes
    assert bench._desk.above.saves.engine.disabled
    assert not bench._desk.above.saves.page.disabled


def test_without_a_model_a_report_can_be_opened(tmp_path: Path) -> None:
    path = REPORT.save(tmp_path / "kept.json")
    bench = Workbench(path, session=FakeSession())
    bench.wait(60)
    assert repr(bench.report) == repr(REPORT)
    assert "Opened the report" in bench._desk.progress._bar.value
    assert bench._desk.actions._build.disabled


def test_a_damaged_report_leaves_model_and_results(bench: Workbench, tmp_path: Path) -> None:
    bench.run()
    before = bench.wait(60)
    path = tmp_path / "kept.json"
    path.write_text('{"model": ')
    bench.load(path)
    with pytest.raises(EngineFormatError):
        bench.wait(60)
    assert bench.report is before
    assert "it was truncated" in bench._desk.errors.told
    assert "Matches the form." in bench._desk.above.told
    assert bench.build_request.source == "zoo:resnet50"


def test_an_upload_may_be_a_report(bench: Workbench) -> None:
    assert ".json" in bench._desk.model._upload.accept
    assert ".gz" in bench._desk.model._upload.accept


def test_after_a_model_that_failed_a_report_has_the_field(
    bench: Workbench, tmp_path: Path
) -> None:
    path, desk = REPORT.save(tmp_path / "kept.json"), bench._desk
    desk.options.shapes._rows[0]._run.value = "2x3x224x224"
    assert desk.options.changes
    bench.load(tmp_path / "broken.onnx")
    with pytest.raises(TrtlabError):
        bench.wait(60)
    assert desk.options.changes == ()  # they were the other model's
    desk.model._path.value = str(path)
    bench.wait(60)
    assert desk.model._path.value == str(path)
    assert f"A report of {REPORT.model.name}, recorded" in desk.model._card.value
    assert "No model is open: choose one" in desk.model._card.value
    assert bench._desk.actions._build.disabled
