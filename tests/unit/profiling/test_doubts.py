"""Differences that the samples call real, and the machine made."""

from dataclasses import replace

import numpy as np
import pytest
from sample_reports import resnet_report

from trtlab.core.errors import UsageError
from trtlab.profiling.comparison import compare_reports
from trtlab.profiling.doubts import UNSTABLE, opposed, unstable_runs
from trtlab.profiling.statistics import Verdict
from trtlab.profiling.verdicts import verdicts


def _times(factor, seed, drift=0.0):
    noise = np.random.default_rng(seed).normal(1, 0.01, 80)
    slope = np.linspace(1, 1 + drift, 80)
    return tuple(float(5 * factor * x) for x in noise * slope)


def _report(factor=1.0, *, seed=0, drift=0.0, layers=1.0, precision="fp32"):
    report = resnet_report()
    assert report.benchmark is not None
    scaled = tuple(
        replace(
            layer,
            time_us=replace(
                layer.time_us, samples=tuple(layers * x for x in layer.time_us.samples)
            ),
        )
        for layer in report.layers
    )
    return replace(
        report,
        layers=scaled,
        benchmark=replace(report.benchmark, samples_ms=_times(factor, seed, drift)),
        config=replace(report.config, precision=precision),
    )


def test_without_any_known_difference_the_machine_was_another():
    found = compare_reports(_report(), _report(1.7, seed=1, layers=1.7))
    assert found.latency.verdict is Verdict.REAL
    assert found.latency_sentence.startswith("Doubtful: 70 % slower")
    assert [doubt.decides for doubt in found.doubts] == [True]
    assert "the machine was slower in one of them" in found.doubts[0].sentence


def test_what_was_asked_for_otherwise_may_be_the_reason():
    found = compare_reports(_report(), _report(0.6, seed=1, layers=0.6, precision="fp16"))
    assert found.doubts == ()
    assert found.latency_sentence.startswith("Real: ")


def test_a_run_that_drifts_is_told():
    after = _report(0.6, seed=1, layers=0.6, precision="fp16", drift=0.4)
    (doubt,) = compare_reports(_report(), after).doubts
    assert doubt.sentence.startswith("The latency drifted by ")
    assert "within the second run" in doubt.sentence
    assert not doubt.decides


def test_layers_that_change_the_other_way_are_told():
    after = _report(1.3, seed=1, layers=0.6, precision="fp16")
    (doubt,) = compare_reports(_report(), after).doubts
    assert "changed the other way (−40 %)" in doubt.sentence


def _shaken(median_ms, *, seed, layers=1.0, verdicts=()):
    """A run whose queries vary by as much as they last."""
    report = _report(seed=seed, layers=layers)
    samples = np.random.default_rng(seed).lognormal(np.log(median_ms), 0.9, 40)
    run = report.benchmark
    told = replace(run.latency_ms, median=median_ms)
    changed = replace(run, samples_ms=tuple(samples), latency_ms=told, verdicts=verdicts)
    return replace(report, benchmark=changed)


def test_latency_and_layers_in_opposite_directions_are_told_though_undecided():
    before, after = _shaken(11.6, seed=3), _shaken(9.5, seed=4, layers=1.6)
    found = compare_reports(before, after)
    assert found.latency.verdict is not Verdict.REAL
    said = opposed((before, after), found.latency, found.layers_ms)
    assert said.startswith(
        "The latency fell (−18 %) while the sum of the layers rose (+60 %): "
    )
    assert found.cautions == (said,)
    along = _shaken(9.5, seed=4, layers=0.8)
    found = compare_reports(before, along)
    assert opposed((before, along), found.latency, found.layers_ms) == ""


def test_every_unstable_run_is_named():
    line = "Unstable: compute times vary by 94 %; look at clocks."
    before, after = _shaken(9, seed=3, verdicts=(line,)), _shaken(9, seed=4)
    said = "run is unstable: compute times vary by 94 %; look at clocks."
    assert unstable_runs((before, after)) == (f"The first {said}",)
    assert unstable_runs((after, before)) == (f"The second {said}",)
    assert unstable_runs((before, before)) == (f"The first {said}", f"The second {said}")
    found = compare_reports(before, after)
    assert found.cautions == (*(doubt.sentence for doubt in found.doubts), f"The first {said}")


def test_a_benchmark_that_varies_is_told_in_the_words_that_are_looked_for():
    run = _report().benchmark
    (line,) = verdicts(
        enqueue=replace(run.enqueue_ms, median=0.01),
        h2d=run.h2d_ms,
        compute=run.compute_ms,
        d2h=run.d2h_ms,
        compute_samples_ms=[1.0, 9.0] * 10,
        asynchronous=False,
    )
    assert line.startswith(f"{UNSTABLE}compute times vary by ")


def test_no_difference_needs_no_doubt():
    found = compare_reports(_report(), _report(seed=1))
    assert found.latency.verdict is not Verdict.REAL
    assert found.doubts == ()


def test_a_report_and_itself_are_the_same_measurements():
    found = compare_reports(_report(), _report())
    assert found.latency_sentence == "No difference: these are the same measurements."


@pytest.mark.parametrize(("shared", "refused"), [(3, True), (40, False)])
def test_reports_of_two_models_that_share_some_names_are_refused(shared, refused):
    before, after = _report(), _report()
    layers = tuple(
        layer if number < shared else replace(layer, origins=(f"other {number} (Conv)",))
        for number, layer in enumerate(after.layers)
    )
    after = replace(after, layers=layers)
    if not refused:
        assert compare_reports(before, after).parts
        return
    with pytest.raises(UsageError, match=r"share \d+ of \d+ nodes"):
        compare_reports(before, after)
