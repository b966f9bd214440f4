from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("anywidget")

from fake_session import FakeSession
from sample_reports import built_only, resnet_report
from trtlab_widgets.panels.save_panel import SavePanel
from trtlab_widgets.saving import file_stem
from trtlab_widgets.workbench import Workbench

from trtlab.report.records import Report

REPORT = resnet_report(iterations=3)
STEM = file_stem(REPORT.model.name, REPORT.config.precision, REPORT.device.kind)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The notebook's folder, apart from where engines are kept."""
    made = tmp_path / "notebooks"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def bench(tmp_path: Path, folder: Path) -> Iterator[Workbench]:
    assert folder.exists()
    made = Workbench("zoo:resnet50", session=FakeSession(folder=tmp_path))
    made.wait(60)
    yield made
    made.close()


def test_before_a_report_there_is_nothing_to_save(bench: Workbench) -> None:
    saves = bench._desk.above.saves
    assert saves.layout.visibility == "hidden"  # their room is kept
    bench.show(REPORT)
    assert saves.layout.visibility == "visible"
    assert not saves.report.disabled
    assert saves.engine.disabled  # somebody else's report: the session has no engine of it


def test_a_report_is_saved_under_a_new_name_each_time(bench: Workbench, folder: Path) -> None:
    bench.run()
    report = bench.wait(60)
    bench._desk.above.saves.report.click()
    first = folder / f"{STEM}.json"
    assert repr(Report.load(first)) == repr(report)
    assert f"Saved the report: {first}<" in bench._desk.progress._bar.value
    assert "is-good" in bench._desk.progress._bar.value
    bench.show(built_only(REPORT))
    bench._desk.above.saves.report.click()
    assert repr(Report.load(first)) == repr(report)
    assert Report.load(folder / f"{STEM}-2.json").benchmark is None
    assert f"{STEM}-2.json" in bench._desk.progress._bar.value


def test_a_page_is_whole(bench: Workbench, folder: Path) -> None:
    bench.show(REPORT)
    bench._desk.above.saves.page.click()
    text = (folder / f"{STEM}.html").read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert 'id="trtlab-payload"' in text
    assert f"Saved the page: {folder / STEM}.html" in bench._desk.progress._bar.value


def test_the_engine_is_the_one_of_this_build(bench: Workbench, folder: Path) -> None:
    bench.build()
    bench.wait(60)
    assert not bench._desk.above.saves.engine.disabled
    bench._desk.above.saves.engine.click()
    engine = bench._session.engine_path.read_bytes()
    assert (folder / f"{STEM}.engine").read_bytes() == engine
    bench._session.engine_path.unlink()
    bench._desk.above.saves.engine.click()
    assert "not the session&#x27;s last one any more; build it again." in (
        bench._desk.progress._bar.value
    )
    assert sorted(p.name for p in folder.iterdir()) == [f"{STEM}.engine"]


@pytest.mark.parametrize("what", ["report", "page", "engine"])
def test_a_folder_that_cannot_be_written_to_is_told_calmly(
    bench: Workbench, folder: Path, what: str
) -> None:
    bench.build()
    bench.wait(60)
    folder.rmdir()
    folder.symlink_to("/proc/self/fdinfo")  # takes no files, whoever asks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trtlab_widgets.panels.save_panel._here", lambda: folder)
        getattr(bench._desk.above.saves, what).click()
    told = bench._desk.progress._bar.value
    assert f"The {what} was not saved: cannot write" in told
    assert "is yours and has room" in told
    assert "is-bad" in told


def test_a_folder_that_is_gone_is_told_calmly(folder: Path) -> None:
    told: list[tuple[str, str]] = []
    panel = SavePanel(lambda text, sign: told.append((text, sign)))
    panel.show(REPORT)
    folder.rmdir()
    panel.report.click()
    assert told == [
        (
            "The report was not saved: the notebook's folder is gone; os.chdir to another.",
            "bad",
        )
    ]


def test_nothing_can_be_saved_while_work_is_under_way() -> None:
    panel = SavePanel(lambda _text, _sign: None)
    panel.show(REPORT)
    panel.enable(busy=True)
    assert panel.report.disabled
    assert panel.page.disabled
    panel.enable(busy=False)
    assert not panel.report.disabled


def test_names_of_files_are_plain() -> None:
    assert (
        file_stem("my net/v1.2 (final)", "fp16", "cuda:1") == "my-net-v1.2-final-fp16-cuda-1"
    )
    assert file_stem("../..", "fp32", "cpu") == "model-fp32-cpu"
    assert len(file_stem("x" * 500, "fp32", "cpu")) < 100
