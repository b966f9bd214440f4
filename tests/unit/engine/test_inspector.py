"""What a notebook shows of an engine: precisions as its layers run, sizes as everywhere else."""

import re

import pytest

from tests.support.tiny_models import branches
from trtlab.report.quantity import nbytes
from trtlab.session.one_call import build

FIRST = "/stem/Conv <a>"


def _build(**options):
    model = branches()
    model.graph.node[0].name = FIRST
    if "profiles" not in options:
        options["shapes"] = {"x": (2, 3, 16, 16)}
    return build(model, optimization_level=1, **options)


@pytest.fixture(scope="module")
def mixed():
    """Of FP32, but for the first convolution and the classifier."""
    return _build(layer_precisions={FIRST: "fp16", "Gemm_13": "bf16"})


def _rows(page):
    """Layer, type, precision, tactic and time of the listed layers."""
    rows = re.findall(r"<tr[^>]*>(<td>.*?)</tr>", page)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]


def test_the_precisions_that_layers_run_in_are_told(mixed):
    page = mixed._repr_html_()
    said = " · fp32, 1 layer fp16 (emulated), 1 layer bf16 (emulated) · "
    assert said in page
    rows = {name: precision for name, _, precision, _, _ in _rows(page)}
    assert rows["stem/Conv &lt;a&gt;"] == "fp16 (emulated)"
    assert rows["Conv_2 + Relu_3"] == "fp32"


def test_an_engine_of_one_precision_names_it_alone():
    page = _build()._repr_html_()
    assert "</b> · fp32 · " in page
    assert {precision for _, _, precision, _, _ in _rows(page)} == {"fp32"}
    assert "</b> · fp16 (emulated) · " in _build(precision="fp16")._repr_html_()


def test_sizes_have_the_units_of_reports(mixed):
    page, engine = mixed._repr_html_(), mixed.engine
    weights, arena = nbytes(engine.weights_bytes), nbytes(engine.arena_bytes)
    assert f"weights {weights} · activations {arena}<br>" in page
    assert weights.endswith(" KiB")


def test_names_are_short_safe_and_whole_when_pointed_at(mixed):
    page = mixed._repr_html_()
    assert "<a>" not in page
    assert "title='/stem/Conv &lt;a&gt;'" in page


def test_a_profile_without_fixed_shapes_is_described_at_its_opt():
    shapes = ((1, 3, 16, 16), (2, 3, 16, 16), (4, 3, 16, 16))
    page = _build(profiles={"x": shapes})._repr_html_()
    assert "inputs x 1x3x16x16 … 4x3x16x16" in page
