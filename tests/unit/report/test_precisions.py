"""Which precision is told: that of the build, and of the layers that differ from it."""

from dataclasses import replace

import pytest
from small_report import REPORT

from trtlab.report.conditions import conditions
from trtlab.report.precisions import precision_text


def _layer(precision, tactic="cpu.convolution.direct", type_="CONVOLUTION", name="conv"):
    return replace(
        REPORT.layers[0], name=name, precision=precision, tactic=tactic, type=type_, origins=()
    )


PLAIN, NATIVE = _layer("fp32"), _layer("fp16")
EMULATED = _layer("fp16", "cpu.convolution.direct~fp16")


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([PLAIN, PLAIN], "fp32"),
        ([PLAIN, EMULATED], "fp32, 1 layer fp16 (emulated)"),
        ([PLAIN, NATIVE, NATIVE], "fp32, 2 layers fp16"),
        ([EMULATED, NATIVE], "fp32, 2 layers fp16 (1 emulated)"),
        ([EMULATED, _layer("bf16", "x~bf16")],
         "fp32, 1 layer fp16 (emulated), 1 layer bf16 (emulated)"),
        ([_layer("fp16", type_="CAST"), _layer("fp16", type_="REFORMAT")], "fp32"),
        ([_layer("fp16", "none (shares memory)"), _layer("int64")], "fp32"),
    ],
)  # fmt: skip
def test_layers_below_fp32_are_told(layers, said):
    config = replace(REPORT.config, precision="fp32", emulated=False)
    assert precision_text(config, layers) == said


def test_of_a_lower_build_only_the_layers_that_were_asked_for_are_told():
    config = replace(
        REPORT.config, precision="fp16", emulated=True, layer_precisions={"fc": "fp32"}
    )
    layers = [EMULATED, PLAIN, _layer("fp32", name="fc")]
    assert precision_text(config, layers) == "fp16 (emulated), 1 layer fp32"


def test_conditions_tell_layers_that_differ():
    config = replace(REPORT.config, precision="fp32", emulated=False)
    found = conditions(replace(REPORT, config=config, layers=(PLAIN, EMULATED)))
    assert found[1] == "fp32, 1 layer fp16 (emulated)"
