"""Two runs, two latencies: every view says with the same words which one it shows."""

from dataclasses import replace

import pytest
from small_report import REPORT
from trtlab_widgets.pages.overview import overview_page

from trtlab.cli.exec_report import profile_block, summary_block
from trtlab.cli.printing import report_text
from trtlab.report.html import summary_html
from trtlab.report.records import Samples
from trtlab.report.which_run import BENCHMARK, PROFILED

VIEWS = {
    "notebook": summary_html,
    "profile": report_text,
    "exec": lambda report: (
        summary_block(report, report.benchmark, (99,)) + profile_block(report)
    ),
    "workbench": overview_page,
}


def _timed():
    layers = tuple(replace(layer, time_us=Samples((3.0,))) for layer in REPORT.layers)
    return replace(REPORT, layers=layers)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_both_runs_are_named(view):
    shown = view(_timed()).lower()
    assert BENCHMARK in shown
    assert PROFILED in shown


@pytest.mark.parametrize("view", [summary_html, report_text, overview_page])
def test_a_report_without_layer_times_names_no_profiled_run(view):
    untimed = tuple(replace(layer, time_us=Samples(())) for layer in REPORT.layers)
    assert PROFILED not in view(replace(REPORT, layers=untimed, reconciliation_ms={})).lower()
