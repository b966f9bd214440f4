"""A report says which software was measured, and where."""

from dataclasses import replace

from tests.support.tiny_models import mlp
from trtlab.cli.exec_report import build_block
from trtlab.cli.printing import report_text
from trtlab.core.version import exact_version
from trtlab.report.conditions import conditions
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


def test_layers_whose_precision_is_emulated_are_told_though_the_build_is_fp32(monkeypatch):
    monkeypatch.setattr(work, "with_peaks", lambda record, *_: (record, ()))
    model = mlp()
    engine = build(model).engine
    name = engine.network.layers[0].name.split(" + ")[0]
    plain = work.measure(engine, QUICK)
    assert not any("emulated" in warning for warning in plain.warnings)
    report = work.measure(build(model, layer_precisions={name: "fp16"}).engine, QUICK)
    assert any(w.startswith("fp16 is emulated on the CPU") for w in report.warnings)
    assert "1 layer fp16 (emulated)" in " ".join(conditions(report))
    assert "fp32, 1 layer fp16 (emulated)" in report_text(report).splitlines()[0]
    assert "Precision: fp32, 1 layer fp16 (emulated)" in build_block(report)
