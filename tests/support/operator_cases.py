"""Cases for converters of ONNX operators: what they must compute, and what they must refuse.

The files `test_ops_*` hold them, a file for each module of converters.
"""

import numpy as np
import pytest
from onnx_models import check, model

from trtlab.core.errors import UnsupportedError
from trtlab.parser.parse import parse


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def i64(*values):
    return np.array(values, dtype=np.int64)


def f32(*values):
    return np.array(values, dtype=np.float32)


X = normal(2, 4, 6, 6)
ROW = normal(3, 5)
POSITIVE = np.abs(normal(3, 4)) + 0.5
IMAGE = {"x": X}
DYNAMIC = {"x": ["n", "c", "h", "w"]}

# Inputs of models that are refused.
IMAGE_SHAPE, VECTOR_SHAPE = {"x": [1, 4, 6, 6]}, {"x": [3]}


def case(name, nodes, feed, constants=None, *, opset=21, outputs=("y",), shapes=None):
    """One parametrized case; shapes names dimensions that stay unknown while parsing."""
    feed = {n: np.asarray(a) for n, a in feed.items()}
    declared = {
        n: ((shapes or {}).get(n, list(a.shape)), a.dtype.type) for n, a in feed.items()
    }
    made = model(nodes, declared, outputs, constants, opset=opset)
    return pytest.param(made, feed, id=f"{name}-{opset}")


def check_case(made, feed):
    """The network computes what ONNX Runtime computes."""
    check(made, feed, tolerance=1e-5)


def refusal(name, nodes, shapes, text, constants=None, *, opset=21, error=UnsupportedError):
    """One parametrized refusal; text is a pattern of what its error says."""
    made = model(nodes, shapes, ("y",), constants, opset=opset)
    return pytest.param(made, text, error, id=f"{name}-{opset}")


def check_refusal(made, text, error):
    """Parsing raises the error, which names the model's first node."""
    with pytest.raises(error, match=text) as caught:
        parse(made)
    assert caught.value.problems[0].node == 0
    assert caught.value.problems[0].op_type == made.graph.node[0].op_type
