"""Shapes that nobody chose are told where they are measured."""

import onnx
import pytest
from onnx.parser import parse_model

from tests.support.tiny_models import branches
from trtlab.cli.main import main
from trtlab.session.one_call import profile

QUICK = {"duration_s": 0.01, "warmup_ms": 0.0, "telemetry": False}


@pytest.fixture(scope="module")
def image():
    """A model whose batch, height and width are open."""
    return parse_model("""<ir_version: 8, opset_import: ["" : 17]>
        image (float[batch, 3, h, w] x) => (float[batch, 3, h, w] y) { y = Relu (x) }""")


def test_a_height_that_nobody_gave_is_told(image):
    (told,) = profile(image, **QUICK).warnings
    assert told.startswith("Input x runs at 1×3×1×1: no shape was given for batch×3×h×w")


def test_nothing_is_told_of_a_shape_that_was_given(image):
    assert profile(image, shapes={"x": (1, 3, 8, 8)}, **QUICK).warnings == ()


def test_a_batch_of_one_goes_without_saying():
    model = branches()
    assert any(d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim[:1])
    assert profile(model, **QUICK).warnings == ()


def test_exec_tells_it_before_it_builds(image, tmp_path, capsys):
    onnx.save(image, tmp_path / "m.onnx")
    words = ["exec", f"--onnx={tmp_path / 'm.onnx'}", "--skipInference"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("Input x runs at 1×3×1×1")
    assert main([*words, "--optShapes=x:1x3x8x8"]) == 0
    assert "Input x runs at" not in capsys.readouterr().out
