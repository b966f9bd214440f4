"""Normalizations, attention and siblings are recognized."""

import numpy as np
import pytest
from rewriting import BATCH, LENGTH, Graph, declines, fires, kinds, names, rewrite

from trtlab.core.enums import FillOperation, MatrixOperation, UnaryOperation
from trtlab.core.types import DataType, Dim
from trtlab.layers.creation import Fill, Shape
from trtlab.layers.elementwise import Select
from trtlab.layers.fused import Attention as AttentionOp
from trtlab.layers.gather import Gather
from trtlab.layers.normalization import Normalization
from trtlab.layers.reduction import SoftMax
from trtlab.layers.shuffle import Concatenation, Unsqueeze
from trtlab.layers.slicing import Slice
from trtlab.passes.attention import Attention
from trtlab.passes.common_subexpressions import CommonSubexpressions
from trtlab.passes.dead_code import DeadCode
from trtlab.passes.group_norm import GroupNorm
from trtlab.passes.horizontal import Horizontal
from trtlab.passes.layer_norm import LayerNorm
from trtlab.passes.normalization_affine import NormalizationAffine
from trtlab.passes.rms_norm import RmsNorm
from trtlab.passes.transpose_into_matmul import TransposeIntoMatmul

# ---- normalization -----------------------------------------------------------------------


def rms(g: Graph, x, *axes: int, way: str = "div"):
    """x / √(mean(x²) + ε) as exporters write it."""
    square = g.binary("pow", x, 2.0) if way != "product" else g.binary("prod", x, x)
    total = g.binary("sum", g.mean(square, *axes, name="variance"), 1e-5)
    if way in {"div", "product"}:
        return g.binary("div", x, g.unary("sqrt", total), name="norm")
    if way == "recip":
        return g.binary("prod", x, g.unary("recip", g.unary("sqrt", total)), name="norm")
    if way == "one over":
        return g.binary("prod", g.binary("div", 1.0, g.unary("sqrt", total)), x, name="norm")
    return g.binary("prod", x, g.binary("pow", total, -0.5), name="norm")


def layer_norm(g: Graph, x, *axes: int):
    centred = g.binary("sub", x, g.mean(x, *axes))
    return g.binary("sum", g.binary("prod", rms(g, centred, *axes), g.weight(8)), g.weight(8))


@pytest.mark.parametrize("way", ["div", "product", "recip", "one over", "power"])
def test_root_mean_square(way):
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, LENGTH, 8))
    made = fires(RmsNorm(), g.output(rms(g, x, 2, way=way)))
    assert kinds(made) == {"UNARY": 1, "NORMALIZATION": 1}
    op = made.layers[1].op
    assert (op.axes, op.rms) == ((2,), True)
    assert op.epsilon == pytest.approx(1e-5)


def test_a_mean_over_other_axes_or_a_shared_variance_stays():
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 5, 8))
    declines(RmsNorm(), g.output(rms(g, x, 1)), "not over trailing axes")
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 5, 8))
    y = rms(g, x, 2)
    variance = next(la for la in g.network if la.name == "variance").output
    declines(RmsNorm(), g.output(y, g.unary("abs", variance)), "inside has other readers")


def test_layer_normalization_with_scale_and_bias():
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, LENGTH, 8))
    rules = [RmsNorm(), LayerNorm(), NormalizationAffine()]
    made, _ = rewrite(rules, g.output(layer_norm(g, x, 2)))
    assert kinds(made) == {"UNARY": 1, "NORMALIZATION": 1}
    norm = made.layers[1]
    assert not norm.op.rms
    assert [t.shape for t in norm.inputs[1:]] == [(8,), (8,)]
    assert norm.rules == ("rms-norm", "layer-norm", "normalization-affine")
    assert norm.name == "{NORMALIZATION[mean...sum_1]}"


def test_means_over_different_axes_are_no_layer_normalization():
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 5, 8))
    centred = g.binary("sub", x, g.mean(x, 1))
    network = g.output(rms(g, centred, 2))
    RmsNorm().run(network)
    declines(LayerNorm(), network, "other axes than the variance")


def test_a_centred_value_with_other_readers_stays():
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 5, 8))
    centred = g.binary("sub", x, g.mean(x, 2))
    network = g.output(rms(g, centred, 2), g.unary("abs", centred))
    RmsNorm().run(network)
    declines(LayerNorm(), network, "has other readers")


def instance_norm(g: Graph, x, channels: int, scale=1.0, bias=0.0):
    shape = (1, channels, 1)
    weights = [g.constant(np.broadcast_to(w, shape)) for w in (scale, bias)]
    return g.add(Normalization((2,), 1e-5), x, *weights, name="instance")


@pytest.mark.parametrize("plain", [True, False])
def test_group_normalization(plain):
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, 6, 4, 4))
    inner = g.reshape(x, 0, 3, -1)
    weights = (1.0, 0.0) if plain else (g.weight(1, 3, 1).data, g.weight(1, 3, 1).data)
    y = g.reshape(instance_norm(g, inner, 3, *weights), 0, 6, 4, 4, name="back")
    y = g.binary("sum", g.binary("prod", y, g.weight(6, 1, 1)), g.weight(6, 1, 1))
    made, _ = rewrite([GroupNorm(), NormalizationAffine()], g.output(y))
    assert kinds(made) == {"UNARY": 1, "NORMALIZATION": 1}
    assert made.layers[1].op == Normalization((2, 3), 1e-5, num_groups=3)


def test_reshapes_that_lead_elsewhere_are_no_groups():
    g = Graph()
    x = g.input("x", 2, 6, 4, 4)
    y = g.reshape(instance_norm(g, g.reshape(x, 2, 3, 32), 3), 2, 96)
    declines(GroupNorm(), g.output(y), "do not lead back")
    g = Graph()
    x = g.input("x", 2, 6, 4, 4)
    y = g.reshape(instance_norm(g, g.reshape(x, 2, 4, 24), 4), 2, 6, 4, 4)
    declines(GroupNorm(), g.output(y), "do not divide into groups")


@pytest.mark.parametrize("shape", [(8,), (1, 1, 8), ()])
def test_scale_and_bias_join_what_is_there(shape):
    g = Graph()
    x = g.input("x", BATCH, 5, 8)
    y = g.add(Normalization((2,)), x, g.weight(8), g.weight(8))
    y = g.binary("sum", g.binary("prod", y, g.weight(*shape)), g.weight(*shape))
    made = fires(NormalizationAffine(), g.output(y))
    assert made.layers[0].inputs[1].shape == (8,)


def test_a_factor_along_other_axes_stays():
    g = Graph()
    x = g.input("x", 2, 3, 5, 8)
    y = g.add(Normalization((3,)), x, None, None)
    declines(
        NormalizationAffine(), g.output(g.binary("prod", y, g.weight(5, 1))), "other axes"
    )


# ---- attention ---------------------------------------------------------------------------

HEADS, WIDTH = 3, 4


def heads(g: Graph, x, name: str, order=(0, 2, 1, 3)):
    split = g.reshape(g.matmul(x, HEADS * WIDTH, name=name), 0, 0, HEADS, WIDTH)
    return g.transpose(split, *order, name=f"{name}.heads")


def attention(g: Graph, x, *, key="turned", scale="scores", mask=None, softmax_axis=-1):
    q, v = heads(g, x, "q"), heads(g, x, "v")
    k = heads(g, x, "k", (0, 2, 3, 1) if key == "turned" else (0, 2, 1, 3))
    if scale == "query":
        q = g.binary("prod", q, 0.5)
    if scale == "both":
        q, k = g.binary("prod", q, 0.5), g.binary("prod", k, 0.5)
    op1 = MatrixOperation.TRANSPOSE if key == "by the product" else MatrixOperation.NONE
    if key == "afterwards":
        k = g.transpose(k, 0, 1, 3, 2, name="kt")
    scores = g.matmul(q, k, name="scores", op1=op1)
    if scale == "scores":
        scores = g.binary("div", scores, 2.0)
    if mask is not None:
        scores = mask(g, scores)
    soft = g.add(SoftMax((softmax_axis % 4,)), scores, name="softmax")
    return g.matmul(soft, v, name="context")


@pytest.mark.parametrize("key", ["turned", "afterwards", "by the product"])
@pytest.mark.parametrize("scale", ["none", "scores", "query", "both"])
def test_attention_in_many_spellings(key, scale):
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 6)
    made = fires(Attention(), g.output(attention(g, x, key=key, scale=scale)))
    assert kinds(made)["ATTENTION"] == 1
    assert "SOFTMAX" not in kinds(made)
    op = next(la.op for la in made if isinstance(la.op, AttentionOp))
    factor = {"none": 1, "scores": 0.5, "query": 0.5, "both": 0.25}[scale]
    assert op == AttentionOp(factor)
    assert "k.heads" in names(made) or key == "afterwards"


def test_keys_that_cannot_be_turned_are_read_so():
    g = Graph()
    q, v = g.input("q", 2, 3, 5, 4), g.input("v", 2, 3, 6, 4)
    y = g.matmul(g.softmax(g.matmul(q, g.input("kt", 2, 3, 4, 6))), v)
    made = fires(Attention(), g.output(y))
    assert made.layers[0].op.k_transposed


def test_three_dimensions_get_a_batch():
    g = Graph()
    q, k, v = (g.input(n, 6, 5, 4) for n in "qkv")
    scores = g.matmul(q, k, op1=MatrixOperation.TRANSPOSE, name="scores")
    scores = g.binary("sum", scores, g.input("mask", 6, 5, 5))
    made = fires(Attention(), g.output(g.matmul(g.softmax(scores), v, name="context")))
    assert kinds(made) == {"UNSQUEEZE": 4, "ATTENTION": 1, "SQUEEZE": 1}
    inner = next(la for la in made if isinstance(la.op, AttentionOp))
    assert inner.name == "scores + sum + softmax + context"


def added(g: Graph, scores):
    return g.binary("sum", scores, g.input("mask", BATCH, 1, 1, LENGTH))


def selected(g: Graph, scores):
    condition = g.input("keep", 1, 1, LENGTH, LENGTH, dtype=DataType.BOOL)
    return g.add(Select(), condition, scores, g.constant(-1e4))


def hidden(g: Graph, scores):
    condition = g.input("drop", BATCH, 1, 1, LENGTH, dtype=DataType.BOOL)
    return g.add(Select(), condition, g.constant(-1e9), scores)


def both(g: Graph, scores):
    return added(g, selected(g, scores))


@pytest.mark.parametrize("mask", [added, selected, hidden, both])
def test_masks_are_added(mask):
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 6)
    made = fires(Attention(), g.output(attention(g, x, mask=mask)), tolerance=1e-5)
    layer = next(la for la in made if isinstance(la.op, AttentionOp))
    assert len(layer.inputs) == 4
    assert not layer.op.causal
    assert layer.inputs[3].dtype is DataType.FLOAT


def corner(g: Graph, table):
    """The upper left [length, length] of a constant, as GPT-2 is exported."""
    size = g.add(
        Gather(axis=0), g.add(Shape(), g.network.inputs[0]), g.constant([1], DataType.INT64)
    )
    shape = g.add(Concatenation(), g.constant([1, 1], DataType.INT64), size, size)
    start = g.constant([0, 0, 0, 0], DataType.INT64)
    return g.add(Slice(stride=(1, 1, 1, 1)), table, start, shape)


def triangle(*, upper: bool = False):
    whole = np.tri(9, dtype=bool)
    return (~whole if upper else whole)[None, None]


def causal_select(g: Graph, scores):
    keep = corner(g, g.constant(triangle(), DataType.BOOL))
    return g.add(Select(), keep, scores, g.constant(-1e4))


def causal_hidden(g: Graph, scores):
    drop = corner(g, g.constant(triangle(upper=True), DataType.BOOL))
    return g.add(Select(), drop, g.constant(-1e9), scores)


def causal_added(g: Graph, scores):
    return g.binary("sum", scores, corner(g, g.constant(np.where(triangle(), 0, -1e5))))


def compared(g: Graph, scores):
    """key ≤ query over counted indices, as NOT(key > query)."""
    size = g.add(
        Gather(axis=0), g.add(Shape(), g.network.inputs[0]), g.constant([1], DataType.INT64)
    )
    zero, one = g.constant(0, DataType.INT64), g.constant(1, DataType.INT64)
    count = g.add(Fill(op=FillOperation.LINSPACE, dtype=DataType.INT64), size, zero, one)
    later = g.binary("greater", g.add(Unsqueeze((0,)), count), g.add(Unsqueeze((1,)), count))
    return g.add(Select(), g.unary(UnaryOperation.NOT.value, later), scores, g.constant(-1e9))


@pytest.mark.parametrize("mask", [causal_select, causal_hidden, causal_added, compared])
def test_masks_that_are_provably_causal(mask):
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 6)
    network = g.output(attention(g, x, mask=mask))
    rules = [Attention(), DeadCode()]
    made, _ = rewrite(rules, network, tolerance=1e-5, unneeded=["slice"])
    layer = next(la for la in made if isinstance(la.op, AttentionOp))
    assert layer.op.causal
    assert len(layer.inputs) == 3


def shifted(g: Graph, scores):
    keep = np.tri(9, k=1, dtype=bool)[None, None]
    return g.add(
        Select(), corner(g, g.constant(keep, DataType.BOOL)), scores, g.constant(-1e4)
    )


def elsewhere(g: Graph, scores):
    """A part of the triangle that does not begin in its corner: as with cached keys."""
    keep = g.add(
        Slice((1, 0), (5, 5), (1, 1), axes=(2, 3)), g.constant(triangle(), DataType.BOOL)
    )
    return g.add(Select(), keep, scores, g.constant(-1e4))


@pytest.mark.parametrize("mask", [shifted, elsewhere])
def test_masks_that_only_look_causal_stay_masks(mask):
    g = Graph()
    x = g.input("x", 2, 5, 6) if mask is elsewhere else g.input("x", BATCH, LENGTH, 6)
    made = fires(Attention(), g.output(attention(g, x, mask=mask)), tolerance=1e-5)
    layer = next(la for la in made if isinstance(la.op, AttentionOp))
    assert not layer.op.causal
    assert len(layer.inputs) == 4


def masked_then_scaled(g: Graph, scores):
    return g.binary("prod", added(g, scores), 0.5)


def mild(g: Graph, scores):
    condition = g.input("keep", 1, 1, LENGTH, LENGTH, dtype=DataType.BOOL)
    return g.add(Select(), condition, scores, g.constant(-10.0))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mask": masked_then_scaled}, "the mask is applied before the scaling"),
        ({"mask": mild}, "something else is computed on the scores"),
        ({"mask": lambda g, s: g.act("tanh", s)}, ""),
        ({"softmax_axis": 1}, "the softmax is not over the keys"),
    ],
)
def test_scores_that_are_computed_otherwise_stay(change, reason):
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 6)
    declines(Attention(), g.output(attention(g, x, **change)), reason)


def test_weights_that_somebody_reads_stay():
    g = Graph()
    x = g.input("x", 2, 5, 6)
    y = attention(g, x)
    soft = y.producer.inputs[0]
    declines(Attention(), g.output(y, soft), "is an output of the network")


def test_heads_that_do_not_fit_stay():
    g = Graph()
    q, k, v = g.input("q", 2, 3, 5, 4), g.input("k", 1, 3, 5, 4), g.input("v", 1, 3, 5, 4)
    scores = g.matmul(q, k, op1=MatrixOperation.TRANSPOSE)
    declines(Attention(), g.output(g.matmul(g.softmax(scores), v)), "differ in batch or heads")


def test_one_key_head_serves_all_queries():
    g = Graph()
    q, k, v = g.input("q", 2, 3, 5, 4), g.input("k", 2, 1, 5, 4), g.input("v", 2, 1, 5, 4)
    scores = g.matmul(q, k, op1=MatrixOperation.TRANSPOSE)
    made = fires(Attention(), g.output(g.matmul(g.softmax(scores), v)))
    assert kinds(made) == {"ATTENTION": 1}


def test_layers_that_share_a_mask_share_it_afterwards():
    g = Graph()
    x = g.input("x", 2, LENGTH, 6)
    keep = g.input("keep", 1, 1, LENGTH, LENGTH, dtype=DataType.BOOL)

    def mask(graph, scores):
        return graph.add(Select(), keep, scores, graph.constant(-1e4))

    network = g.output(attention(g, x, mask=mask), attention(g, g.unary("exp", x), mask=mask))
    made, _ = rewrite([Attention(), CommonSubexpressions()], network, tolerance=1e-5)
    assert kinds(made)["SELECT"] == 1


def test_a_transpose_of_keys_may_be_in_the_product_already():
    g = Graph()
    x = g.input("x", BATCH, LENGTH, 6)
    network = g.output(attention(g, x, key="afterwards"))
    made, _ = rewrite([TransposeIntoMatmul(), Attention()], network)
    assert kinds(made)["ATTENTION"] == 1


# ---- siblings ----------------------------------------------------------------------------

ON_CUDA = Horizontal("cuda", (("batch", 8), ("length", 128)))


def projections(g: Graph, x, bias: bool = True, count: int = 3):
    return [
        g.reshape(
            g.matmul(x, 8, g.weight(8, name=f"b{i}") if bias else None, name=f"p{i}"),
            0, 0, 2, 4, name=f"r{i}",
        )
        for i in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("bias", [True, False])
def test_projections_of_one_tensor_become_one(bias):
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, LENGTH, 6))
    made = fires(ON_CUDA, g.output(*projections(g, x, bias)))
    assert names(made)[:2] == ["exp", "p0 || p1 || p2"]
    assert kinds(made) == {"UNARY": 1, "MATRIX_MULTIPLY": 1, "SLICE": 3, "SHUFFLE": 3}
    assert [o.node for o in made.layers[1].origins] == ["p0", "p1", "p2"]


def test_a_missing_bias_is_zero_and_transposed_weights_join_along_rows():
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, LENGTH, 6))
    kw = {"op1": MatrixOperation.TRANSPOSE}
    one = g.matmul(x, g.weight(4, 6), g.weight(4), name="p0", **kw)
    two = g.matmul(x, g.weight(8, 6), name="p1", **kw)
    network = g.output(g.reshape(one, 0, 0, 2, 2), g.reshape(two, 0, 0, 2, 4))
    made = fires(ON_CUDA, network)
    assert made.layers[1].inputs[1].shape == (12, 6)


def test_pointwise_convolutions_with_equal_epilogues_become_one():
    from trtlab.passes.epilogue import Epilogue

    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, 4, 6, 6))
    arms = [
        g.act("relu", g.conv(x, 3 + i, bias=True, name=f"c{i}"), name=f"a{i}") for i in (0, 1)
    ]
    network = g.output(*(g.conv(arm, 2, 3, name=f"d{i}") for i, arm in enumerate(arms)))
    made, _ = rewrite([Epilogue(), ON_CUDA], network)
    assert names(made)[1] == "c0 + a0 || c1 + a1"


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        ("concat", "straight into a concatenation"),
        ("pointwise", "rather end in an epilogue"),
        ("output", "is an output of the network"),
    ],
)
def test_siblings_that_are_better_left_alone(reader, reason):
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, LENGTH, 6))
    parts = [g.matmul(x, 8, name=f"p{i}") for i in range(2)]
    if reader == "concat":
        network = g.output(g.add(Concatenation(axis=2), *parts))
    elif reader == "pointwise":
        network = g.output(*(g.act("relu", p) for p in parts))
    else:
        network = g.output(*parts)
    declines(ON_CUDA, network, reason)


def test_parts_that_must_be_copied_cost_more_than_launches():
    g = Graph()
    x = g.unary("exp", g.input("x", BATCH, 4, 6, 6))
    network = g.output(
        *(g.conv(g.conv(x, 3, name=f"c{i}"), 2, 3, name=f"d{i}") for i in (0, 1))
    )
    declines(Horizontal("cpu"), network, "cost more than it saves")
    fires(ON_CUDA, network)


def test_layers_that_differ_or_share_weights_are_no_siblings():
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 5, 6))
    w = g.weight(6, 8)
    one, two = g.matmul(x, w, name="p0"), g.matmul(x, w, name="p1", alpha=2.0)
    three = g.matmul(x, 8, name="p2", alpha=3.0)
    declines(ON_CUDA, g.output(*(g.reshape(t, 0, 0, 2, 4) for t in (one, two, three))))


def test_dims_of_unknown_size_count_as_one():
    g = Graph()
    x = g.unary("exp", g.input("x", Dim("batch"), Dim("width"), 6))
    fires(Horizontal("cuda"), g.output(*projections(g, x)))
