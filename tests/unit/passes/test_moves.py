"""Transposes, reshapes, slices, concatenations, gathers and reductions."""

import numpy as np
import pytest
from rewriting import BATCH, LENGTH, Graph, declines, fires, kinds, names, rewrite

from trtlab.core.enums import MatrixOperation, PoolingType, ReduceOperation
from trtlab.core.types import DataType
from trtlab.layers.gather import Gather
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.pooling import Pooling
from trtlab.layers.reduction import Reduce
from trtlab.layers.shuffle import Concatenation, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Slice
from trtlab.passes.concat_flatten import ConcatFlatten
from trtlab.passes.dead_code import DeadCode
from trtlab.passes.gather_to_slice import GatherToSlice
from trtlab.passes.gemm_weights import GemmWeights
from trtlab.passes.global_pooling import GlobalPooling
from trtlab.passes.no_op import NoOp
from trtlab.passes.reduce_shuffle import ReduceShuffle
from trtlab.passes.shuffle_merge import ShuffleMerge
from trtlab.passes.slice_of_concat import SliceOfConcat
from trtlab.passes.transpose_into_matmul import TransposeIntoMatmul
from trtlab.passes.unflatten_gemm import UnflattenGemm

MERGES = {
    "two transposes": [(1, 2, 0), (2, 1, 0)],
    "a transpose and its inverse": [(1, 2, 0), (2, 0, 1)],
    "reshapes": ["4x3x5", "12x5"],
    "split and move heads": ["3x4x1x5", (0, 2, 1, 3)],
    "move and join heads": [(0, 2, 1), "3x20"],
    "move, reshape, move": [(2, 0, 1), "15x4", (1, 0)],
    "only ones move": ["3x4x5x1", (3, 0, 1, 2), "60"],
    "squeeze": ["3x1x4x5", Squeeze((1,)), Unsqueeze((0,))],
}


def moved(g: Graph, x, step):
    if isinstance(step, str):
        return g.reshape(x, *map(int, step.split("x")))
    if isinstance(step, tuple):
        return g.transpose(x, *step)
    return g.add(step, x)


@pytest.mark.parametrize("case", MERGES)
def test_moves_become_one(case):
    g = Graph()
    y = g.unary("exp", g.input("x", 3, 4, 5))
    for step in MERGES[case]:
        y = moved(g, y, step)
    network = g.output(y)
    made = fires(ShuffleMerge(), network)
    assert len(made) == 2
    assert made.layers[1].name == " + ".join(names(network)[1:])


def test_an_inverse_pair_vanishes():
    g = Graph()
    y = g.transpose(g.transpose(g.unary("exp", g.input("x", 2, 3, 4)), 1, 2, 0), 2, 0, 1)
    made, _ = rewrite([ShuffleMerge(), NoOp()], g.output(y))
    assert names(made) == ["exp"]


def test_named_dimensions_are_copied_through():
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 12)
    y = g.transpose(g.reshape(x, 0, 0, 3, 4), 0, 2, 1, 3)
    made = fires(ShuffleMerge(), g.output(y))
    assert made.layers[0].op == Shuffle((), (0, 0, 3, 4), second_transpose=(0, 2, 1, 3))


def test_elements_that_move_twice_stay_two():
    g = Graph()
    y = g.reshape(g.transpose(g.reshape(g.input("x", 2, 12), 2, 3, 4), 0, 2, 1), 2, 12)
    made, (result,) = rewrite(ShuffleMerge(), g.output(y))
    assert len(made) == 2  # reshape and transpose meet, the reshape behind does not
    assert "move before and after" in result.rejections[0].reason


def test_a_free_view_of_a_shared_transpose_stays_free():
    g = Graph()
    turned = g.transpose(g.input("x", 2, 3, 4), 0, 2, 1)
    network = g.output(g.reshape(turned, 2, 12), g.unary("exp", turned))
    declines(ShuffleMerge(), network, "the transposed value has other readers")


def test_a_shared_reshape_is_passed_by():
    g = Graph()
    flat = g.reshape(g.input("x", 2, 3, 4), 2, 12)
    network = g.output(g.reshape(flat, 4, 6, name="again"), g.unary("exp", flat))
    made = fires(ShuffleMerge(), network)
    again = made.find_layer("again")
    assert again.inputs[0].name == "x"
    assert [o.node for o in again.origins] == ["reshape", "again"]


@pytest.mark.parametrize("operand", [0, 1])
@pytest.mark.parametrize("how", [MatrixOperation.NONE, MatrixOperation.TRANSPOSE])
def test_products_read_operands_transposed(operand, how):
    g = Graph()
    shapes = [(2, 5, 3), (2, 3, 4)]
    ops = [MatrixOperation.NONE, MatrixOperation.NONE]
    ops[operand] = how
    x, y = (
        g.input(f"x{i}", *(s if ops[i] is MatrixOperation.NONE else (s[0], s[2], s[1])))
        for i, s in enumerate(shapes)
    )
    sides = [x, y]
    a, b = sides[operand].shape[1:]
    g2 = Graph()
    sides = [
        g2.input(f"x{i}", *((t.shape[0], b, a) if i == operand else t.shape))
        for i, t in enumerate((x, y))
    ]
    sides[operand] = g2.transpose(sides[operand], 0, 2, 1)
    made = fires(
        TransposeIntoMatmul(), g2.output(g2.add(MatrixMultiply(*ops), *sides, name="mm"))
    )
    assert names(made) == ["mm"]
    assert [o.node for o in made.layers[0].origins] == ["transpose", "mm"]


def test_other_transposes_stay_before_the_product():
    g = Graph()
    x = g.transpose(g.input("x", 3, 2, 4), 1, 0, 2)
    declines(TransposeIntoMatmul(), g.output(g.matmul(x, 5)))


def test_a_shared_weight_is_not_copied():
    g = Graph()
    table = g.weight(9, 4, name="table")
    ids = g.input("ids", 3, dtype=DataType.INT32)
    rows = g.add(Gather(axis=0), table, ids)
    network = g.output(g.matmul(rows, g.transpose(table, 1, 0), name="head"))
    made = fires(TransposeIntoMatmul(), network)
    assert made.find_layer("head").inputs[1].name == "table"


def test_weights_lose_leading_ones():
    g = Graph()
    x = g.input("x", 2, 3, 4)
    made = fires(GemmWeights(), g.output(g.matmul(x, g.weight(1, 4, 5))))
    assert made.layers[0].inputs[1].shape == (4, 5)


def test_weights_that_raise_the_rank_or_differ_stay():
    for a, b in [((3, 4), (1, 4, 5)), ((2, 3, 4), (2, 4, 5))]:
        g = Graph()
        declines(GemmWeights(), g.output(g.matmul(g.input("x", *a), g.weight(*b))))


def gpt_dense(g: Graph, x, name="mm", bias=True):
    rows = g.reshape(x, -1, 12, name=f"{name}.flat")
    b = g.weight(7, name="b") if bias else None
    return g.reshape(g.matmul(rows, 7, b, name=name), 2, 3, 7, name=f"{name}.back")


def test_reshapes_around_a_product_go():
    g = Graph()
    y = gpt_dense(g, g.unary("exp", g.input("x", 2, 3, 12)))
    made = fires(UnflattenGemm(), g.output(y))
    assert names(made) == ["exp", "mm"]
    assert made.outputs[0].name == "mm.back.out"


def test_a_product_with_other_readers_keeps_its_rows():
    g = Graph()
    y = gpt_dense(g, g.unary("exp", g.input("x", 2, 3, 12)))
    rows = y.producer.inputs[0]
    declines(UnflattenGemm(), g.output(y, g.unary("abs", rows)), "has other readers")


def test_reshapes_that_lead_elsewhere_stay():
    g = Graph()
    x = g.input("x", 2, 3, 12)
    rows = g.matmul(g.reshape(x, 6, 12), 8)
    declines(UnflattenGemm(), g.output(g.reshape(rows, 2, 24)))


@pytest.mark.parametrize("inner", [0, 1])
def test_concatenations_flatten(inner):
    g = Graph()
    a, b, c = (g.input(n, 2, k) for n, k in [("a", 1), ("b", 2), ("c", 3)])
    pair = g.add(Concatenation(axis=1), a, b, name="in")
    parts = [pair, c] if inner == 0 else [c, pair]
    made = fires(ConcatFlatten(), g.output(g.add(Concatenation(axis=-1), *parts, name="out")))
    assert names(made) == ["in + out"]
    assert len(made.layers[0].inputs) == 3


def test_concatenations_along_other_axes_or_read_twice_stay():
    g = Graph()
    a, b = g.input("a", 2, 2), g.input("b", 4, 2)
    pair = g.add(Concatenation(axis=0), a, a)
    declines(ConcatFlatten(), g.output(g.add(Concatenation(axis=1), pair, b)))
    g = Graph()
    pair = g.add(Concatenation(axis=0), g.input("a", 2, 2), g.input("b", 2, 2))
    network = g.output(g.add(Concatenation(axis=0), pair, pair), g.unary("exp", pair))
    declines(ConcatFlatten(), network)


@pytest.mark.parametrize(
    ("start", "size", "stride", "part"),
    [(0, 3, 1, "a"), (3, 2, 1, "b"), (4, 2, 2, "b"), (2, 2, 1, None), (7, 1, 1, "b")],
)
def test_slices_find_their_part(start, size, stride, part):
    g = Graph()
    a, b = g.input("a", 2, 3), g.input("b", 2, 5)
    joint = g.add(Concatenation(axis=1), a, b)
    network = g.output(g.add(Slice((0, start), (2, size), (1, stride)), joint))
    if part is None:
        declines(SliceOfConcat(), network, "not inside one part")
        return
    copy, (result,) = rewrite(SliceOfConcat(), network)
    assert result.changes == 1
    assert copy.layers[-1].inputs[0].name == part


@pytest.mark.parametrize(
    ("index", "taken"),
    [(1, ["SLICE", "SQUEEZE"]), (-1, ["SLICE", "SQUEEZE"]), ([1, 2], ["SLICE"])],
)
def test_neighbours_are_sliced(index, taken):
    g = Graph()
    x = g.input("x", BATCH, 4, 3)
    y = g.add(Gather(axis=1), x, g.constant(index, DataType.INT64), name="pick")
    made = fires(GatherToSlice(), g.output(y))
    assert list(kinds(made)) == taken
    assert all(o.node == "pick" for layer in made for o in layer.origins)


@pytest.mark.parametrize("index", [[2, 1], [0, 2], [[0, 1]]])
def test_scattered_entries_are_gathered(index):
    g = Graph()
    x = g.input("x", BATCH, 4, 3)
    y = g.add(Gather(axis=1), x, g.constant(index, DataType.INT64))
    declines(GatherToSlice(), g.output(y))


def test_a_flatten_behind_a_global_pooling_goes():
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, 3, 4, 5))
    y = g.reshape(g.mean(x, 2, 3), 0, 3)
    made = fires(ReduceShuffle(), g.output(y))
    assert names(made) == ["exp", "mean + reshape"]
    assert made.layers[1].op == Reduce(ReduceOperation.AVG, (2, 3), keep_dims=False)


def test_a_pooled_value_with_other_readers_keeps_its_axes():
    g = Graph()
    pooled = g.mean(g.input("x", 2, 3, 4, 5), 2, 3)
    network = g.output(g.reshape(pooled, 2, 3), g.unary("exp", pooled))
    declines(ReduceShuffle(), network, "has other readers")


def test_a_transpose_before_a_reduction_goes():
    g = Graph()
    x = g.transpose(g.input("x", 2, 3, 4), 0, 2, 1)
    made, _ = rewrite([ReduceShuffle(), DeadCode()], g.output(g.mean(x, 1, keep=False)))
    assert kinds(made) == {"REDUCE": 1}
    assert made.layers[0].op.axes == (2,)


def test_a_transpose_that_reorders_what_stays_stays():
    g = Graph()
    x = g.transpose(g.input("x", 2, 3, 4), 1, 0, 2)
    declines(ReduceShuffle(), g.output(g.mean(x, 2, keep=False)))


@pytest.mark.parametrize("kind", [PoolingType.AVERAGE, PoolingType.MAX])
def test_a_window_over_everything_is_a_reduction(kind):
    g = Graph()
    x = g.input("x", BATCH, 3, 4, 5)
    made = fires(GlobalPooling(), g.output(g.add(Pooling(kind, (4, 5), (1, 1)), x)))
    assert made.layers[0].op.axes == (2, 3)


@pytest.mark.parametrize(
    "op",
    [
        Pooling(PoolingType.AVERAGE, (4, 4), (1, 1)),
        Pooling(PoolingType.AVERAGE, (4, 5), (4, 5), (1, 1), (1, 1)),
        Pooling(PoolingType.MAX_AVERAGE_BLEND, (4, 5), blend_factor=0.5),
    ],
)
def test_other_windows_stay(op):
    g = Graph()
    declines(GlobalPooling(), g.output(g.add(op, g.input("x", 1, 3, 4, 5))))


def test_random_chains_of_moves_keep_their_numbers():
    rng = np.random.default_rng(5)
    for seed in range(25):
        g = Graph(seed)
        y = g.input("x", 2, 3, 4)
        for _ in range(6):
            if rng.random() < 0.5:
                y = g.transpose(y, *rng.permutation(y.type.rank))
            else:
                shape = [(2, 3, 4), (6, 4), (24,), (4, 3, 2), (2, 3, 2, 2), (1, 6, 1, 4)]
                y = g.reshape(y, *shape[rng.integers(len(shape))])
        copy, _ = rewrite(
            [ShuffleMerge(), NoOp(), ShuffleMerge()], g.output(g.unary("exp", y))
        )
        assert len(copy) <= 7
