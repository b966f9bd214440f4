"""How numbers, limits and reasons are written."""

import json
from typing import Any

import pytest

from trtlab.report.percent import MINUS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("digits(1234.5)", "1,235"),
        ("digits(0.01234)", "0.0123"),
        ("digits(null)", "–"),
        ("timeUs(1500)", "1.50 ms"),
        ("timeNs(NaN)", "–"),
        ("bytes(3 * 2 ** 20)", "3.00 MiB"),
        ("count(25557032, 'FLOP')", "25.6 MFLOP"),
        ("percent(0.0004)", "<0.1 %"),
        ("percent(null)", "–"),
        ("percent(-0.256)", f"{MINUS}26 %"),
        ("digits(-5.5)", f"{MINUS}5.50"),
        ("reading(-3, '°C')", f"{MINUS}3 °C"),
        ("tickLabel(-500000, 9000000, 500000)", f"{MINUS}0.5 ms"),
        ("increase(0.264)", "+26 %"),
        ("increase(0)", "0.0 %"),
        ("increase(1)", "+100 %"),
        ("increase(1.5)", "2.5 times"),
        ("increase(8.99)", "10 times"),
        ("increase(45)", "46 times"),
        ("increase(1233.6)", "1,235 times"),
        ("flopRate(0.87)", "0.870 GFLOP/s"),
        ("flopRate(999)", "999 GFLOP/s"),
        ("flopRate(314515)", "315 TFLOP/s"),
        ("byteRate(12.4)", "12.4 GB/s"),
        ("byteRate(4296.6)", "4.30 TB/s"),
        ("flopUnit(999)[1]", "GFLOP/s"),
        ("flopUnit(1000)[1]", "TFLOP/s"),
        ("flopUnit(0)[1]", "GFLOP/s"),
        ("shape([])", "scalar"),
        ("shape([1, 'batch'])", "1×batch"),
        ("shortTactic('cpu.convolution.winograd/4,m2,avx512')", "winograd/4,m2,avx512"),
        ("shortTactic('cuda.product.wgmma/128x256')", "wgmma/128x256"),
        ("shortTactic('cuda.cudnn.convolution/plan3')", "cudnn.convolution/plan3"),
        ("shortTactic('cpu.numpy/cast')", "numpy/cast"),
        ("shortTactic('ort.MatMul')", "ort.MatMul"),
        ("reading(2048, 'bytes')", "2.00 KiB"),
        ("reading(1980, 'MHz')", "1,980 MHz"),
        ("reading(20364940, 'bytes/s')", "19.4 MiB/s"),
        ("reading(0.005, '%')", "<0.1 %"),
        ("reading(0, '%')", "0 %"),
        ("reading(16, '')", "16"),
        ("reading(48.25, '°C')", "48.3 °C"),
    ],
)
def test_numbers_are_written_for_people(modules: Any, call: str, wanted: str) -> None:
    assert modules.evaluate(f"m.format.{call}") == wanted


@pytest.mark.parametrize(
    ("attained", "share", "more"),
    [
        ("null", "–", ""),
        ("0.31", "31 %", ""),
        ("1.004", "100 %", ""),
        ("1.14", ">100 %", "114 % of what the measured peaks allow."),
    ],
)
def test_more_than_the_limit_is_told_as_more(
    modules: Any, attained: str, share: str, more: str
) -> None:
    assert modules.evaluate(f"m.limit.ofLimit({attained})") == share
    told = modules.evaluate(f"m.limit.overLimit({attained})")
    assert told.startswith(more)
    assert bool(told) == bool(more)


def test_the_peaks_told_are_those_that_the_layers_are_held_against(modules: Any) -> None:
    peaks = "{ flops: { fp32: 5.1e13, fp16: 7.7e14, bf16: 8e14 }, bytes: 4.3e12 }"
    layers = "[{ flops: 9, precision: 'fp16' }, { flops: 0, precision: 'fp32' }]"
    found = modules.evaluate(f"m.limit.peaksText({{ peaks: {peaks}, layers: {layers} }})")
    assert found == "fp16 770 TFLOP/s, memory 4.30 TB/s"
    none = "{ peaks: { flops: {}, bytes: null }, layers: [] }"
    assert modules.evaluate(f"m.limit.peaksText({none})") == ""


@pytest.mark.parametrize(
    ("tactic", "kind", "words"),
    [
        ("cpu.move.strided", "CONCATENATION", ""),
        ("none (shares memory)", "CONCATENATION", "write straight into its output's memory"),
        ("none (shares memory)", "SHUFFLE", "its input and its output are the same memory"),
        ("none (known from shapes)", "SHAPE", "follows from the tensors' shapes"),
        ("none (something new)", "SHAPE", "Not needed: something new."),
        ("none", "SHAPE", "Not needed."),
        ("nonesuch.product", "MATRIX_MULTIPLY", ""),
    ],
)
def test_why_a_layer_runs_nothing(modules: Any, tactic: str, kind: str, words: str) -> None:
    layer = json.dumps({"tactic": tactic, "type": kind})
    told = modules.evaluate(f"m.contest.notNeeded({layer})")
    assert words in told
    assert bool(told) == bool(words)


@pytest.mark.parametrize(
    ("values", "unit", "wanted"),
    [
        ([248512512, 249561088], "bytes", "237 – 238 MiB"),
        ([1024, 3 * 2**20], "bytes", "1.00 KiB – 3.00 MiB"),
        ([39, 58], "°C", "39 – 58 °C"),
        ([5, 5], "", "5"),
    ],
)
def test_a_span_says_its_unit_once(
    modules: Any, values: list[float], unit: str, wanted: str
) -> None:
    span = f"m.gutter.spanText({{ values: {values}, unit: '{unit}' }})"
    assert modules.evaluate(span) == wanted


def test_a_sensors_remark_is_left_out_where_room_is_short(modules: Any) -> None:
    short = modules.evaluate("m.format.shortLabel('Load of this process (100 % = one core)')")
    assert short == "Load of this process"
    assert (
        modules.evaluate("m.format.shortLabel('Power, 1 s average')") == "Power, 1 s average"
    )


def test_ticks_are_round_and_inside(modules: Any) -> None:
    found = modules.evaluate("m.format.ticks(13, 97, 5)")
    assert found == {"step": 20, "values": [20, 40, 60, 80]}
    assert modules.evaluate("m.format.ticks(5, 5, 5).values") == []


def test_tick_labels_of_an_axis_share_a_unit(modules: Any) -> None:
    assert modules.evaluate("m.format.tickLabel(1500000, 9000000, 500000)") == "1.5 ms"
    assert modules.evaluate("m.format.tickLabel(0, 9000000, 500000)") == "0.0 ms"
