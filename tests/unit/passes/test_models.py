"""Whole models: the expected structures appear, and the numbers stay."""

from collections import Counter
from functools import lru_cache

import numpy as np
import pytest
from rewriting import kinds

from trtlab.core.types import DataType
from trtlab.layers.convolution import Convolution
from trtlab.layers.fused import Attention
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.normalization import Normalization
from trtlab.layers.reduction import Reduce
from trtlab.network.clone import clone
from trtlab.network.evaluate import evaluate
from trtlab.network.graph import Network
from trtlab.network.verify import verify
from trtlab.parser.parse import parse
from trtlab.passes.options import PassOptions
from trtlab.passes.pipeline import run
from trtlab.zoo import build, random_inputs

pytestmark = pytest.mark.slow

SHAPES = {
    "bert_base": {"input_ids": (2, 9)},
    "gpt2": {"input_ids": (2, 9)},
    "vit_b16": {"x": (1, 3, 224, 224)},
    "resnet50": {"x": (1, 3, 224, 224)},
    "efficientnet_b0": {"x": (1, 3, 224, 224)},
}


@lru_cache(maxsize=1)
def model(name: str) -> Network:
    """Parsed; the tests of one model stand together, so one is held at a time."""
    return parse(build(name)).network


def optimized(name: str, **options) -> Network:
    copy = clone(model(name))
    run(copy, PassOptions(**options))
    verify(copy)
    return copy


def epilogues(network: Network) -> Counter[str]:
    """How often each function ends a layer."""
    return Counter(
        step.function for layer in network for step in getattr(layer.op, "epilogue", ())
    )


@lru_cache(maxsize=1)
def reference(name: str) -> dict[str, np.ndarray]:
    return evaluate(model(name), random_inputs(name, SHAPES[name]))


def check_numbers(name: str, copy: Network, tolerance: float) -> None:
    wanted, got = reference(name), evaluate(copy, random_inputs(name, SHAPES[name]))
    for key, array in wanted.items():
        scale = float(np.abs(array).max())
        np.testing.assert_allclose(
            got[key], array, rtol=0, atol=tolerance * scale, err_msg=key
        )


def test_resnet50_is_53_convolutions_with_all_in_their_epilogues():
    copy = optimized("resnet50")
    assert kinds(copy) == {"CONVOLUTION": 53, "POOLING": 1, "REDUCE": 1, "MATRIX_MULTIPLY": 1}
    assert epilogues(copy) == {"relu": 49, "add": 16}
    for layer in copy:
        if isinstance(layer.op, Convolution):
            assert layer.inputs[2] is not None  # each has the bias of its normalization
            assert any(o.op_type == "BatchNormalization" for o in layer.origins)
        if isinstance(layer.op, Reduce):
            assert not layer.op.keep_dims
    kept = {o.node for layer in copy for o in layer.origins}
    assert kept == {o.node for layer in model("resnet50") for o in layer.origins}
    check_numbers("resnet50", copy, 1e-4)


@pytest.mark.parametrize(("kind", "tolerance"), [(DataType.HALF, 4e-2), (DataType.BF16, 3e-1)])
def test_resnet50_in_low_precision_has_casts_at_the_borders_only(kind, tolerance):
    copy = optimized("resnet50", precision=kind)
    assert kinds(copy)["CAST"] == 2
    assert {t.dtype for layer in copy for t in layer.outputs[:1]} == {kind, DataType.FLOAT}
    check_numbers("resnet50", copy, tolerance)


def test_efficientnet_has_swish_in_its_epilogues():
    copy = optimized("efficientnet_b0")
    assert kinds(copy) == {
        "CONVOLUTION": 81, "REDUCE": 17, "ELEMENTWISE": 16, "MATRIX_MULTIPLY": 1,
    }  # fmt: skip
    assert epilogues(copy) == {"swish": 49, "sigmoid": 16, "add": 9}
    check_numbers("efficientnet_b0", copy, 1e-4)


def test_bert_is_attention_normalization_and_products():
    copy = optimized("bert_base")
    count = kinds(copy)
    assert (count["ATTENTION"], count["NORMALIZATION"]) == (12, 25)
    assert count["MATRIX_MULTIPLY"] == 49
    assert "SOFTMAX" not in count
    assert "UNARY" not in count
    assert epilogues(copy) == {"gelu_erf": 12, "add": 24, "tanh": 1}
    products = [layer for layer in copy if isinstance(layer.op, MatrixMultiply)]
    assert all(layer.inputs[2] is not None for layer in products)
    wide = [layer for layer in products if " || " in layer.name]
    assert [layer.inputs[1].shape for layer in wide] == [(768, 2304)] * 12
    masks = {layer.inputs[3].name for layer in copy if isinstance(layer.op, Attention)}
    assert len(masks) == 1  # all layers read one mask
    check_numbers("bert_base", copy, 1e-5)


def test_bert_in_half_precision_accumulates_in_float():
    copy = optimized("bert_base", precision=DataType.HALF)
    norms = [layer for layer in copy if isinstance(layer.op, Normalization)]
    assert {layer.op.compute_precision for layer in norms} == {DataType.FLOAT}
    assert {layer.output.dtype for layer in norms if layer.output not in copy.outputs} == {
        DataType.HALF
    }
    assert (
        kinds(copy)["CAST"] == 3
    )  # the mask comes in as integers, two outputs leave as FLOAT


def test_gpt2_attends_causally_and_its_products_keep_their_rows():
    copy = optimized("gpt2")
    count = kinds(copy)
    attention = [layer for layer in copy if isinstance(layer.op, Attention)]
    assert (len(attention), count["NORMALIZATION"]) == (12, 25)
    assert all(layer.op.causal and len(layer.inputs) == 3 for layer in attention)
    assert count["MATRIX_MULTIPLY"] == 49
    assert epilogues(copy) == {"gelu_tanh": 12, "add": 24}
    products = [layer for layer in copy if isinstance(layer.op, MatrixMultiply)]
    assert {layer.output.type.rank for layer in products} == {3}
    head = copy.outputs[0].producer
    assert head.inputs[1].shape == (50257, 768)  # the token table itself, not a copy
    check_numbers("gpt2", copy, 1e-5)


def test_vit_attends_and_reads_views():
    copy = optimized("vit_b16")
    count = kinds(copy)
    assert (count["ATTENTION"], count["NORMALIZATION"]) == (12, 25)
    assert count["MATRIX_MULTIPLY"] == 49
    assert "GATHER" not in count
    assert epilogues(copy) == {"gelu_erf": 12, "add": 24}
    check_numbers("vit_b16", copy, 1e-5)
