"""Element types: what is computed in which, and where casts go."""

import numpy as np
import pytest
from rewriting import BATCH, Graph, compare, kinds, names, random_inputs

from trtlab.core.errors import UnsupportedError, UsageError
from trtlab.core.types import DataType
from trtlab.layers.gather import Gather
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.scale import Cast
from trtlab.network.clone import clone
from trtlab.network.evaluate import evaluate
from trtlab.network.verify import verify
from trtlab.passes.no_op import NoOp
from trtlab.passes.options import PassOptions
from trtlab.passes.precision import Precision, converted, settle_requests

FLOAT, HALF, BF16 = DataType.FLOAT, DataType.HALF, DataType.BF16


def retyped(network, kind=HALF, *, constraints="none", enabled=(), tolerance=3e-3):
    options = PassOptions(
        precision=kind, constraints=constraints, enabled_types=frozenset({FLOAT, *enabled})
    )
    copy = clone(network)
    settle_requests(copy, options)
    result = Precision(options).run(copy)
    verify(copy)
    assert [(t.name, t.type) for t in copy.inputs] == [
        (t.name, t.type) for t in network.inputs
    ]
    assert [(t.name, t.type) for t in copy.outputs] == [
        (t.name, t.type) for t in network.outputs
    ]
    drawn = random_inputs(network)
    inputs = {
        t.name: drawn[t.name].astype(t.dtype.numpy) if t.dtype.is_float else drawn[t.name]
        for t in network.inputs
    }
    compare(network, copy, inputs=inputs, tolerance=tolerance)
    return copy, result


def two_layers(g: Graph):
    x = g.input("x", BATCH, 3, 4, 4)
    return g.act("relu", g.conv(x, 5, bias=True, name="one"), name="two")


@pytest.mark.parametrize(("kind", "tolerance"), [(HALF, 3e-3), (BF16, 3e-2)])
def test_layers_compute_low_and_the_borders_keep_their_types(kind, tolerance):
    g = Graph()
    copy, result = retyped(g.output(two_layers(g)), kind, tolerance=tolerance)
    assert result.changes == 2
    assert names(copy) == [f"x to {kind.value}", "one", "two", "two.out to fp32"]
    assert [layer.op.kind for layer in copy] == ["CAST", "CONVOLUTION", "ACTIVATION", "CAST"]
    conv = copy.layers[1]
    assert {t.dtype for t in (*conv.inputs, *conv.outputs)} == {kind}


def test_a_tensor_is_cast_once_however_often_it_is_read():
    g = Graph()
    x = g.input("x", 2, 3)
    y = g.binary("sum", g.matmul(x, 4, name="a"), g.matmul(x, 4, name="b"))
    copy, _ = retyped(g.output(y))
    assert kinds(copy)["CAST"] == 2  # the input and the output


def test_constants_are_converted_and_finite_ones_stay_finite():
    data = np.array([1e-3, 7e4, -1e9, np.inf, -np.inf], np.float32)
    half = converted(data, HALF)
    np.testing.assert_array_equal(half[1:], [65504, -65504, np.inf, -np.inf])
    assert np.isfinite(converted(data, BF16)[:3]).all()


def test_numbers_inside_programs_stay_finite():
    g = Graph()
    m = g.input("m", 2, 3)
    huge = float(np.finfo(np.float32).max)
    program = (Step("sigmoid", (0,)), Step("affine", (1,), (huge, -huge)))
    network = g.output(g.add(Pointwise(program), m))
    copy = clone(network)
    Precision(PassOptions(precision=HALF)).run(copy)
    assert copy.layers[1].op.program[1].params == (65504.0, -65504.0)
    assert np.isfinite(
        evaluate(copy, {"m": np.zeros((2, 3), np.float32)})["pointwise.out"]
    ).all()


def test_integers_and_shapes_are_no_business_of_precision():
    g = Graph()
    ids = g.input("ids", 4, dtype=DataType.INT32)
    rows = g.add(Gather(axis=0), g.weight(9, 6, name="table"), ids)
    copy, _ = retyped(g.output(g.binary("sum", ids, g.constant(1, DataType.INT32)), rows))
    assert kinds(copy) == {"ELEMENTWISE": 1, "GATHER": 1, "CAST": 1}
    gather = next(layer for layer in copy if isinstance(layer.op, Gather))
    assert gather.inputs[0].dtype is HALF  # the table is stored small


def test_nothing_happens_in_float_or_in_a_strongly_typed_network():
    g = Graph()
    network = g.output(two_layers(g))
    assert Precision(PassOptions()).run(network).changes == 0
    network.strongly_typed = True
    assert Precision(PassOptions(precision=HALF)).run(network).changes == 0
    assert kinds(network) == {"CONVOLUTION": 1, "ACTIVATION": 1}


def test_a_model_that_says_half_stays_half():
    g = Graph()
    x = g.input("x", 2, 3, dtype=HALF)
    low = g.unary("exp", x, name="low")
    y = g.unary("abs", g.add(Cast(FLOAT), low), name="high")
    copy, _ = retyped(g.output(y), BF16, tolerance=2e-2)
    assert {layer.name: layer.outputs[0].dtype for layer in copy}["low"] is HALF
    assert {layer.name: layer.outputs[0].dtype for layer in copy}["high"] is BF16


@pytest.mark.parametrize(
    ("constraints", "kind"), [("none", HALF), ("prefer", FLOAT), ("obey", FLOAT)]
)
def test_a_layer_keeps_the_type_it_asks_for(constraints, kind):
    g = Graph()
    network = g.output(g.unary("abs", two_layers(g), name="three"))
    network.find_layer("two").precision = FLOAT
    copy, _ = retyped(network, constraints=constraints)
    assert copy.find_layer("two").output.dtype is kind
    assert copy.find_layer("three").output.dtype is HALF
    assert kinds(copy)["CAST"] == (2 if kind is HALF else 4)


def test_a_layer_may_ask_for_less():
    g = Graph()
    network = g.output(g.unary("abs", two_layers(g), name="three"))
    network.find_layer("two").precision = HALF
    copy, result = retyped(network, FLOAT, constraints="prefer", enabled=(HALF,))
    assert copy.find_layer("two").output.dtype is HALF
    assert copy.find_layer("one").output.dtype is FLOAT
    assert result.rejections == ()


def test_a_type_that_is_not_enabled_is_declined_or_refused():
    g = Graph()
    network = g.output(two_layers(g))
    network.find_layer("two").precision = BF16
    _, result = retyped(network, constraints="prefer")
    assert (result.rejections[0].subject, result.rejections[0].reason) == (
        "two",
        "bf16 is not enabled",
    )
    with pytest.raises(UnsupportedError, match="layer two cannot have the type asked for"):
        retyped(network, constraints="obey")


def test_a_layer_without_a_type_of_its_own_cannot_ask():
    g = Graph()
    layer = g.layer(Cast(FLOAT), g.input("i", 3, dtype=DataType.INT32), name="cast")
    layer.precision = BF16
    network = g.output(g.unary("exp", layer.output))
    with pytest.raises(UnsupportedError, match="computes nothing in a type of its own"):
        retyped(network, constraints="obey", enabled=(BF16,))


def test_output_types_are_stored_as_asked():
    g = Graph()
    x = g.input("x", 2, 3)
    one = g.layer(Pointwise((Step("exp", (0,)),)), x, name="one")
    one.output_types = (HALF,)
    network = g.output(g.unary("abs", one.output, name="two"))
    copy, _ = retyped(network, FLOAT, constraints="prefer", enabled=(HALF,))
    assert [layer.op.kind for layer in copy] == ["POINTWISE", "CAST", "CAST", "UNARY"]


def test_a_result_asked_for_in_float_is_computed_in_float():
    g = Graph()
    first = g.matmul(g.input("x", 4, 16), 16, name="one")
    first.producer.output_types = (FLOAT,)
    network = g.output(g.matmul(first, 16, name="two"))
    copy, _ = retyped(network, constraints="obey", enabled=(HALF,))
    assert names(copy) == ["one", "one.out to fp16", "two", "two.out to fp32"]
    one, cast = copy.layers[:2]
    assert {t.dtype for t in (*one.inputs, *one.outputs) if t} == {FLOAT}
    assert cast.output.dtype is HALF


def test_constants_that_are_replaced_lend_nobody_their_casts():
    """Each is freed when its layer is retyped; what takes its place in memory is another."""
    g = Graph()
    x = g.input("x", 4, 16)
    for number in range(40):
        x = g.matmul(x, 16, name=f"mm{number}")
        if number % 2:
            x.producer.output_types = (BF16,)
    retyped(g.output(x), constraints="obey", enabled=(HALF, BF16), tolerance=0.5)


def test_requests_without_meaning_are_dropped():
    g = Graph()
    network = g.output(two_layers(g))
    network.layers[0].precision, network.layers[0].output_types = HALF, (HALF,)
    settle_requests(network, PassOptions())
    assert network.layers[0].precision is None
    assert network.layers[0].output_types == ()
    network.layers[0].precision = HALF
    settle_requests(network, PassOptions(precision=HALF, constraints="prefer"))
    assert network.layers[0].precision is None


def test_options_are_checked():
    with pytest.raises(UsageError, match="optimization level 6"):
        PassOptions(optimization_level=6)
    with pytest.raises(UsageError, match="compute in int8"):
        PassOptions(precision=DataType.INT8)
    assert PassOptions(precision=HALF).enabled_types == {FLOAT, HALF}


def test_casts_that_meet_cancel_out():
    g = Graph()
    network = g.output(g.unary("abs", g.unary("exp", g.input("x", 2, 3), name="e"), name="a"))
    copy, _ = retyped(network)
    NoOp().run(copy)
    assert kinds(copy)["CAST"] == 2
