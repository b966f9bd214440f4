"""What came of a build's options: limits that ruled tactics out, streams without work."""

from dataclasses import replace
from pathlib import Path

import pytest
from sample_reports import resnet_report
from tiny_models import branches
from trtlab_widgets.pages.asked import outcomes
from trtlab_widgets.pages.build import build_page

from trtlab.report.records import ContenderRecord, Report, SelectionRecord
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_engine, describe


@pytest.fixture(scope="module")
def report() -> Report:
    made = resnet_report(iterations=5)
    config = replace(made.config, max_aux_streams=0, memory_pools_bytes={})
    return replace(
        made, config=config, layers=tuple(replace(r, stream=0) for r in made.layers)
    )


def test_a_pool_that_ruled_tactics_out_is_named(report: Report) -> None:
    assert outcomes(report) == []
    no = "needs 27,648 bytes of workspace, the pool allows 1,024"
    contenders = (
        ContenderRecord("a", 2.0),
        ContenderRecord("b", None, rejection=no),
        ContenderRecord("c", None, rejection=no),
    )
    limited = replace(
        report,
        config=replace(report.config, memory_pools_bytes={"WORKSPACE": 1024}),
        build=replace(
            report.build,
            selections=(
                SelectionRecord("one", "a", contenders),
                SelectionRecord("two", "a", contenders[:2]),
                SelectionRecord("three", "a", contenders[:1]),
            ),
        ),
    )
    told = "The workspace limit of 1.00 KiB ruled out 3 tactics of 2 layers."
    assert outcomes(limited) == [told]
    assert f"Note</b><span>{told}</span>" in build_page(limited)


def test_auxiliary_streams_that_nothing_used_are_told(report: Report) -> None:
    asked = replace(report, config=replace(report.config, max_aux_streams=2))
    assert outcomes(asked) == [
        "2 auxiliary streams allowed, none used: no branches are independent of each other."
    ]
    one = tuple(replace(r, stream=int(r.index == 3)) for r in asked.layers)
    assert outcomes(replace(asked, layers=one)) == ["2 auxiliary streams allowed, 1 used."]
    two = tuple(replace(r, stream=r.index % 3) for r in asked.layers)
    assert outcomes(replace(asked, layers=two)) == []


def test_a_real_contest_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "branches.onnx"
    path.write_bytes(branches().SerializeToString())
    options = {"WORKSPACE": 16}
    request = BuildRequest(str(path), memory_pools_bytes=options, optimization_level=1)
    (sentence,) = outcomes(describe(build_engine(request)))
    assert sentence.startswith("The workspace limit of 16.0 B ruled out ")
