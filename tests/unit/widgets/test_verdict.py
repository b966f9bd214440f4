from dataclasses import replace

import pytest
from sample_reports import resnet_report
from trtlab_widgets.verdict import clock_verdict, trust

from trtlab.report.records import Report, TelemetryRecord, ThrottleInterval


@pytest.fixture(scope="module")
def throttled() -> TelemetryRecord:
    telemetry = resnet_report(iterations=4).telemetry
    assert telemetry is not None
    return telemetry


def test_throttling_warns_with_its_reason(throttled: TelemetryRecord) -> None:
    verdict = clock_verdict(throttled)
    assert (verdict.state, verdict.sign) == ("warn", "Throttled")
    assert verdict.sentence.startswith("Software power cap for")
    assert clock_verdict(replace(throttled, verdict="")).sentence == "Software power cap"
    small = replace(throttled, verdict="Throttled: power cap for 3.23 s.")
    assert clock_verdict(small).sentence == "Power cap for 3.23 s."


def test_clean_is_only_what_was_seen_to_be_clean(throttled: TelemetryRecord) -> None:
    clean = replace(
        throttled, throttling=(), verdict="Clean: clocks were not held back (9 samples)."
    )
    assert clock_verdict(clean).state == "good"
    assert clock_verdict(clean).sentence == "Clocks were not held back (9 samples)."
    blind = replace(
        throttled, throttling=(), verdict="Throttling is not observable here: no sensor."
    )
    assert clock_verdict(blind).state == "plain"
    assert clock_verdict(blind).sentence == blind.verdict
    assert clock_verdict(None).state == "plain"


def _steady(telemetry: TelemetryRecord | None) -> Report:
    """The sample report with compute times that vary by 0.1 %."""
    report = resnet_report(iterations=4)
    assert report.benchmark is not None
    compute = report.benchmark.compute_ms
    steady = replace(compute, stdev=0.001 * compute.mean)
    benchmark = replace(report.benchmark, verdicts=(), compute_ms=steady)
    return replace(report, benchmark=benchmark, telemetry=telemetry)


def test_steady_times_at_limited_clocks_are_one_sentence(throttled: TelemetryRecord) -> None:
    (line,) = trust(_steady(throttled))
    state, sign, sentence = line
    assert (state, sign) == ("warn", "Throttled")
    assert sentence.startswith("Software power cap for")
    assert "Compute times vary by only 0.1 %, but are those of the limited clocks" in sentence
    # Reports whose sentence lacks its end read on all the same.
    (line,) = trust(_steady(replace(throttled, verdict="")))
    assert line[2].startswith("Software power cap. Compute times vary")


def test_a_benchmark_that_was_not_held_back_is_told_apart(throttled: TelemetryRecord) -> None:
    report = _steady(throttled)
    assert report.benchmark is not None
    after = report.benchmark.starts_ns[-1] + 10**9
    later = replace(
        throttled, throttling=(ThrottleInterval(after, after + 10**6, "Software power cap"),)
    )
    (line,) = trust(_steady(later))
    assert line[2].endswith(
        " That was not during the benchmark, whose compute times vary by only 0.1 %."
    )


def test_steady_is_a_sign_of_its_own_where_clocks_were_free(
    throttled: TelemetryRecord,
) -> None:
    clean = replace(throttled, throttling=(), verdict="Clean: clocks were not held back (9).")
    signs = [(state, sign) for state, sign, _ in trust(_steady(clean))]
    assert signs == [("good", "Clean"), ("good", "Stable")]
    assert [sign for _, sign, _ in trust(_steady(None))] == ["Stable"]
    unstable = resnet_report(iterations=20)
    assert [sign for _, sign, _ in trust(unstable)] == ["Throttled"]
