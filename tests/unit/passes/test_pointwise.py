"""Pointwise fusion, simplification, activations and epilogues."""

from math import pi, sqrt

import numpy as np
import pytest
from rewriting import BATCH, Graph, declines, fires, kinds, names, rewrite

from trtlab.core.types import DataType
from trtlab.layers.activation import ParametricReLU
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.passes.bias_fold import BiasFold
from trtlab.passes.epilogue import Epilogue
from trtlab.passes.gelu_erf import GeluErf
from trtlab.passes.gelu_tanh import GeluTanh
from trtlab.passes.hard_swish import HardSwish
from trtlab.passes.pointwise_fusion import PointwiseFusion
from trtlab.passes.pointwise_simplify import PointwiseSimplify
from trtlab.passes.program import MOST_STEPS
from trtlab.passes.swish import Swish


def steps(network, index: int = -1) -> list[str]:
    op = network.layers[index].op
    program = op.program if isinstance(op, Pointwise) else op.epilogue
    return [str(step) for step in program]


# ---- fusion ------------------------------------------------------------------------------


def test_a_chain_becomes_one_layer_named_after_its_parts():
    g = Graph()
    y = g.act("relu", g.unary("exp", g.act("tanh", g.input("x", BATCH, 3))))
    made = fires(PointwiseFusion(), g.output(y))
    assert names(made) == ["PWN(tanh, exp, relu)"]
    assert steps(made) == ["tanh(v0)", "exp(v1)", "relu(v2)"]
    assert [o.node for o in made.layers[0].origins] == ["tanh", "exp", "relu"]


def test_many_parts_are_named_by_the_ends():
    g = Graph()
    y = g.input("x", 2, 3)
    for number in range(6):
        y = g.unary("sin", y, name=f"s{number}")
    assert names(fires(PointwiseFusion(), g.output(y))) == ["PWN(s0...s5)"]


def test_a_diamond_is_drawn_in_whole():
    g = Graph()
    base = g.unary("exp", g.input("x", 2, 3), name="base")
    y = g.binary("sum", g.unary("sin", base), g.unary("cos", base))
    made = fires(PointwiseFusion(), g.output(y))
    assert len(made) == 1
    assert len(made.layers[0].inputs) == 1


def test_trees_take_several_operands_and_numbers_become_parameters():
    g = Graph()
    a, b, c = (g.input(n, 2, 3) for n in "abc")
    y = g.binary("prod", g.binary("sum", a, b), g.binary("sub", 1.0, c))
    made = fires(PointwiseFusion(), g.output(y))
    assert [t.name for t in made.layers[0].inputs] == ["a", "b", "c"]
    assert "affine(v2, -1.0, 1.0)" in steps(made)


def test_a_value_that_others_read_stays_between():
    g = Graph()
    inner = g.unary("exp", g.input("x", 2, 3))
    network = g.output(g.unary("abs", inner), g.matmul(inner, 4))
    declines(PointwiseFusion(), network, "has other readers")
    g = Graph()
    inner = g.unary("exp", g.input("x", 2, 3))
    declines(PointwiseFusion(), g.output(g.unary("abs", inner), inner), "is an output")


def test_an_expensive_value_is_not_computed_for_each_broadcast_element():
    g = Graph()
    x, gate = g.input("x", 2, 3, 4, 4), g.act("sigmoid", g.input("g", 2, 3, 1, 1))
    network = g.output(g.binary("prod", x, gate))
    declines(PointwiseFusion(), network, "computed many times")
    g = Graph()
    x, gate = g.input("x", 2, 3, 4, 4), g.binary("sum", g.input("g", 2, 3, 1, 1), 1.0)
    fires(PointwiseFusion(), g.output(g.binary("prod", x, gate)))


def test_a_small_value_at_the_end_of_a_convolution_stays_there():
    g = Graph()
    gate = g.act("relu", g.conv(g.input("g", 2, 3, 1, 1), 3))
    network = g.output(g.binary("prod", g.input("x", 2, 3, 4, 4), gate))
    declines(PointwiseFusion(), network, "fits the end of an earlier layer")


def test_integers_and_comparisons_stay_single():
    g = Graph()
    i = g.input("i", 3, dtype=DataType.INT32)
    two = g.constant(2, DataType.INT32)
    total = g.binary("prod", g.binary("sum", i, two), two)
    declines(
        PointwiseFusion(), g.output(total, g.unary("isnan", g.unary("exp", g.input("x", 3))))
    )


def test_programs_stay_within_bounds():
    g = Graph()
    y = g.input("x", 2)
    for number in range(MOST_STEPS + 10):
        y = g.unary("sin", y, name=f"s{number}")
    made, (result,) = rewrite(PointwiseFusion(), g.output(y))
    assert len(made) == 2
    assert "too long" in result.rejections[0].reason
    g = Graph()
    y = g.input("x", 2)
    for number in range(20):
        y = g.binary("sum", y, g.input(f"y{number}", 2))
    made, _ = rewrite(PointwiseFusion(), g.output(y))
    assert len(made) == 2


def test_a_parametric_relu_joins():
    g = Graph()
    x = g.unary("exp", g.input("x", 2, 3, 4))
    y = g.add(ParametricReLU(), x, g.weight(3, 1))
    assert kinds(fires(PointwiseFusion(), g.output(y))) == {"POINTWISE": 1}


def test_a_number_of_higher_rank_keeps_raising_the_rank():
    g = Graph()
    y = g.binary("sum", g.unary("abs", g.input("x", 3)), g.constant([[[1.0]]]))
    made = fires(PointwiseFusion(), g.output(y))
    assert made.outputs[0].shape == (1, 1, 3)


def test_different_precision_requests_are_not_joined():
    g = Graph()
    y = g.unary("exp", g.input("x", 2, 3))
    z = g.unary("abs", y)
    y.producer.precision = DataType.HALF
    declines(PointwiseFusion(), g.output(z), "ask for different precisions")
    y.producer.precision, y.producer.output_types = None, (DataType.HALF,)
    declines(PointwiseFusion(), g.output(z), "asked for between the layers")


# ---- simplification ----------------------------------------------------------------------

SHORTER = {
    "affine": ((("affine", 2, 1), ("affine", 3, -1)), ["affine(v0, 6.0, 2.0)"]),
    "nothing": ((("relu",), ("affine", 1, 0)), ["relu(v0)"]),
    "neg": ((("neg",), ("neg",), ("exp",)), ["exp(v0)"]),
    "relu relu": ((("relu",), ("relu",)), ["relu(v0)"]),
    "relu of sigmoid": ((("sigmoid",), ("relu",)), ["sigmoid(v0)"]),
    "clip clip": ((("clip", 0, 6), ("clip", 1, 9)), ["clip(v0, 1.0, 6.0)"]),
    "disjoint clips": ((("clip", 0, 1), ("clip", 2, 3)), None),
    "relu6": ((("relu",), ("clip", -1, 6)), ["clip(v0, 0.0, 6.0)"]),
    "hard sigmoid": ((("affine", 0.2, 0.5), ("clip", 0, 1)), ["hard_sigmoid(v0, 0.2, 0.5)"]),
    "square": ((("pow_scalar", 2),), ["square(v0)"]),
    "cube": ((("pow_scalar", 3),), ["square(v0)", "mul(v0, v1)"]),
    "rsqrt": ((("abs",), ("sqrt",), ("recip",)), ["abs(v0)", "rsqrt(v1)"]),
    "huge": ((("affine", 1e30, 0), ("affine", 1e30, 0)), None),
}


@pytest.mark.parametrize("case", SHORTER)
def test_expressions_become_shorter(case):
    chain, wanted = SHORTER[case]
    g = Graph()
    program = tuple(
        Step(name, (number,), tuple(map(float, params)))
        for number, (name, *params) in enumerate(chain)
    )
    network = g.output(g.add(Pointwise(program), g.input("x", 2, 5)))
    if wanted is None:
        assert PointwiseSimplify().run(network).changes == 0
    else:
        assert steps(fires(PointwiseSimplify(), network)) == wanted


def test_factors_stand_outside_of_products():
    g = Graph()
    a, b = g.input("a", 2, 3), g.input("b", 2, 3)
    program = (
        Step("affine", (0,), (2.0, 0.0)),
        Step("affine", (1,), (3.0, 0.0)),
        Step("mul", (2, 3)),
    )
    made = fires(PointwiseSimplify(), g.output(g.add(Pointwise(program), a, b)))
    assert steps(made) == ["mul(v0, v1)", "affine(v2, 6.0, 0.0)"]


def test_repeated_steps_are_computed_once():
    g = Graph()
    program = (Step("exp", (0,)), Step("exp", (0,)), Step("add", (1, 2)))
    made = fires(PointwiseSimplify(), g.output(g.add(Pointwise(program), g.input("x", 3))))
    assert steps(made) == ["exp(v0)", "add(v1, v1)"]


# ---- activations -------------------------------------------------------------------------


def gelu_erf_ways(g: Graph, x):
    erf = g.unary("erf", g.binary("div", x, sqrt(2)))
    grown = g.binary("sum", erf, 1.0)
    half_erf = g.binary(
        "prod", g.binary("sum", g.unary("erf", g.binary("prod", x, sqrt(0.5))), 1.0), 0.5
    )
    return {
        "product, then half": lambda: g.binary("prod", g.binary("prod", x, grown), 0.5),
        "half first": lambda: g.binary("prod", g.binary("prod", 0.5, x), grown),
        "half inside": lambda: g.binary("prod", half_erf, x),
        "divided by two": lambda: g.binary("div", g.binary("prod", grown, x), 2.0),
        "and scaled": lambda: g.binary("prod", g.binary("prod", x, grown), 1.5),
    }


FUSE = [PointwiseFusion(), PointwiseSimplify()]


@pytest.mark.parametrize("way", range(5))
def test_gelu_with_erf(way):
    g = Graph()
    x = g.input("x", 2, 6)
    ways = gelu_erf_ways(g, x)
    name = list(ways)[way]
    made, _ = rewrite([*FUSE, GeluErf()], g.output(ways[name]()), tolerance=1e-5)
    wanted = ["gelu_erf(v0)"] + (["affine(v1, 3.0, 0.0)"] if name == "and scaled" else [])
    used = [layer for layer in made if layer.output in made.outputs]
    assert [str(s) for s in used[0].op.program] == wanted
    assert "gelu-erf" in used[0].rules


def test_erf_that_is_no_gelu_says_so():
    g = Graph()
    x = g.input("x", 2, 6)
    y = g.binary("prod", x, g.binary("sum", g.unary("erf", g.binary("div", x, 1.3)), 1.0))
    network = g.output(y)
    PointwiseFusion().run(network)
    PointwiseSimplify().run(network)
    declines(GeluErf(), network, "erf is there, but not in the form of gelu-erf")


@pytest.mark.parametrize("cube", ["pow", "products"])
@pytest.mark.parametrize("inner", ["sum", "product"])
@pytest.mark.parametrize("constants", ["exact", "float16"])
def test_gelu_with_tanh(cube, inner, constants):
    g = Graph()
    x = g.input("x", 2, 6)
    k, c = sqrt(2 / pi), 0.044715
    if constants == "float16":
        k, c = float(np.float16(k)), float(np.float16(c))
    if inner == "sum":
        cubed = (
            g.binary("pow", x, 3.0)
            if cube == "pow"
            else g.binary("prod", g.binary("prod", x, x), x)
        )
        inside = g.binary("sum", x, g.binary("prod", cubed, c))
    else:
        squared = g.binary("pow", x, 2.0) if cube == "pow" else g.binary("prod", x, x)
        inside = g.binary("prod", x, g.binary("sum", 1.0, g.binary("prod", squared, c)))
    tanh = g.act("tanh", g.binary("prod", inside, k))
    y = g.binary("prod", g.binary("prod", x, 0.5), g.binary("sum", tanh, 1.0))
    exact = 1e-5 if constants == "exact" else 2e-3
    made, _ = rewrite([*FUSE, GeluTanh()], g.output(y), tolerance=exact)
    assert steps(made) == ["gelu_tanh(v0)"]


@pytest.mark.parametrize("way", ["swish", "swish by exp", "hard_sigmoid", "relu6", "min max"])
def test_swish_and_hard_swish(way):
    g = Graph()
    x = g.input("x", 2, 6)
    if way == "swish":
        y = g.binary("prod", g.act("sigmoid", x), x)
    elif way == "swish by exp":
        y = g.binary("div", x, g.binary("sum", g.unary("exp", g.unary("neg", x)), 1.0))
    elif way == "hard_sigmoid":
        y = g.binary("prod", x, g.act("hard_sigmoid", x, 1 / 6, 0.5))
    else:
        y = g.binary(
            "div", g.binary("prod", x, g.act("clip", g.binary("sum", x, 3.0), 0, 6)), 6.0
        )
    made, _ = rewrite([*FUSE, Swish(), HardSwish()], g.output(y), tolerance=1e-5)
    assert steps(made) == [("swish" if "swish" in way else "hard_swish") + "(v0)"]


def test_a_gate_of_another_value_is_no_swish():
    g = Graph()
    y = g.binary("prod", g.input("x", 2, 6), g.act("sigmoid", g.input("y", 2, 6)))
    network = g.output(y)
    PointwiseFusion().run(network)
    declines(Swish(), network)


def test_an_activation_is_found_inside_a_larger_expression_and_in_an_epilogue():
    g = Graph()
    x = g.conv(g.input("x", 2, 3, 4, 4), 6, bias=True)
    y = g.binary("sum", g.binary("prod", x, g.act("sigmoid", x)), g.input("r", 2, 6, 4, 4))
    made, _ = rewrite([PointwiseFusion(), Epilogue(), Swish()], g.output(y))
    assert kinds(made) == {"CONVOLUTION": 1}
    assert steps(made) == ["swish(v0)", "add(v2, v1)"]


# ---- epilogues ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["conv", "matmul", "batched matmul"])
def test_activations_end_in_the_layer_before(kind):
    g = Graph()
    if kind == "conv":
        y = g.conv(g.input("x", BATCH, 3, 5, 5), 6, 3, bias=True, name="work")
    elif kind == "matmul":
        y = g.matmul(g.input("x", BATCH, 3), 6, name="work")
    else:
        y = g.matmul(g.input("a", 2, 3, 4), g.input("b", 2, 4, 5), name="work")
    made = fires(Epilogue(), g.output(g.act("relu", y)))
    assert names(made) == ["work + relu"]
    assert steps(made) == ["relu(v0)"]


def test_residual_sum_and_activation_end_in_the_later_convolution():
    g = Graph()
    x = g.input("x", BATCH, 4, 5, 5)
    first = g.conv(x, 6, 3, bias=True, name="main")
    second = g.conv(x, 6, name="side")
    y = g.act("relu", g.binary("sum", first, second))
    made = fires(Epilogue(), g.output(y))
    assert names(made) == ["main", "side + sum + relu"]
    assert steps(made) == ["add(v1, v0)", "relu(v2)"]
    assert made.layers[1].inputs[3].producer.name == "main"


def test_an_operand_computed_after_the_convolution_is_there_in_time():
    g = Graph()
    x = g.input("x", 2, 4, 5, 5)
    early = g.conv(x, 6, name="early")
    late = g.unary("exp", g.conv(g.unary("abs", x), 6, name="late"))
    pooled = g.mean(late, 2, 3)
    made = fires(Epilogue(), g.output(g.binary("prod", early, pooled)))
    assert names(made)[-1] == "early + prod"


def test_an_operand_that_needs_the_result_itself_keeps_the_layers_apart():
    g = Graph()
    y = g.conv(g.input("x", 2, 4, 5, 5), 6)
    network = g.output(g.binary("prod", y, g.mean(y, 2, 3)))
    declines(Epilogue(), network, "has other readers")


def test_a_result_that_broadcasts_stays():
    g = Graph()
    gate = g.conv(g.input("g", 2, 3, 1, 1), 3)
    network = g.output(g.binary("prod", g.input("x", 2, 3, 4, 4), gate))
    declines(Epilogue(), network, "broadcasts against another operand")


def test_an_epilogue_grows_and_reads_an_operand_twice_once():
    g = Graph()
    r = g.input("r", 2, 6, 4, 4)
    y = g.binary("sum", g.conv(g.input("x", 2, 3, 4, 4), 6), r)
    y = g.binary("prod", g.act("relu", y), r)
    made = fires(Epilogue(), g.output(y))
    assert names(made) == ["conv + sum + relu + prod"]
    assert steps(made) == ["add(v0, v1)", "relu(v2)", "mul(v3, v1)"]
    assert len(made.layers[0].inputs) == 4


def test_an_epilogue_after_a_bias_of_its_own():
    g = Graph()
    y = g.binary("sum", g.matmul(g.input("x", 2, 5, 3), 6), g.weight(6, name="b"))
    made, _ = rewrite([BiasFold(), Epilogue()], g.output(g.act("gelu_erf", y)))
    assert names(made) == ["mm + sum + gelu_erf"]
    assert made.layers[0].inputs[2].name == "b"


def test_an_integer_product_keeps_its_sum():
    g = Graph()
    a, b = g.input("a", 2, 3, dtype=DataType.INT32), g.input("b", 3, 4, dtype=DataType.INT32)
    c = g.input("c", 2, 4, dtype=DataType.INT32)
    declines(Epilogue(), g.output(g.binary("sum", g.matmul(a, b), c)))


def test_random_expressions_keep_their_numbers():
    rng = np.random.default_rng(3)
    for seed in range(30):
        g = Graph(seed)
        values = [
            g.input("a", 2, 3, 4, 4),
            g.conv(g.input("b", 2, 3, 4, 4), 3),
            g.weight(3, 1, 1),
        ]
        for number in range(12):
            kind = rng.integers(4)
            picked = [values[int(i)] for i in rng.integers(0, len(values), 2)]
            if kind == 0:
                function = ["tanh", "sigmoid", "relu", "softsign"][rng.integers(4)]
                values.append(g.act(function, picked[0], name=f"n{number}"))
            elif kind == 1:
                function = ["sum", "sub", "prod", "max"][rng.integers(4)]
                values.append(g.binary(function, *picked, name=f"n{number}"))
            elif kind == 2:
                function = ["sum", "prod", "sub", "div"][rng.integers(4)]
                values.append(g.binary(function, picked[0], float(rng.uniform(0.5, 1.5))))
            else:
                values.append(g.unary(["sin", "abs", "neg"][rng.integers(3)], picked[0]))
        computed = [v for v in values if not v.is_constant and v.producer is not None]
        network = g.output(computed[-1], computed[len(computed) // 2])
        rules = [
            PointwiseFusion(),
            PointwiseSimplify(),
            Swish(),
            Epilogue(),
            PointwiseSimplify(),
        ]
        rewrite(rules, network, tolerance=1e-5)
