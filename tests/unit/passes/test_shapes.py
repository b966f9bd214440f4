"""Shape arithmetic resolves, and shape tensors become options."""

import numpy as np
import pytest
from rewriting import BATCH, LENGTH, Graph, declines, fires, kinds, rewrite

from trtlab.core.enums import SampleMode
from trtlab.core.types import DataType, Dim
from trtlab.layers.creation import Fill, Shape
from trtlab.layers.gather import Gather, NonZero, OneHot
from trtlab.layers.reduction import TopK
from trtlab.layers.resize import Resize
from trtlab.layers.scale import Cast
from trtlab.layers.shuffle import Concatenation, Expand, Shuffle, Unsqueeze
from trtlab.layers.slicing import Padding, Slice
from trtlab.passes.common_subexpressions import CommonSubexpressions
from trtlab.passes.constant_folding import ConstantFolding
from trtlab.passes.dead_code import DeadCode
from trtlab.passes.no_op import NoOp
from trtlab.passes.reshape import reshape_form
from trtlab.passes.shape_simplification import ShapeSimplification
from trtlab.passes.shape_source import ShapeSource


def integers(g: Graph, *values: int):
    return g.constant(values, DataType.INT64, "n")


def size_of(g: Graph, x, axis: int):
    """Shape, Gather, Unsqueeze: one extent as a vector, as exporters write it."""
    index = g.constant(axis, DataType.INT64)
    return g.add(Unsqueeze((0,)), g.add(Gather(axis=0), g.add(Shape(), x), index))


def options(network):
    return network.layers[-1].op


def test_known_shapes_become_constants():
    g = Graph()
    x = g.input("x", 2, 3, 4)
    product = g.binary("prod", g.add(Shape(), x), integers(g, 1, 2, 3))
    y = g.add(Shuffle(), x, g.add(Concatenation(), integers(g, 3), integers(g, 8)))
    network = g.output(y, g.add(Cast(DataType.FLOAT), product))
    made, _ = rewrite([ShapeSimplification(), ConstantFolding(), DeadCode()], network)
    assert kinds(made) == {"SHUFFLE": 1, "CONSTANT": 1}


def test_a_reshape_to_read_sizes_copies_them():
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 12)
    target = g.add(Concatenation(), size_of(g, x, 0), size_of(g, x, 1), integers(g, 3, 4))
    made = fires(ShapeSimplification(), g.output(g.add(Shuffle(), x, target)))
    assert options(made).reshape_dims == (0, 0, 3, 4)
    assert len(made.layers[-1].inputs) == 1


def test_one_size_is_what_is_left():
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 12)
    rows = g.binary("prod", size_of(g, x, 0), size_of(g, x, 1))
    target = g.add(Concatenation(), rows, integers(g, 12))
    made = fires(ShapeSimplification(), g.output(g.add(Shuffle(), x, target)))
    assert options(made).reshape_dims == (-1, 12)


def test_two_sizes_out_of_place_stay_a_shape_tensor():
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 12)
    target = g.add(Concatenation(), integers(g, 12), size_of(g, x, 0), size_of(g, x, 1))
    network = g.output(g.add(Shuffle(), x, target))
    declines(ShapeSimplification(), network, "several dimensions that are not copied")


@pytest.mark.parametrize(
    ("source", "target", "form"),
    [
        ((2, 12), (2, 3, 4), (2, 3, 4)),
        ((BATCH, 12), (BATCH, 3, 4), (0, 3, 4)),
        ((12, BATCH), (3, 4, BATCH), (3, 4, -1)),
        ((BATCH, LENGTH), (LENGTH, BATCH), None),
        ((Dim("a*b"), 4), (Dim("a"), Dim("b"), 4), None),
        ((3, 0), (0, 3), None),
    ],
)
def test_reshape_forms(source, target, form):
    assert reshape_form(source, target) == form


OPTIONS = {
    "expand": (Expand(), (1, 3), [((2, 3),)], {"shape": (2, 3)}),
    "resize": (Resize(), (1, 1, 2, 2), [((1, 1, 4, 6),)], {"shape": (1, 1, 4, 6)}),
    "padding": (
        Padding(),
        (2, 3),
        [((0, 1, 1, 0),)],
        {"pre_padding": (0, 1), "post_padding": (1, 0)},
    ),
    "slice": (
        Slice(),
        (4, 6),
        [((1, 0),), ((2, 6),), ((1, 1),)],
        {"start": (1,), "shape": (2,), "stride": (1,), "axes": (0,)},
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_shape_inputs_become_options(case):
    op, shape, arguments, wanted = OPTIONS[case]
    g = Graph()
    x = g.input("x", *shape)
    inputs = [integers(g, *a[0]) for a in arguments]
    made = fires(ShapeSimplification(), g.output(g.add(op, x, *inputs)))
    got = options(made)
    assert {key: getattr(got, key) for key in wanted} == wanted
    assert len(made.layers[-1].inputs) == 1


def test_counts_of_top_k_one_hot_and_fill_become_options():
    g = Graph()
    x = g.input("x", 2, 5)
    best = g.layer(TopK(axes=(1,)), x, integers(g, 3))
    levels = g.constant([0, 1])
    hot = g.add(OneHot(), best.outputs[1], levels, g.constant(5, DataType.INT64))
    filled = g.add(Fill(value=2.0), integers(g, 2, 3))
    made, _ = rewrite(ShapeSimplification(), g.output(best.outputs[0], hot, filled))
    top, one_hot, fill = (layer.op for layer in made)
    assert (top.k, one_hot.depth, fill.shape) == (3, 5, (2, 3))


def test_a_slice_of_a_named_dimension_keeps_it_whole():
    g = Graph()
    x = g.input("x", BATCH, 8)
    y = g.add(Slice(start=(0, 2), stop=(None, 6), stride=(1, 2)), x)
    made = fires(ShapeSimplification(), g.output(y))
    assert options(made) == Slice((2,), (2,), (2,), (1,))


def test_a_slice_with_a_fill_keeps_its_value():
    g = Graph()
    x = g.input("x", 2, 3)
    op = Slice(mode=SampleMode.FILL)
    y = g.add(op, x, integers(g, 0, 1), integers(g, 2, 4), integers(g, 1, 1), g.constant(7.0))
    made = fires(ShapeSimplification(), g.output(y))
    assert options(made).mode is SampleMode.FILL
    assert made.layers[-1].inputs[4].data == 7


def test_a_size_that_depends_on_data_is_copied_or_left_over():
    g = Graph()
    x = g.input("x", 2, 3)
    found = g.add(NonZero(), x)
    count = size_of(g, found, 1)
    y = g.add(Shuffle(), found, g.add(Concatenation(), count, integers(g, 2)))
    made = fires(ShapeSimplification(), g.output(y))
    assert options(made).reshape_dims == (-1, 2)


def test_sizes_are_read_from_inputs():
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 4)
    scores = g.matmul(x, g.transpose(x, 0, 2, 1))
    table = g.constant(np.arange(100.0).reshape(10, 10))
    size = size_of(g, scores, 2)
    start = integers(g, 0, 0)
    corner = g.add(Slice(stride=(1, 1)), table, start, g.add(Concatenation(), size, size))
    network = g.output(g.softmax(g.binary("sum", scores, corner)))
    made, _ = rewrite([ShapeSource(), CommonSubexpressions(), NoOp(), DeadCode()], network)
    read = [t.name for layer in made if isinstance(layer.op, Shape) for t in layer.inputs]
    assert set(read) == {"x"}
    product = next(layer for layer in made if layer.name == "mm")
    assert [reader.name for reader in product.output.consumers] == ["sum"]


def test_sizes_that_are_expressions_are_read_where_they_are():
    g = Graph()
    x = g.input("x", 1, 2, Dim("width"))
    halved = g.add(Slice(start=(0, 0, 0), stop=(None, None, None), stride=(1, 1, 2)), x)
    declines(ShapeSource(), g.output(g.add(Shape(), g.unary("exp", halved))))
