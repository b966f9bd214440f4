"""A report says which software was measured, and where."""

from dataclasses import replace

from tests.support.tiny_models import mlp
from trtlab.core.version import exact_version
from trtlab.runtime.devices import open_runtime
from trtlab.session import work
from trtlab.session.one_call import build
from trtlab.session.requests import RunRequest

QUICK = RunRequest(
    duration_s=0.0, warmup_ms=0.0, iterations=1, profile_layers=False, telemetry=False
)


def test_a_report_tells_the_machine_that_ran_the_engine(monkeypatch):
    monkeypatch.setattr(work, "with_peaks", lambda record, *_: (record, ()))
    engine = build(mlp()).engine
    elsewhere = replace(engine.device, name="another machine", library_versions={"numpy": "0"})
    engine = replace(engine, device=elsewhere)
    assert work.describe(engine).device == elsewhere  # of the build alone
    report = work.measure(engine, QUICK)
    assert report.device == open_runtime("cpu")[0].record() != elsewhere
    assert report.trtlab_version == exact_version()
