"""The tab that compares the shown run with an earlier one of the same model."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

pytest.importorskip("anywidget")

from sample_reports import built_only, half_precision, large_report, resnet_report
from trtlab_widgets.pages.compared import compared_page, layers_sentence
from trtlab_widgets.panels.compare_panel import ComparePanel
from trtlab_widgets.panels.results import TITLES
from trtlab_widgets.runs import Runs, run_labels
from trtlab_widgets.shown import Shown
from trtlab_widgets.workbench import Workbench

from trtlab.profiling.comparison import compare_reports
from trtlab.report.records import Report, Samples

BEFORE = replace(resnet_report(), created="2026-05-04T14:02:09+02:00")
AFTER = replace(half_precision(BEFORE), created="2026-05-04T14:05:30+02:00")
TODAY = date(2026, 5, 4)


def shown(report: Report, minute: int = 0) -> Shown:
    return Shown(replace(report, created=f"2026-05-04T15:{minute:02}:00+02:00"))


@pytest.fixture
def panel() -> ComparePanel:
    made = ComparePanel()
    made.look(visible=True)
    return made


# ---- which runs ---------------------------------------------------------------------------


def test_earlier_runs_of_the_model_come_latest_first() -> None:
    runs = Runs()
    first, second = Shown(BEFORE), Shown(AFTER)
    assert runs.keep(first) == ()
    assert [run.report.created for run in runs.keep(second)] == [BEFORE.created]
    third = shown(AFTER, 1)
    assert [run.report.created for run in runs.keep(third)] == [AFTER.created, BEFORE.created]


def test_other_models_and_what_was_not_measured_are_no_runs_to_compare_with() -> None:
    runs = Runs()
    runs.keep(Shown(BEFORE))
    model = replace(BEFORE.model, name="other", digest="00")
    assert runs.keep(Shown(replace(BEFORE, model=model))) == ()
    assert len(runs.keep(shown(built_only(BEFORE), 1))) == 1
    assert len(runs.keep(shown(AFTER, 2))) == 1
    exported = replace(BEFORE.model, digest="01")  # the same name: exported again
    assert len(runs.keep(shown(replace(BEFORE, model=exported), 3))) == 2


def test_a_report_that_is_opened_again_is_the_run_that_it_was() -> None:
    runs = Runs()
    runs.keep(Shown(BEFORE))
    runs.keep(Shown(AFTER))
    again = runs.keep(Shown(replace(BEFORE), file=Path("a.json")))
    assert [run.report.created for run in again] == [AFTER.created]


def test_the_latest_twelve_are_kept_without_their_timelines() -> None:
    runs = Runs()
    for minute in range(20):
        runs.keep(shown(BEFORE, minute))
    kept = runs.keep(shown(built_only(BEFORE), 30))
    assert len(kept) == 12
    assert kept[0].report.created.startswith("2026-05-04T15:19")
    assert all(run.report.timeline == () for run in kept)


def test_labels_tell_runs_apart_by_what_differs() -> None:
    assert run_labels([Shown(BEFORE)], Shown(AFTER), TODAY) == (
        "fp32 · 1×3×224×224 · 88.9 ms · 14:02",
    )
    config = replace(BEFORE.config, max_aux_streams=0, optimization_level=5)
    other = Shown(replace(BEFORE, config=config), file=Path("/a/b.json"))
    assert run_labels([other, Shown(BEFORE)], Shown(AFTER), date(2026, 5, 5)) == (
        "fp32 · level 5 · 1×3×224×224 · 88.9 ms · 2026-05-04 14:02 · b.json",
        "fp32 · 1 auxiliary stream · 1×3×224×224 · 88.9 ms · 2026-05-04 14:02",
    )
    twins = [Shown(BEFORE), Shown(replace(BEFORE, created="2026-05-04T14:02:59+02:00"))]
    assert len(set(run_labels(twins, Shown(AFTER), TODAY))) == 2


# ---- the page -----------------------------------------------------------------------------


def test_the_page_answers_first_and_then_part_by_part() -> None:
    found = compare_reports(BEFORE, AFTER)
    page = compared_page(found)
    assert "<b>Latency 88.9 ms → 62.2 ms</b>. Real: 30 % faster" in page
    assert '<b class="t-sign is-good">Faster</b>' in page
    assert "precision: fp32 → fp16" in page
    assert layers_sentence(found) in page
    assert page.count("<tr>") == len(found.parts) + 1
    order = [page.index(f'title="{part.name}"') for part in found.parts[:3]]
    assert order == sorted(order)
    assert "…half" in page or "/half" in page
    assert "fp32 → fp16" not in page.split("<table")[1]  # told once, for all parts


def test_unstable_runs_are_named_near_the_answer() -> None:
    said = " run is unstable: compute time varies by 13.9 %"
    answer = compared_page(compare_reports(BEFORE, AFTER)).split("</ul>")[0]
    assert answer.count('<b class="t-sign is-warn">Unstable</b>') == 2
    assert f"The first{said}" in answer
    assert f"The second{said}" in answer
    assert BEFORE.benchmark is not None
    steady = replace(BEFORE, benchmark=replace(BEFORE.benchmark, verdicts=()))
    assert "The first" not in compared_page(compare_reports(steady, AFTER)).split("</ul>")[0]


def test_directions_that_disagree_are_told_near_the_answer() -> None:
    assert BEFORE.benchmark is not None
    run = BEFORE.benchmark
    slow = replace(run.latency_ms, median=run.latency_ms.median * 1.3)
    other = replace(AFTER, benchmark=replace(run, latency_ms=slow))
    answer = compared_page(compare_reports(BEFORE, other)).split("</ul>")[0]
    assert "The latency rose (+30 %) while the sum of the layers fell (" in answer


def test_bars_go_left_from_the_middle_where_time_was_saved() -> None:
    page = compared_page(compare_reports(BEFORE, AFTER))
    widest = page.split('class="t-change is-')[1]
    assert widest.startswith(
        'faster" aria-hidden="true"><i style="left: 0.00%; width: 50.00%"'
    )
    slower = page.split('class="t-change is-slower"')[1]
    assert '<i style="left: 50.00%' in slower[:60]


def test_a_page_of_equals_says_so() -> None:
    page = compared_page(compare_reports(BEFORE, BEFORE))
    assert "Device, shapes, precision and options are the same." in page
    assert "is-good" not in page
    assert "is-bad" not in page


def test_many_parts_are_listed_as_far_as_they_help() -> None:
    big = large_report(layers=120, slices=1000)
    page = compared_page(compare_reports(big, half_precision(big)))
    assert page.count("<tr>") == 61
    assert "The 60 parts that differ most of 120; the other 60 together" in page


def test_what_was_not_timed_is_said_rather_than_drawn() -> None:
    bare = replace(
        AFTER, layers=tuple(replace(layer, time_us=Samples(())) for layer in AFTER.layers)
    )
    page = compared_page(compare_reports(BEFORE, bare))
    assert "The layers were not timed in both runs" in page
    assert "<table" not in page
    silent = compared_page(compare_reports(replace(BEFORE, benchmark=None), AFTER))
    assert "The latency was not measured in both runs." in silent


def test_few_times_are_not_called_told_from_noise() -> None:
    few = [
        replace(
            report,
            benchmark=replace(report.benchmark, samples_ms=report.benchmark.samples_ms[:4]),
            layers=tuple(
                replace(layer, time_us=Samples(layer.time_us.samples[:4]))
                for layer in report.layers
            ),
        )
        for report in (BEFORE, AFTER)
        if report.benchmark is not None
    ]
    page = compared_page(compare_reports(*few))
    assert "too few queries to tell it from noise" in page
    assert "Timed too few times" in page
    assert "t-tag is-good" not in page


def test_names_are_escaped() -> None:
    first, *rest = BEFORE.layers
    odd = replace(BEFORE, layers=(replace(first, name='<b a="1">', tactic="<i>"), *rest))
    page = compared_page(compare_reports(odd, BEFORE))
    assert "<b a=" not in page
    assert "<i>" not in page
    assert "&lt;b a=&quot;1&quot;&gt;" in page


# ---- the panel ----------------------------------------------------------------------------


def test_one_run_says_how_to_come_to_another(panel: ComparePanel) -> None:
    panel.show(Shown(BEFORE), [])
    assert "Run again with other options" in panel.page
    assert panel._row.layout.display == "none"
    panel.show(shown(built_only(BEFORE)), [])
    assert "Not measured yet" in panel.page


def test_a_hidden_page_is_drawn_when_somebody_looks() -> None:
    panel = ComparePanel()
    panel.show(Shown(AFTER), [Shown(BEFORE)])
    assert "Comparing …" in panel.page
    assert panel._worker is None
    panel.look(visible=True)
    panel.wait(60)
    assert "88.9 ms → 62.2 ms" in panel.page
    assert "is-late" not in panel._dom_classes


def test_a_chosen_run_stays_chosen_while_there_are_new_ones(panel: ComparePanel) -> None:
    runs = [Shown(AFTER), Shown(BEFORE)]
    latest = shown(AFTER, 40)
    panel.show(latest, runs)
    panel.wait(60)
    assert "62.2 ms → 62.2 ms" in panel.page
    panel._choice.value = 1
    panel.wait(60)
    assert "88.9 ms → 62.2 ms" in panel.page
    panel.show(shown(BEFORE, 50), [latest, *runs])
    panel.wait(60)
    assert panel._choice.value == 2
    assert "88.9 ms → 88.9 ms" in panel.page
    panel._choice.value = 0  # from now on the run before
    newer = shown(BEFORE, 55)
    panel.show(AFTER_AGAIN, [newer, latest, *runs])
    panel.wait(60)
    assert panel._choice.value == 0
    assert "88.9 ms → 62.2 ms" in panel.page


AFTER_AGAIN = shown(AFTER, 59)


def test_a_refusal_is_told_in_words(panel: ComparePanel) -> None:
    layers = tuple(replace(x, origins=(f"other {n}",)) for n, x in enumerate(AFTER.layers))
    panel.show(Shown(replace(AFTER, layers=layers)), [Shown(BEFORE)])
    panel.wait(60)
    assert "These two cannot be compared" in panel.page
    assert "The reports have no node in common" in panel.page
    assert "compare two runs of the same ONNX file" in panel.page


# ---- in the workbench ---------------------------------------------------------------------


def test_a_tweak_is_compared_with_the_run_before(bench: Workbench) -> None:
    results = bench._desk.results
    assert "No report yet" in results.compared.page or "Press Run" in results.compared.page
    bench.run()
    bench.wait(60)
    assert "One run so far" in results.compared.page
    results.selected_index = TITLES.index("Compare")
    bench._desk.options.precision._precision.value = "fp16"
    bench.run()
    bench.wait(60)
    results.compared.wait(60)
    (label,) = results.compared.choices
    assert label.startswith("fp32 · ")
    assert "Real: 30 % faster" in results.compared.page


def test_a_report_from_a_file_is_a_run_too(bench: Workbench, tmp_path: Path) -> None:
    bench.run()
    bench.wait(60)
    bench.load(AFTER.save(tmp_path / "after.json"))
    bench.wait(60)
    assert len(bench._desk.results.compared.choices) == 1
    bench.load("zoo:transformer")
    bench.wait(60)
    bench.run()
    bench.wait(60)
    assert bench._desk.results.compared.choices == ()
    assert "One run so far" in bench._desk.results.compared.page
