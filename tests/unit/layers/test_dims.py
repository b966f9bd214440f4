"""Arithmetic on named dimensions."""

import random

import pytest

from trtlab.core.types import DataType, Dim, TensorType
from trtlab.layers import dims

BATCH, SEQUENCE, HEIGHT = Dim("batch"), Dim("sequence"), Dim("height")


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        (dims.mul(BATCH, 12), "batch*12"),
        (dims.add(SEQUENCE, 1), "(sequence+1)"),
        (dims.sub(SEQUENCE, 1), "(sequence-1)"),
        (dims.mul(BATCH, dims.add(SEQUENCE, 1), 64), "batch*(sequence+1)*64"),
        (dims.add(BATCH, SEQUENCE), "(batch+sequence)"),
        (dims.floor_div(dims.add(HEIGHT, 1), 2), "((height+1)//2)"),
        (dims.maximum(SEQUENCE, BATCH), "max(batch|sequence)"),
        (dims.mul(Dim("batch size"), 3), "'batch size'*3"),
        (dims.sub(1, BATCH), "(-batch+1)"),
    ],
)
def test_canonical_names(expression, name):
    assert expression == Dim(name)
    assert dims.parse(name) == expression


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (dims.mul(2, BATCH), dims.add(BATCH, BATCH)),
        (dims.sub(dims.add(SEQUENCE, 3), 3), SEQUENCE),
        (dims.mul(BATCH, SEQUENCE), dims.mul(SEQUENCE, BATCH)),
        (dims.floor_div(dims.mul(BATCH, 12), 4), dims.mul(BATCH, 3)),
        (dims.floor_div(dims.add(dims.mul(HEIGHT, 2), 5), 2), dims.add(HEIGHT, 2)),
        (dims.minimum(HEIGHT, 1), 1),
        (dims.maximum(dims.sub(HEIGHT, 1), 0), dims.sub(HEIGHT, 1)),
        (dims.sub(HEIGHT, HEIGHT), 0),
        (dims.product(()), 1),
        (dims.floor_div(dims.mul(Dim("batch size"), 3), 3), Dim("batch size")),
    ],
)
def test_equal_expressions_are_equal(left, right):
    assert left == right


def test_five_halvings_become_one_division():
    extent = HEIGHT
    for _ in range(5):
        extent = dims.ceil_div(extent, 2)
    assert extent == Dim("((height+31)//32)")
    assert dims.substitute(extent, {"height": 225}) == 8


@pytest.mark.parametrize(
    ("total", "part", "quotient"),
    [
        (dims.mul(BATCH, SEQUENCE, 768), dims.mul(BATCH, 64), dims.mul(SEQUENCE, 12)),
        (dims.mul(BATCH, dims.add(SEQUENCE, 1), 4), dims.add(SEQUENCE, 1), dims.mul(BATCH, 4)),
        (dims.mul(BATCH, 3), 4, None),
        (BATCH, SEQUENCE, None),
        (BATCH, 0, None),
    ],
)
def test_exact_division(total, part, quotient):
    assert dims.exact_div(total, part) == quotient


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (BATCH, 1, True),
        (BATCH, 2, None),
        (dims.add(BATCH, 2), 3, True),
        (2, dims.add(BATCH, 2), False),
        (BATCH, -1, True),
        (dims.mul(BATCH, SEQUENCE), 1, True),
        (BATCH, SEQUENCE, None),
    ],
)
def test_at_least(a, b, answer):
    assert dims.at_least(a, b) is answer


def test_equality_is_decided_where_it_can_be():
    assert dims.equal(BATCH, BATCH) is True
    assert dims.equal(BATCH, -1) is False
    assert dims.equal(dims.add(BATCH, 1), BATCH) is False
    assert dims.equal(BATCH, 4) is None


def test_unknown_sizes_are_named_after_their_layer():
    count = dims.unknown("count")
    kind = TensorType(DataType.FLOAT, (dims.mul(count, 4), BATCH, 3, count))
    (named,) = dims.qualify([kind], "mask")
    assert named.shape == (Dim("'mask.count'*4"), BATCH, 3, Dim("mask.count"))
    assert dims.qualify([named], "other") == (named,)


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a,b",
        "",
        "max(3)",
        "1.5",
        "(",
        "a//0",
        "f(x)",
        "é",
        "a" * 5000,
        "-" * 3000,
        "'x",
    ],
)
def test_any_name_is_a_dimension(name):
    dim = Dim(name)
    doubled = dims.add(dim, dim)
    assert dims.exact_div(doubled, 2) == dims.parse(name) or len(name) > 390
    assert dims.sub(doubled, dim) == dims.parse(name) or len(name) > 390
    assert dims.sub(dim, dim) == 0


def test_large_expressions_stay_small():
    extent = Dim("a")
    for number in range(60):
        extent = dims.mul(extent, dims.add(Dim(f"d{number}"), 1))
        extent = dims.add(extent, dims.floor_div(extent, 7), dims.maximum(extent, Dim("b")))
    assert len(extent.name) <= 400


def _random_expression(source, depth):
    """A random expression as dims builds it, and as a function of the sizes."""
    if depth == 0 or source.random() < 0.15:
        if source.random() < 0.3:
            number = source.randint(1, 6)
            return number, lambda _: number
        name = source.choice("abc")
        return Dim(name), lambda sizes: sizes[name]
    (x, fx), (y, fy) = (_random_expression(source, depth - 1) for _ in range(2))
    number = source.randint(1, 5)
    return source.choice(
        [
            (dims.add(x, y), lambda s: fx(s) + fy(s)),
            (dims.sub(x, y), lambda s: fx(s) - fy(s)),
            (dims.mul(x, y), lambda s: fx(s) * fy(s)),
            (dims.floor_div(x, number), lambda s: fx(s) // number),
            (dims.maximum(x, y), lambda s: max(fx(s), fy(s))),
            (dims.minimum(x, y), lambda s: min(fx(s), fy(s))),
        ]
    )


@pytest.mark.parametrize("seed", range(300))
def test_expressions_mean_what_they_say(seed):
    source = random.Random(seed)
    extent, value = _random_expression(source, 4)
    for _ in range(5):
        sizes = {name: source.randint(1, 30) for name in "abc"}
        assert dims.substitute(extent, sizes) == value(sizes), extent
    if isinstance(extent, Dim):
        assert dims.parse(extent.name) == extent
        assert set(dims.symbols(extent)) <= set("abc")


@pytest.mark.parametrize("seed", range(100))
def test_bounds_hold(seed):
    source = random.Random(1000 + seed)
    (a, fa), (b, fb) = (_random_expression(source, 3) for _ in range(2))
    answers = dims.at_least(a, b), dims.equal(a, b)
    for _ in range(20):
        sizes = {name: source.randint(1, 9) for name in "abc"}
        assert answers[0] in (None, fa(sizes) >= fb(sizes))
        assert answers[1] in (None, fa(sizes) == fb(sizes))
