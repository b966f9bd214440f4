from dataclasses import replace

import pytest
from sample_reports import resnet_report
from trtlab_widgets.verdict import clock_verdict

from trtlab.report.records import TelemetryRecord


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
