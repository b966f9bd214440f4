"""The walk through all rules."""

from itertools import pairwise

import numpy as np
import pytest
from rewriting import BATCH, LENGTH, Graph, compare, kinds, names

from trtlab.core.errors import CancelledError, InternalError, UsageError
from trtlab.core.types import DataType
from trtlab.layers.fused import Attention
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.layers.scale import Identity
from trtlab.network.clone import clone
from trtlab.network.graph import Network
from trtlab.network.verify import verify
from trtlab.passes import edit
from trtlab.passes.options import PassOptions
from trtlab.passes.pipeline import formulas, passes_for, run


def residual_block(g: Graph) -> Network:
    x = g.input("x", BATCH, 4, 6, 6)
    y = g.conv(g.add(Identity(), x), 4, 3, bias=True, name="conv1")
    y = g.binary("prod", y, g.weight(4, 1, 1), name="scale1")
    y = g.act("relu", y, name="relu1")
    y = g.conv(y, 4, 3, name="conv2")
    y = g.act("relu", g.binary("sum", y, x, name="add2"), name="relu2")
    return g.output(g.matmul(g.reshape(g.mean(y, 2, 3), 0, 4), 3, name="fc"))


def encoder(g: Graph) -> Network:
    x = g.input("x", BATCH, LENGTH, 8)
    q, k, v = (
        g.transpose(
            g.reshape(
                g.binary("sum", g.matmul(x, 8, name=n), g.weight(8), name=f"{n}.b"), 0, 0, 2, 4
            ),
            *((0, 2, 3, 1) if n == "k" else (0, 2, 1, 3)),
        )
        for n in "qkv"
    )
    scores = g.binary("div", g.matmul(q, k), 2.0)
    y = g.matmul(g.softmax(scores), v)
    y = g.reshape(g.transpose(y, 0, 2, 1, 3), 0, 0, 8)
    y = g.binary("sum", g.matmul(y, 8, name="out"), x)
    centred = g.binary("sub", y, g.mean(y, 2))
    variance = g.mean(g.binary("pow", centred, 2.0), 2)
    y = g.binary("div", centred, g.unary("sqrt", g.binary("sum", variance, 1e-5)))
    y = g.binary("sum", g.binary("prod", y, g.weight(8)), g.weight(8))
    h = g.binary("sum", g.matmul(y, 16, name="up"), g.weight(16))
    erf = g.binary("sum", g.unary("erf", g.binary("div", h, 2**0.5)), 1.0)
    h = g.binary("prod", g.binary("prod", h, erf), 0.5)
    return g.output(g.binary("sum", g.matmul(h, 8, name="down"), y))


def optimized(network: Network, **options):
    copy = clone(network)
    records = run(copy, PassOptions(**options))
    verify(copy)
    return copy, records


def test_a_residual_block_becomes_its_convolutions():
    network = residual_block(Graph())
    copy, _ = optimized(network)
    assert names(copy) == ["conv1 + relu1", "conv2 + add2 + relu2", "mean + reshape", "fc"]
    compare(network, copy, tolerance=1e-5)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_an_encoder_becomes_attention_norm_and_products(device):
    network = encoder(Graph())
    copy, _ = optimized(network, device=device)
    got = kinds(copy)
    assert got["ATTENTION"] == got["NORMALIZATION"] == 1
    assert got["MATRIX_MULTIPLY"] == 4  # one for queries, keys and values
    assert "POINTWISE" not in got
    assert "ELEMENTWISE" not in got
    programs = [str(s) for layer in copy for s in getattr(layer.op, "epilogue", ())]
    assert programs == ["add(v0, v1)", "gelu_erf(v0)", "add(v0, v1)"]
    compare(network, copy, tolerance=1e-5)


@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("make", [residual_block, encoder])
def test_every_level_keeps_the_numbers_and_the_higher_ones_have_fewer_layers(make, level):
    network = make(Graph())
    copy, _ = optimized(network, optimization_level=level)
    compare(network, copy, tolerance=1e-5)
    if level:
        lower, _ = optimized(network, optimization_level=level - 1)
        views = kinds(copy).get("SLICE", 0)  # what merging siblings costs
        assert len(copy) - views <= len(lower)


def test_level_0_fuses_nothing():
    copy, _ = optimized(residual_block(Graph()), optimization_level=0)
    assert names(copy) == [
        "conv1", "scale1", "relu1", "conv2", "add2", "relu2", "mean", "reshape", "fc",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [DataType.HALF, DataType.BF16])
def test_low_precision_after_fusion(kind):
    network = encoder(Graph())
    copy, _ = optimized(network, precision=kind)
    floats = {t.dtype for layer in copy for t in layer.outputs if t not in copy.outputs}
    assert floats == {kind}
    rng = np.random.default_rng(0)
    inputs = {"x": rng.standard_normal((2, 5, 8)).astype(np.float32)}
    compare(network, copy, inputs=inputs, tolerance=5e-3 if kind is DataType.HALF else 4e-2)


def test_all_rules_reach_a_fixed_point():
    copy, _ = optimized(encoder(Graph()))
    assert all(record.changes == 0 for record in run(copy, PassOptions()))


def test_records_count_layers_and_tell_time():
    network = residual_block(Graph())
    copy, records = optimized(network)
    assert records[0].layers_before == len(network)
    assert records[-1].layers_after == len(copy)
    assert all(a.layers_after == b.layers_before for a, b in pairwise(records))
    assert all(record.wall_ms >= 0 for record in records)
    assert [r.name for r in records] == [p.name for p in passes_for(PassOptions())]


def test_rejections_stand_in_the_last_record_of_a_rule():
    g = Graph()
    x = g.input("x", 2, 3)
    inner = g.unary("exp", x, name="inner")
    copy, records = optimized(
        g.output(g.unary("abs", inner), g.matmul(inner, 4)), optimization_level=5
    )
    of_rule = [r for r in records if r.name == "pointwise-fusion"]
    assert [len(r.rejections) for r in of_rule] == [0, 1]
    assert of_rule[-1].rejections[0].where == ("mm",)
    del copy


def test_single_rules_can_be_switched_off():
    network = residual_block(Graph())
    copy, records = optimized(network, disabled_rules=frozenset({"epilogue", "scale-fold"}))
    assert {"epilogue", "scale-fold"}.isdisjoint(record.name for record in records)
    assert "relu1" in " ".join(names(copy))
    compare(network, copy, tolerance=1e-5)


def test_every_rule_can_be_switched_off_alone():
    rules = {p.name for p in passes_for(PassOptions(optimization_level=5))}
    for make in (residual_block, encoder):
        network = make(Graph())
        for name in rules:
            copy, _ = optimized(network, disabled_rules=frozenset({name}))
            compare(network, copy, tolerance=1e-5)


def test_an_unknown_rule_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="no rule named fuse-all") as error:
        passes_for(PassOptions(disabled_rules=frozenset({"fuse-all"})))
    assert "attention" in error.value.hint


def test_the_observer_sees_every_pass_and_can_cancel():
    seen: list[tuple[str, int, int]] = []

    def observe(name: str, number: int, count: int) -> bool:
        seen.append((name, number, count))
        return number < 4

    with pytest.raises(CancelledError, match="cancelled before"):
        run(residual_block(Graph()), PassOptions(), observe)
    total = len(passes_for(PassOptions()))
    assert [(n, c) for _, n, c in seen] == [(i, total) for i in range(5)]


def test_a_user_s_type_stands_between_layers_only_when_it_counts():
    def network(asked: DataType) -> Network:
        made = residual_block(Graph())
        made.find_layer("relu1").precision = asked
        return made

    ignored, _ = optimized(network(DataType.FLOAT), precision=DataType.HALF)
    assert "conv1 + relu1" in names(ignored)
    kept, records = optimized(
        network(DataType.FLOAT), precision=DataType.HALF, constraints="prefer"
    )
    assert kept.find_layer("relu1").output.dtype is DataType.FLOAT
    reasons = [r.reason for record in records for r in record.rejections]
    assert "the layers ask for different precisions" in reasons


def test_strongly_typed_networks_are_fused_but_keep_their_types():
    network = residual_block(Graph())
    network.strongly_typed = True
    copy, _ = optimized(network, precision=DataType.HALF)
    assert "conv1 + relu1" in names(copy)
    assert {t.dtype for t in copy.tensors()} == {DataType.FLOAT}


def test_optimized_attention_reads_views():
    copy, _ = optimized(encoder(Graph()))
    attention = next(layer for layer in copy if isinstance(layer.op, Attention))
    assert attention.op.scale == 0.5
    assert [t.producer.op.second_transpose for t in attention.inputs] == [(0, 2, 1, 3)] * 3


def test_a_rule_that_changes_a_type_is_a_bug_that_says_so():
    g = Graph()
    network = g.output(g.unary("exp", g.input("x", 2, 3)))
    op = Pointwise((Step("add", (0, 1)),))
    wider = network.add_constant("c", np.zeros((4, 1, 3), np.float32))
    with pytest.raises(InternalError, match="rule bad changed the output of layer exp"):
        edit.replace(network, network.layers[0], op, (network.inputs[0], wider), "bad")


def test_every_rule_says_what_it_does_in_one_line():
    told = formulas()
    assert {p.name for p in passes_for(PassOptions())} <= set(told)
    assert all(line.startswith("``") and line.endswith(".") for line in told.values()), told
    assert told["swish"] == "``x · sigmoid(x) = swish(x)``, also named SiLU."
