from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("anywidget")

from fake_session import FakeSession
from sample_reports import resnet_report
from trtlab_widgets.panels.model_panel import keep_upload, model_card
from trtlab_widgets.panels.progress_panel import ProgressPanel, progress_html, time_left
from trtlab_widgets.workbench import Workbench

from trtlab.core.errors import CancelledError, ParseError, UsageError
from trtlab.session.requests import BuildRequest, JobEvent, RunRequest


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def bench(session: FakeSession) -> Iterator[Workbench]:
    made = Workbench("zoo:resnet50", session=session)
    made.wait(60)
    yield made
    made.close()


def test_unknown_keywords_are_refused(session: FakeSession) -> None:
    with pytest.raises(TypeError, match="precison"):
        Workbench("zoo:resnet50", session=session, precison="fp16")  # pyright: ignore[reportCallIssue]


def test_a_bare_zoo_name_is_shown_as_chosen(session: FakeSession) -> None:
    bench = Workbench("resnet50", session=session)
    assert bench._desk.model._zoo.value == "zoo:resnet50"
    assert bench._desk.model._path.value == ""
    bench.wait(60)
    assert bench.build_request.source == "resnet50"


def test_without_a_model_nothing_can_be_built(session: FakeSession) -> None:
    bench = Workbench(session=session)
    assert bench.code == ""
    with pytest.raises(UsageError, match="no model is open"):
        bench.build()
    assert bench._desk.actions._run.disabled
    assert bench._desk.actions._run.tooltip == "no model is open"


def test_run_builds_first_and_only_when_needed(bench: Workbench, session: FakeSession) -> None:
    bench.run()
    report = bench.wait(60)
    assert report is not None
    assert report.benchmark is not None
    assert [type(r) for r in session.requests] == [BuildRequest, RunRequest]
    bench.run()
    bench.wait(60)
    assert [type(r) for r in session.requests] == [BuildRequest, RunRequest, RunRequest]
    assert bench.explorer.status["state"] == "ready"


def test_a_changed_option_makes_the_engine_stale(
    bench: Workbench, session: FakeSession
) -> None:
    bench.build()
    bench.wait(60)
    assert bench._desk.actions._build.button_style == ""
    bench._desk.options.precision._precision.value = "fp16"
    assert bench._desk.actions._build.button_style == "warning"
    bench.run()
    bench.wait(60)
    assert [type(r) for r in session.requests] == [BuildRequest, BuildRequest, RunRequest]
    assert isinstance(session.requests[1], BuildRequest)
    assert session.requests[1].precision == "fp16"


def test_emulated_precision_is_called_so(bench: Workbench) -> None:
    bench._desk.options.precision._precision.value = "bf16"
    assert "shows accuracy, not speed" in bench._desk.options.precision._note.value
    bench._desk.options.precision._device.value = "cuda"
    assert bench._desk.options.precision.precision == "fp16"
    assert bench._desk.options.precision._note.value == ""
    assert set(bench._desk.options.limits._pools) == {"WORKSPACE", "TACTIC_DRAM"}
    assert bench.build_request.device == "cuda"


def test_every_field_reaches_the_requests(bench: Workbench) -> None:
    low, likely, high = bench._desk.options.shapes._rows[0]._fields
    high.value = "16,3,224,224"
    likely.value = "4 3 224 224"
    bench._desk.options.shapes._rows[0]._run.value = "2×3×224×224"
    bench._desk.options.limits._streams.value = 2
    bench._desk.options.limits._level.value = 5
    bench._desk.options.limits._pools["WORKSPACE"][0].value = "256 MiB"
    bench._desk.options.limits._sources["NUMPY"].value = False
    bench._desk.options.measuring._duration.value = 7.5
    bench._desk.options.measuring._telemetry.value = False
    assert low.value == "1×3×224×224"
    assert bench.build_request == BuildRequest(
        "zoo:resnet50",
        profiles={"input": ((1, 3, 224, 224), (4, 3, 224, 224), (16, 3, 224, 224))},
        max_aux_streams=2,
        memory_pools_bytes={"WORKSPACE": 256 << 20},
        tactic_sources=("GENERATED",),
        optimization_level=5,
    )
    assert bench.run_request == RunRequest(
        {"input": (2, 3, 224, 224)}, duration_s=7.5, telemetry=False
    )
    assert "duration_s=7.5" in bench.code


def test_wrong_fields_are_explained_beside_them_and_hold_back_the_buttons(
    bench: Workbench,
) -> None:
    row = bench._desk.options.shapes._rows[0]
    row._fields[0].value = "9,3,224,224"
    assert "dimension 0: min 9 is above opt 1" in row._message.value
    assert bench._desk.actions._build.disabled
    with pytest.raises(UsageError, match="input: dimension 0"):
        bench.build()
    row._fields[0].value = "1,3,224,224"
    assert not bench._desk.actions._build.disabled
    bench._desk.options.limits._pools["WORKSPACE"][0].value = "much"
    assert "write a size such as" in bench._desk.options.limits._pools["WORKSPACE"][1].value
    bench._desk.options.limits._pools["WORKSPACE"][0].value = ""
    for box in bench._desk.options.limits._sources.values():
        box.value = False
    assert "at least one source" in bench._desk.options.limits._source_message.value
    assert bench._desk.actions._run.disabled


def test_the_status_line_names_the_wrong_field(bench: Workbench, session: FakeSession) -> None:
    status = bench._desk.progress._bar
    assert "Ready to build." in status.value
    low = bench._desk.options.shapes._rows[0]._fields[0]
    low.value = "9,3,224,224"
    assert "Not ready: input: dimension 0: min 9 is above opt 1." in status.value
    bench._desk.options.limits._pools["WORKSPACE"][0].value = "much"
    low.value = "1,3,224,224"
    assert "Not ready: Workspace: write a size such as 512 MiB or 2 GiB." in status.value
    bench.load("zoo:resnet50")  # the other model does not mend the field
    bench.wait(60)
    assert "Not ready: Workspace" in status.value
    bench._desk.options.limits._pools["WORKSPACE"][0].value = ""
    assert "Ready to build." in status.value
    bench.build()
    bench.wait(60)
    assert "Built" in status.value
    bench._desk.options.limits._streams.value = 2
    assert "Ready to build." in status.value
    assert "2 auxiliary streams" in status.value
    bench._desk.options.limits._streams.value = 0
    assert "Ready to run." in status.value


def test_selected_engine_layers_can_be_given_a_precision(bench: Workbench) -> None:
    bench.build()
    bench.wait(60)
    bench.explorer.select("layer1.0.conv1 + layer1.0.conv1.relu")
    assert (
        bench._desk.options.precision._selected.description
        == "Set the 3 layers behind the selection"
    )
    bench._desk.options.precision._layer_precision.value = "fp16"
    bench._desk.options.precision._selected.click()
    names = ("layer1.0.conv1", "layer1.0.conv1.bn", "layer1.0.conv1.relu")
    assert bench.build_request.layer_precisions == dict.fromkeys(names, "fp16")
    bench._desk.options.precision._tags.value = bench._desk.options.precision._tags.value[:1]
    assert bench.build_request.layer_precisions == {"layer1.0.conv1": "fp16"}


def test_a_layer_that_is_not_in_the_model_is_refused(bench: Workbench) -> None:
    bench._desk.options.precision._layer.value = "nothing"
    bench._desk.options.precision._add.click()
    assert "no layer &#x27;nothing&#x27;" in bench._desk.options.precision._problem.value
    assert bench.build_request.layer_precisions == {}


def test_a_broken_model_is_explained(session: FakeSession) -> None:
    bench = Workbench(session=session)
    bench._desk.model._path.value = "/tmp/broken.onnx"
    with pytest.raises(ParseError):
        bench.wait(60)
    desk = bench._desk
    assert desk.errors.told.count("<p") == 3  # what, where, hint: a line each
    assert "<b>Try:</b> export it again" in desk.errors.told
    everywhere = (desk.model._card, desk.progress._bar, desk.results._overview)
    assert not any("is not an ONNX file" in each.value for each in everywhere)  # said once
    assert "The model was not opened." in desk.progress._bar.value
    assert bench.explorer.status["state"] == "error"


def test_cancel_keeps_the_last_report(bench: Workbench, session: FakeSession) -> None:
    bench.run()
    first = bench.wait(60)
    session.step_s = 0.05
    bench.run()
    assert bench._desk.actions._run.disabled
    bench.cancel()
    with pytest.raises(CancelledError):
        bench.wait(60)
    assert bench.report is first
    assert bench.explorer.status["state"] == "ready"
    assert not bench._desk.actions._run.disabled


def test_cancel_without_a_report_says_so(session: FakeSession) -> None:
    bench = Workbench("zoo:resnet50", session=session)
    bench.wait(60)
    session.step_s = 0.05
    bench.build()
    bench.cancel()
    with pytest.raises(CancelledError):
        bench.wait(60)
    assert bench.explorer.status["state"] == "cancelled"
    assert "Press Build or Run" in bench._desk.results._overview.value


def test_a_recorded_report_needs_no_build(session: FakeSession) -> None:
    report = resnet_report(iterations=3)
    bench = Workbench(report=report, session=session)
    assert bench.report is report
    assert bench.explorer.report is report
    bench.explorer.select("fc")
    assert bench.selected[0].name == "fc"
    results = bench._desk.results
    assert "trtlab.build(" in results.code.code  # from the report: no model is open
    assert "from the report" in results._head.value


def test_the_code_is_the_forms_again_once_the_form_is_used(bench: Workbench) -> None:
    results = bench._desk.results
    bench.wait(60)
    forms = results.code.code
    assert "zoo:resnet50" in forms
    report = resnet_report(iterations=3)
    bench.show(replace(report, model=replace(report.model, source="zoo:recorded")))
    assert "zoo:recorded" in results.code.code
    bench.run()
    bench.wait(60)
    assert results.code.code == forms
    assert "The form as it is now" in results._head.value


def test_sensors_are_read_only_while_somebody_looks(
    bench: Workbench, session: FakeSession
) -> None:
    assert session.watches == []
    bench.monitor.visible = True
    assert len(session.watches) == 1
    bench.monitor.visible = False
    assert session.watches[0]._closed.is_set()


def test_options_open_and_close(bench: Workbench) -> None:
    assert "is-closed" in bench._desk.options._dom_classes
    bench._desk.actions.options.value = True
    assert "is-closed" not in bench._desk.options._dom_classes


def test_places_without_widgets_get_a_summary(bench: Workbench) -> None:
    before = bench._repr_mimebundle_()
    assert before is not None
    assert "zoo:resnet50" in before["text/html"]
    bench.show(resnet_report(iterations=3))
    after = bench._repr_mimebundle_()
    assert after is not None
    assert "median latency" in after["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in after


def test_an_uploaded_file_is_kept_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trtlab.core import settings as module

    monkeypatch.setenv("TRTLAB_CACHE_DIR", str(tmp_path))
    module.settings.cache_clear()
    try:
        first = keep_upload("../../net.onnx", b"abc")
        assert first.read_bytes() == b"abc"
        assert first.is_relative_to(tmp_path)
        assert keep_upload("../../net.onnx", b"abc") == first
        assert keep_upload("net.onnx", b"abd") != first
    finally:
        module.settings.cache_clear()


def test_a_new_phase_is_told_however_soon_it_comes() -> None:
    panel = ProgressPanel(lambda: None)
    panel.tell(JobEvent("running", "Optimize network", 31, 52))
    panel.tell(JobEvent("running", "Optimize network", 32, 52))
    assert "31 of 52" in panel._bar.value
    panel.tell(JobEvent("running", "Select tactics", 0, 54))
    assert "Select tactics" in panel._bar.value


def test_cancel_answers_at_once_and_until_the_job_has_ended() -> None:
    asked: list[bool] = []
    panel = ProgressPanel(lambda: asked.append(True))
    panel.tell(JobEvent("running", "Select tactics", 0, 54))
    panel._cancel.click()
    assert asked == [True]
    panel.tell(JobEvent("running", "Pack weights", 0, 59))
    assert "Cancelling" in panel._bar.value
    assert panel._cancel.disabled
    panel.tell(JobEvent("cancelled"))
    assert "Cancelled." in panel._bar.value
    panel.tell(JobEvent("running", "Select tactics", 0, 54))
    assert not panel._cancel.disabled


def test_progress_says_step_and_time_left() -> None:
    html = progress_html(JobEvent("running", "tactics", 3, 12, "conv<1>", 75.0))
    assert 'aria-valuenow="25"' in html
    assert "3 of 12 · conv&lt;1&gt; · about 1 min 20 s left in this phase" in html
    assert "aria-valuenow" not in progress_html(JobEvent("running", "Reading"))
    assert "is-bad" in progress_html(JobEvent("failed", message="no\nmore"))
    assert time_left(None) == ""
    assert time_left(0.2) == "about 1 s left in this phase"


def test_model_card_escapes_names() -> None:
    model = resnet_report(iterations=2).model
    assert "25.5 M parameters" in model_card(model)
    assert "Conv 53" in model_card(model)
