"""Whose results are shown, and whether the form still asks for them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import monotonic, sleep

import pytest

pytest.importorskip("anywidget")

from fake_session import FakeSession
from sample_reports import built_only, resnet_report
from trtlab_widgets.shown import Shown, run_sentence, shown_sentence
from trtlab_widgets.workbench import Workbench

from trtlab.core.errors import InvalidNetworkError, ParseError

REPORT = replace(resnet_report(iterations=3), created="2026-05-04T18:13:09+02:00")
TODAY = date(2026, 5, 4)
CHANGED = "The form has changed since"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = Workbench("zoo:resnet50", session=FakeSession(folder=tmp_path))
    made.wait(60)
    made.run()
    made.wait(60)
    yield made
    made.close()


def outdated(bench: Workbench) -> bool:
    return "is-outdated" in bench._desk.results._dom_classes


def test_the_line_names_model_precision_shape_and_time() -> None:
    assert shown_sentence(Shown(REPORT), TODAY) == (
        "Shown: resnet50_sample · fp32 · 1×3×224×224, 18:13."
    )
    assert shown_sentence(Shown(REPORT, file=Path("/a/b.json")), date(2026, 5, 5)) == (
        "Shown: resnet50_sample · fp32 · 1×3×224×224, 2026-05-04 18:13, loaded from b.json."
    )
    bare = shown_sentence(Shown(built_only(REPORT)), TODAY)
    assert "×3×224×224 · not measured, 18:13." in bare


def test_an_unstable_run_is_no_plain_success(bench: Workbench) -> None:
    assert REPORT.benchmark is not None
    calm = replace(REPORT, benchmark=replace(REPORT.benchmark, verdicts=()))
    measured = "Measured 3 queries: median latency 86.7 ms."
    assert run_sentence(calm) == (measured, "good")
    line = "Unstable: compute times vary by 94 % (more than 2.5 %); look at clocks."
    shaken = replace(REPORT, benchmark=replace(REPORT.benchmark, verdicts=("Other.", line)))
    assert run_sentence(shaken) == (
        f"{measured} Unstable: compute times vary by 94 %.",
        "warn",
    )
    said = bench._desk.progress._bar.value
    assert said.startswith('<span role="status"><span class="is-warn">Measured 40 queries: ')
    assert "ms. Unstable: compute time varies by " in said


def test_several_inputs_are_told_by_name() -> None:
    assert REPORT.benchmark is not None
    shapes = {"a": (2, 8, 64), "b": (3, 64, 8), "c": ()}
    report = replace(REPORT, benchmark=replace(REPORT.benchmark, shapes=shapes))
    assert "· a 2×8×64, b 3×64×8 and 1 more, 18:13." in shown_sentence(Shown(report), TODAY)


def test_an_edit_is_told_above_the_tabs_and_can_be_taken_back(bench: Workbench) -> None:
    line = bench._desk.above
    assert "Shown: resnet50_sample · fp32 · 1×3×224×224" in line.told
    assert "Matches the form." in line.told
    assert not outdated(bench)
    bench._desk.options.precision._precision.value = "fp16"
    assert f"{CHANGED}." in line.told
    assert outdated(bench)
    bench._desk.options.precision._precision.value = "fp32"
    assert "Matches the form." in line.told
    assert not outdated(bench)


def test_a_longer_run_needs_no_other_engine(bench: Workbench) -> None:
    bench._desk.options.measuring._duration.value = 9.0
    assert f"{CHANGED}." in bench._desk.above.told
    assert bench._desk.actions._build.button_style == ""


def test_a_wrong_field_is_a_change_too(bench: Workbench) -> None:
    bench._desk.options.limits._pools["WORKSPACE"][0].value = "much"
    assert outdated(bench)


def test_another_model_marks_the_results_of_the_last_one(bench: Workbench) -> None:
    bench.load("zoo:transformer")
    bench.wait(60)
    assert "Shown: resnet50_sample" in bench._desk.above.told
    assert f"{CHANGED}: " in bench._desk.above.told
    assert outdated(bench)
    assert bench._desk.actions._build.button_style == "warning"
    for save in bench._desk.above.saves.children:
        assert "of resnet50_sample · fp32" in save.tooltip
    bench.load("zoo:resnet50")
    bench.wait(60)
    bench.run()
    bench.wait(60)
    assert "Matches the form." in bench._desk.above.told


def test_a_model_that_does_not_open_marks_them_as_well(bench: Workbench) -> None:
    bench.load("/tmp/broken.onnx")
    with pytest.raises(ParseError):
        bench.wait(60)
    assert f"{CHANGED}: no model is open." in bench._desk.above.told
    assert outdated(bench)


def test_a_failed_build_is_told_whole_beside_older_results(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise InvalidNetworkError("2 meets <3>", where=["layer mm"], hint="other shapes")

    errors = bench._desk.errors
    assert errors.layout.display == "none"
    bench._desk.options.precision._precision.value = "fp16"
    monkeypatch.setattr(bench._session, "start_build", refuse)
    bench._desk.actions._build.click()
    assert errors.layout.display is None
    for part in ("Build failed", "2 meets &lt;3&gt;", "at layer mm", "</b> other shapes"):
        assert part in errors.told
    assert "The build failed." in bench._desk.progress._bar.value
    assert "2 meets" not in bench._desk.progress._bar.value
    errors.dismiss.click()
    assert errors.layout.display == "none"
    assert bench.explorer.status["state"] == "ready"


def test_the_next_step_takes_the_error_away(bench: Workbench) -> None:
    bench.load("/tmp/broken.onnx")
    with pytest.raises(ParseError):
        bench.wait(60)
    assert bench._desk.errors.told
    bench.load("zoo:resnet50")
    bench.wait(60)
    assert not bench._desk.errors.told


def test_while_work_is_under_way_another_model_is_refused_beside_it(tmp_path: Path) -> None:
    session = FakeSession(folder=tmp_path)
    bench = Workbench("zoo:resnet50", session=session)
    bench.wait(60)
    session.step_s = 0.05
    bench.build()
    until = monotonic() + 60
    while bench._desk.progress._cancel.disabled and monotonic() < until:
        sleep(0.01)
    bench._desk.model._zoo.value = "zoo:transformer"
    assert "work is under way already" in bench._desk.errors.told
    assert bench._desk.model._zoo.value == "zoo:resnet50"
    assert not bench._desk.progress._cancel.disabled
    bench.cancel()
    bench.close()
