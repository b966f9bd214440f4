from collections.abc import Iterator
from dataclasses import replace

import pytest
from sample_reports import resnet_report

from trtlab.core.errors import UsageError
from trtlab.report.records import Report

pytest.importorskip("anywidget")

from trtlab_widgets.live.explorer import Explorer


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=3)


@pytest.fixture
def explorer(report: Report) -> Iterator[Explorer]:
    made = Explorer(report)
    yield made
    made.close()


def test_an_explorer_without_a_report_says_so() -> None:
    explorer = Explorer()
    assert explorer.status["state"] == "empty"
    assert explorer.payload == b""
    with pytest.raises(UsageError, match="nothing to show yet"):
        explorer.tell("ready")


def test_unknown_keywords_are_refused(report: Report) -> None:
    with pytest.raises(TypeError, match="colour"):
        Explorer(report, colour="red")  # pyright: ignore[reportCallIssue]


def test_layers_are_selected_by_name_and_index(explorer: Explorer, report: Report) -> None:
    explorer.select("fc", 0)
    assert explorer.selection == [report.layer("fc").index, 0]
    assert [layer.name for layer in explorer.selected] == ["fc", "reformat_input"]


def test_a_node_of_the_model_selects_its_layer(explorer: Explorer) -> None:
    explorer.select("layer1.0.add")
    assert explorer.selected[0].name == "layer1.0.conv3 + layer1.0.add + layer1.0.relu"


@pytest.mark.parametrize("wrong", ["nothing", 59, -1])
def test_layers_that_are_not_there_are_refused(explorer: Explorer, wrong: int | str) -> None:
    explorer.select("fc")
    with pytest.raises(UsageError):
        explorer.select(wrong)
    assert explorer.selected[0].name == "fc"


def test_the_trait_itself_is_checked(explorer: Explorer) -> None:
    with pytest.raises(UsageError):
        explorer.selection = [1000]


def test_the_selection_can_be_observed(explorer: Explorer) -> None:
    heard: list[list[int]] = []
    explorer.observe(lambda change: heard.append(change["new"]), names="selection")
    explorer.select(3)
    assert heard == [[3]]


def test_a_report_of_the_same_layers_keeps_the_selection(
    explorer: Explorer, report: Report
) -> None:
    explorer.select("fc")
    explorer.show(resnet_report(iterations=4))
    assert explorer.selected[0].name == "fc"
    explorer.show(replace(report, layers=report.layers[:5]))
    assert explorer.selection == []


def test_states_are_checked(explorer: Explorer) -> None:
    explorer.tell("error", "no such file")
    assert explorer.status == {"state": "error", "message": "no such file"}
    with pytest.raises(UsageError, match="no state 'fine'"):
        explorer.tell("fine")


def test_places_without_widgets_get_a_summary(explorer: Explorer) -> None:
    bundle = explorer._repr_mimebundle_()
    assert bundle is not None
    data, _ = bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "resnet50_sample" in data["text/html"]
    assert "<script" not in data["text/html"]
