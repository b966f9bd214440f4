"""Whole models: the parsed network computes what ONNX Runtime computes."""

import numpy as np
import pytest
from onnx_models import reference, relative_error

from trtlab import zoo
from trtlab.core.types import Dim
from trtlab.network.evaluate import evaluate
from trtlab.network.verify import verify
from trtlab.parser.parse import parse

# Largest difference, in units of the largest output, that float32 sums in another order make.
TOLERANCE = 5e-5
# Rounding errors of two float32 computations of one result differ by such a factor.
NOISE = 3
IMAGE = (1, 3, 224, 224)
SMALL = {
    "efficientnet_b0": {"x": IMAGE},
    "light_shufflenet": {},
    "light_squeezenet": {},
    "lstm": {"x": (1, 20, 80)},
    "mobilenet_v2": {"x": IMAGE},
}
LARGE = {
    "bert_base": {"input_ids": (1, 32)},
    "gpt2": {"input_ids": (1, 24)},
    "light_bvlc_alexnet": {},
    "light_densenet121": {},
    "light_inception_v1": {},
    "light_inception_v2": {},
    "light_resnet50": {},
    "resnet50": {"x": IMAGE},
    "unet": {},
    "vit_b16": {},
}

# Plain chains of what the others have, with half a gigabyte of weights: tests/models builds them.
BUILT = {"light_vgg19", "light_zfnet512"}


def build(name):
    return zoo.light(name) if name.startswith("light_") else zoo.build(name)


def compare(name, shapes):
    made = build(name)
    network = parse(made).network
    verify(network)
    feed = zoo.random_inputs(
        made if name.startswith("light_") else name, _inputs(made, shapes)
    )
    ours, theirs = evaluate(network, feed), reference(made, feed)
    assert ours.keys() == theirs.keys()
    doubles = None
    for output, expected in theirs.items():
        assert ours[output].shape == expected.shape
        error = relative_error(ours[output], expected)
        if error >= TOLERANCE:  # both are off from the exact result: be about as good as they
            if doubles is None:
                exact = {
                    n: x.astype(np.float64) if x.dtype.kind == "f" else x
                    for n, x in feed.items()
                }
                doubles = evaluate(network, exact)
            allowed = NOISE * relative_error(expected, doubles[output])
            error = relative_error(ours[output], doubles[output])
            assert error <= allowed, (
                f"{output}: {error:.1e}, ONNX Runtime {allowed / NOISE:.1e}"
            )


def _inputs(made, shapes):
    """Shapes, where the first input may go by any name."""
    first = made.graph.input[0].name
    return {first if name == "x" else name: shape for name, shape in shapes.items()}


@pytest.mark.parametrize("name", SMALL)
def test_a_model_computes_what_onnx_runtime_computes(name):
    compare(name, SMALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_large_model_computes_what_onnx_runtime_computes(name):
    compare(name, LARGE[name])


def test_every_model_of_the_zoo_is_compared():
    assert {*SMALL, *LARGE, *BUILT} == {*zoo.names(), *zoo.light_names()}


def test_the_parameters_are_those_of_the_architecture():
    parsed = parse(zoo.build("mobilenet_v2"))
    assert parsed.model_record.parameters == zoo.info("mobilenet_v2").parameters
    assert parsed.network.outputs[0].shape[0] == Dim("batch")
