"""Convolutions that round an input image themselves."""

import numpy as np
import pytest
from rewriting import BATCH, Graph, compare, names

from trtlab.core.types import DataType, TensorFormat
from trtlab.layers.convolution import Convolution
from trtlab.layers.scale import Cast
from trtlab.network.clone import clone
from trtlab.network.verify import verify
from trtlab.passes.input_cast import InputCast
from trtlab.passes.options import PassOptions
from trtlab.passes.pipeline import run

FLOAT, HALF = DataType.FLOAT, DataType.HALF


def network(channels=3, groups=1, *, twice=False, dilation=(), inner=False):
    g = Graph()
    x = g.input("x", BATCH, channels, 9, 9)
    read = g.act("relu", x, name="before") if inner else x
    low = g.add(Cast(HALF), read, name="x to fp16")
    kernel = g.weight(8, channels // groups, 3, 3, dtype=HALF)
    op = Convolution(num_groups=groups, stride_nd=(2, 2), dilation_nd=dilation)
    y = g.add(op, low, kernel, None, name="conv")
    others = [g.act("relu", low, name="other")] if twice else []
    return g.output(y, *others)


def rounded(net, device="cuda"):
    copy = clone(net)
    result = InputCast(device).run(copy)
    verify(copy)
    return copy, result


def test_the_convolution_reads_the_image_as_it_comes():
    net = network()
    copy, result = rounded(net)
    assert result.changes == 1
    (conv,) = copy.layers
    assert conv.op.rounds_data
    assert [t.dtype for t in conv.inputs if t is not None] == [FLOAT, HALF]
    assert conv.output.dtype is HALF
    compare(net, copy, tolerance=0.0)


def test_the_cast_is_seen_in_the_convolutions_origins():
    copy, _ = rounded(network())
    (conv,) = copy.layers
    assert [o.node for o in conv.origins] == ["x to fp16", "conv"]
    assert conv.rules == ("input-cast",)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"channels": 8}, "no image of a few channels"),
        ({"channels": 4, "groups": 2}, "only one group"),
        ({"dilation": (2, 2)}, "only one group"),
        ({"twice": True}, "other readers"),
    ],
)
def test_near_misses_say_why(options, reason):
    copy, result = rounded(network(**options))
    assert result.changes == 0
    assert "x to fp16" in names(copy)
    assert reason in result.rejections[0].reason


def test_a_cast_inside_the_network_stays():
    _, result = rounded(network(inner=True))
    assert (result.changes, result.rejections) == (0, ())


def test_other_devices_keep_the_cast():
    copy, result = rounded(network(), "cpu")
    assert result.changes == 0
    assert names(copy) == ["x to fp16", "conv"]


@pytest.mark.parametrize(("device", "casts"), [("cpu", 1), ("cuda", 0)])
def test_the_pipeline_rounds_after_it_chose_types(device, casts):
    g = Graph()
    x = g.input("x", BATCH, 3, 9, 9)
    net = g.output(g.act("relu", g.conv(x, 8, 3, bias=True, name="conv"), name="relu"))
    copy = clone(net)
    run(copy, PassOptions(precision=HALF, device=device))
    verify(copy)
    before = [la for la in copy if isinstance(la.op, Cast) and la.inputs[0] in copy.inputs]
    assert len(before) == casts
    compare(net, copy, tolerance=3e-3)


def test_an_image_that_is_rounded_keeps_its_range():
    """Values beyond the smaller type become infinite, as in a cast; those inside are rounded."""
    op = Convolution(rounds_data=True)
    x = np.array([1e6, 1 + 2**-12], np.float32).reshape(2, 1, 1, 1)
    (y,) = op.evaluate([x, np.ones((1, 1, 1, 1), np.float16), None])
    assert y.ravel().tolist() == [np.inf, 1.0]


def test_formats_leave_the_image_as_it_comes():
    from trtlab.network.types_at import infer_at
    from trtlab.tactics.formats import problem_of, reads_linear, wanted_format

    copy, _ = rounded(network())
    (conv,) = copy.layers
    inferred = infer_at(copy, {"x": (2, 3, 9, 9)})
    problem = problem_of(conv, inferred, TensorFormat.HWC)
    assert problem.inputs[0].format is TensorFormat.LINEAR
    assert problem.outputs[0].format is TensorFormat.HWC
    assert reads_linear(conv.op, 0)
    assert not reads_linear(conv.op, 3)
    assert wanted_format(conv, conv.inputs[0], TensorFormat.HWC) is TensorFormat.LINEAR
    assert wanted_format(conv, conv.output, TensorFormat.HWC) is TensorFormat.HWC
