"""Constant folding, dead code, no-ops, repeated layers."""

import numpy as np
import pytest
from rewriting import BATCH, Graph, declines, fires, kinds, names, rewrite

from trtlab.core.enums import FillOperation, SampleMode, ScaleMode
from trtlab.core.types import DataType
from trtlab.layers.creation import Constant, Fill
from trtlab.layers.reduction import Reduce
from trtlab.layers.scale import Cast, Identity, Scale
from trtlab.layers.shuffle import Concatenation, Expand, Shuffle, Squeeze
from trtlab.layers.slicing import Padding, Slice
from trtlab.passes.cast_merge import CastMerge
from trtlab.passes.common_subexpressions import CommonSubexpressions
from trtlab.passes.constant_folding import ConstantFolding
from trtlab.passes.dead_code import DeadCode
from trtlab.passes.no_op import NoOp


def test_constants_are_computed_and_readers_stand_for_their_origins():
    g = Graph()
    x = g.input("x", 2, 3)
    w = g.transpose(g.weight(4, 3, name="weight"), 1, 0, name="turn")
    doubled = g.binary("prod", w, 2.0, name="double")
    made = fires(ConstantFolding(), g.output(g.matmul(x, doubled)))
    assert kinds(made) == {"MATRIX_MULTIPLY": 1}
    assert [o.node for o in made.layers[0].origins] == ["turn", "double", "mm"]
    assert made.layers[0].rules == ("constant-folding",)


def test_a_constant_network_output_still_comes_from_a_layer():
    g = Graph()
    g.input("x", 1)
    made = fires(ConstantFolding(), g.output(g.binary("sum", g.constant([1, 2]), 1.0)))
    assert kinds(made) == {"CONSTANT": 1}
    np.testing.assert_array_equal(made.outputs[0].data, [2, 3])


def test_constant_layers_become_plain_constants():
    g = Graph()
    x = g.input("x", 2)
    layer = g.layer(Constant(DataType.FLOAT, (2,)), name="const")
    layer.output.data = g.constant([3, 4]).data
    made = fires(ConstantFolding(), g.output(g.binary("sum", x, layer.output)))
    assert kinds(made) == {"ELEMENTWISE": 1}
    assert made.layers[0].inputs[1].name == "const.out"


def test_huge_results_are_computed_while_running():
    g = Graph()
    x = g.input("x", 1, 3000, 3000)
    zeros = g.add(Expand((1, 3000, 3000)), g.constant([[[0.5]]]), name="big")
    network = g.output(
        g.binary("sum", g.add(Reduce(axes=(1,)), zeros), g.add(Reduce(axes=(1,)), x))
    )
    declines(ConstantFolding(), network, "would take 36000000 bytes")
    fires(ConstantFolding(limit_bytes=1 << 26), network)


def test_random_fills_stay():
    g = Graph()
    x = g.input("x", 3)
    noise = g.add(Fill(shape=(3,), op=FillOperation.RANDOM_UNIFORM, seed=3))
    declines(ConstantFolding(), g.output(g.binary("sum", x, noise)))


def test_unread_chains_go_but_inputs_stay():
    g = Graph()
    x = g.input("x", 2)
    g.input("unused", 3)
    g.unary("exp", g.unary("abs", x))
    network = g.output(g.unary("neg", x))
    copy = network
    assert DeadCode().run(copy).changes == 2
    assert names(copy) == ["neg"]
    assert [t.name for t in copy.inputs] == ["x", "unused"]


NO_OPS = {
    "identity": (Identity(), (2, 3, 4)),
    "cast": (Cast(DataType.FLOAT), (2, 3, 4)),
    "shuffle": (Shuffle(reshape_dims=(0, -1, 4)), (2, 3, 4)),
    "squeeze nothing": (Squeeze(()), (2, 3, 4)),
    "slice": (Slice(start=(0, 0, 0), shape=(2, 3, 4), stride=(1, 1, 1)), (2, 3, 4)),
    "slice to the end": (Slice(start=(0, 0, 0), stop=(None, 9, None)), (2, 3, 4)),
    "one part": (Concatenation(axis=1), (2, 3, 4)),
    "expand": (Expand((2, 1, 4)), (2, 3, 4)),
    "pad": (Padding((0, 0, 0), (0, 0, 0)), (2, 3, 4)),
    "sum of one": (Reduce(axes=(1,)), (2, 1, 4)),
}


@pytest.mark.parametrize("case", NO_OPS)
def test_layers_that_do_nothing_go(case):
    op, shape = NO_OPS[case]
    g = Graph()
    before = g.unary("exp", g.input("x", *shape))
    y = g.unary("abs", g.add(op, before, name="nothing"))
    made = fires(NoOp(), g.output(y))
    assert names(made) == ["exp", "abs"]
    assert [o.node for o in made.layers[0].origins] == ["exp", "nothing"]


@pytest.mark.parametrize(
    ("op", "value", "first"),
    [
        ("sum", 0, 0),
        ("sum", 0, 1),
        ("sub", 0, 0),
        ("prod", 1, 0),
        ("prod", 1, 1),
        ("div", 1, 0),
        ("pow", 1, 0),
    ],
)
def test_neutral_elements_go(op, value, first):
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 3))
    sides = [x, g.constant([[value] * 3])]
    y = g.binary(op, *(sides if first == 0 else sides[::-1]))
    assert names(fires(NoOp(), g.output(g.unary("abs", y)))) == ["exp", "abs"]


@pytest.mark.parametrize(("op", "value"), [("sub", 0), ("div", 1)])
def test_neutral_elements_on_the_left_of_a_difference_stay(op, value):
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 3))
    declines(NoOp(), g.output(g.binary(op, g.constant([[value] * 3]), x)))


def test_a_constant_that_enlarges_stays():
    g = Graph()
    x = g.input("x", 3)
    declines(NoOp(), g.output(g.binary("sum", x, g.constant(np.zeros((2, 3))))))


def test_scale_by_nothing_goes():
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 3))
    shift, scale = g.constant([0, 0, 0]), g.constant([1, 1, 1])
    y = g.add(Scale(ScaleMode.CHANNEL, 1), x, shift, scale)
    assert names(fires(NoOp(), g.output(g.unary("abs", y)))) == ["exp", "abs"]


def test_an_output_takes_its_name_along():
    g = Graph()
    x = g.unary("exp", g.input("x", 2))
    y = g.add(Identity(), x, name="out")
    made = fires(NoOp(), g.output(y))
    assert names(made) == ["exp"]
    assert made.outputs[0].name == "out.out"


def test_an_output_is_never_an_input_or_another_output():
    g = Graph()
    x = g.input("x", 2)
    declines(NoOp(), g.output(g.add(Identity(), x)), "must come from a layer of its own")
    g = Graph()
    y = g.unary("exp", g.input("x", 2))
    declines(NoOp(), g.output(y, g.add(Identity(), y)), "must come from a layer of its own")


def test_padding_with_a_mode_of_its_own_goes_only_when_it_pads_nothing():
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 3))
    pad = Padding((0, 1), (0, 0), mode=SampleMode.REFLECT)
    declines(NoOp(), g.output(g.add(pad, x)))


def test_repeated_layers_become_one():
    g = Graph()
    x = g.input("x", 2, 3)
    one = g.binary("sum", g.unary("exp", x, name="e1"), 1.0, name="s1")
    two = g.binary("sum", g.unary("exp", x, name="e2"), 1.0, name="s2")
    made = fires(CommonSubexpressions(), g.output(g.binary("prod", one, two)))
    assert names(made) == ["e1", "s1", "prod"]
    assert [o.node for o in made.layers[1].origins] == ["s1", "s2"]


def test_layers_that_differ_stay_two():
    g = Graph()
    x = g.input("x", 2, 3)
    a = g.binary("sum", g.act("leaky_relu", x, 0.1), 1.0)
    b = g.binary("sum", g.act("leaky_relu", x, 0.2), 2.0)
    declines(CommonSubexpressions(), g.output(g.binary("prod", a, b)))


def test_two_outputs_stay_two_and_precision_requests_are_told_apart():
    g = Graph()
    x = g.input("x", 2, 3)
    declines(CommonSubexpressions(), g.output(g.unary("exp", x), g.unary("exp", x)))
    g = Graph()
    x = g.input("x", 2, 3)
    a, b = g.layer(g_op := Identity(), x), g.layer(g_op, x)
    a.precision = DataType.HALF
    declines(CommonSubexpressions(), g.output(g.binary("sum", a.output, b.output)))


def test_an_output_that_repeats_an_inner_value_keeps_its_name():
    g = Graph()
    x = g.input("x", 2, 3)
    inner = g.unary("exp", x, name="inner")
    out = g.unary("exp", x, name="wanted")
    made = fires(CommonSubexpressions(), g.output(g.unary("abs", inner), out))
    assert [t.name for t in made.outputs] == ["abs.out", "wanted.out"]


@pytest.mark.parametrize(
    ("types", "left"),
    [
        ((DataType.HALF, DataType.FLOAT, DataType.HALF), 1),
        ((DataType.BF16, DataType.FLOAT, DataType.HALF), 1),
        ((DataType.INT64, DataType.FLOAT, DataType.HALF), 1),
        ((DataType.FLOAT, DataType.HALF, DataType.FLOAT), 2),
        ((DataType.FLOAT, DataType.INT32, DataType.FLOAT), 2),
    ],
)
def test_casts_merge_when_nothing_is_rounded_between(types, left):
    g = Graph()
    x = g.input("x", BATCH, 3, dtype=types[0])
    y = g.add(Cast(types[2]), g.add(Cast(types[1]), x, name="a"), name="b")
    network = g.output(y)
    network.mark_output(g.add(Identity(), y))
    result = CastMerge().run(network)
    DeadCode().run(network)
    assert result.changes == 2 - left
    assert kinds(network)["CAST"] == left


def test_cleanup_runs_on_a_whole_chain():
    g = Graph()
    x = g.input("x", 2, 3)
    dropped = g.add(Identity(), g.add(Cast(DataType.FLOAT), x))
    y = g.unary("exp", g.reshape(dropped, 2, 3))
    made, _ = rewrite([NoOp(), DeadCode()], g.output(y))
    assert names(made) == ["exp"]
