"""Options are counted, named and reset, whether or not they can be seen."""

import ast

import pytest

pytest.importorskip("anywidget")

from fake_session import FakeSession
from trtlab_widgets.workbench import Workbench

from trtlab.session.requests import RunRequest


def change_all(bench: Workbench) -> None:
    options = bench._desk.options
    options.precision._precision.value = "fp16"
    options.precision._tags.value = ["fc → fp32", "avgpool → fp32"]
    options.shapes._rows[0]._fields[2].value = "16,3,224,224"
    options.shapes._rows[0]._run.value = "2×3×224×224"
    options.limits._level.value = 5
    options.limits._streams.value = 2
    options.limits._pools["WORKSPACE"][0].value = "1 KiB"
    options.limits._sources["NUMPY"].value = False
    options.measuring._duration.value = 7.5
    options.measuring._warmup.value = 50
    options.measuring._iterations.value = 20
    options.measuring._layers.value = False
    options.measuring._telemetry.value = False


def test_every_option_is_named_when_it_differs(bench: Workbench) -> None:
    assert bench._desk.options.changes == ()
    assert bench._desk.actions.options.description == "Options"
    change_all(bench)
    assert bench._desk.options.changes == (
        "fp16",
        "2 layers in fp32",
        "range of input",
        "run input at 2×3×224×224",
        "level 5",
        "2 auxiliary streams",
        "workspace 1 KiB",
        "without NUMPY",
        "7.5 s",
        "50 ms warm-up",
        "at least 20 queries",
        "layers untimed",
        "no sensors",
    )
    assert bench._desk.actions.options.description == "Options · 13 changed"


def test_options_that_outlive_a_model_are_told_beside_ready(bench: Workbench) -> None:
    bench._desk.options.precision._precision.value = "fp16"
    bench._desk.options.limits._streams.value = 1
    bench.load("zoo:transformer")
    bench.wait(60)
    status = bench._desk.progress._bar.value
    assert "Ready to build.</span> <span>fp16 · 1 auxiliary stream</span>" in status
    assert bench._desk.actions.options.description == "Options · 2 changed"


def test_reset_brings_all_defaults_back(bench: Workbench) -> None:
    first = bench.build_request
    options = bench._desk.options
    assert options.back.disabled
    change_all(bench)
    assert not options.back.disabled
    assert "fp16 · 2 layers in fp32" in options._sum.value
    options.back.click()
    assert options.changes == ()
    assert bench.build_request == first
    assert bench.run_request == RunRequest()
    assert "defaults" in options._sum.value
    assert options.back.disabled
    assert bench._desk.actions.options.description == "Options"


def test_reset_returns_to_the_first_device(bench: Workbench) -> None:
    options = bench._desk.options
    options.precision._device.value = "cuda"
    assert options.changes == ("on cuda",)  # its first precision is no change
    options.limits._pools["TACTIC_DRAM"][0].value = "1 GiB"
    options.reset()
    assert options.precision.device == "cpu"
    assert options.precision.precision == "fp32"
    assert set(options.limits._pools) == {"WORKSPACE"}
    assert options.changes == ()


def test_a_shape_written_differently_is_no_change(bench: Workbench) -> None:
    bench._desk.options.shapes._rows[0]._fields[0].value = "1, 3, 224, 224"
    assert bench._desk.options.changes == ()


def test_a_wrong_value_counts_as_a_change(bench: Workbench) -> None:
    bench._desk.options.limits._pools["WORKSPACE"][0].value = "much"
    bench._desk.options.shapes._rows[0]._fields[0].value = "x"
    assert bench._desk.options.changes == ("range of input", "workspace much")


@pytest.mark.parametrize("typed", ["6400x3x224x224", "4x3x224", "abc"])
def test_a_wrong_shape_to_run_at_is_a_change(typed: str) -> None:
    bench = Workbench("zoo:resnet50", session=FakeSession())
    bench.wait(60)
    options = bench._desk.options
    right = bench.code
    options.shapes._rows[0]._run.value = typed
    name = options.shapes._rows[0].name
    assert options.changes == (f"run {name} at {typed}",)
    assert not options.back.disabled
    assert bench.code.startswith("# Incomplete: the form has a mistake")
    assert f"# {name}: run at: " in bench.code
    ast.parse(bench.code)
    options.back.click()
    assert options.changes == ()
    assert bench.code == right
    bench.close()
