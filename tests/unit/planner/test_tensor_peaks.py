from itertools import product

import pytest

from trtlab.core.types import Dim
from trtlab.layers import dims
from trtlab.planner.peaks import peak

X, Y, ODD = Dim("x"), Dim("y"), Dim("input.0")


def most(shape, ranges):
    """The most elements, by trying every size."""
    best = 0
    for sizes in product(*(range(first, last + 1) for first, last in ranges.values())):
        named = dict(zip(ranges, sizes, strict=True))
        extents = [dims.substitute(e, named) for e in shape]
        elements = 1
        for extent in extents:
            elements *= max(extent, 0)
        best = max(best, elements)
    return best


@pytest.mark.parametrize(
    "shape",
    [
        (),
        (3, X),
        (X, dims.sub(20, X)),
        (dims.sub(X, dims.floor_div(X, 2)), Y),
        (dims.maximum(X, dims.sub(12, Y)), dims.minimum(X, Y)),
        (dims.mul(X, dims.sub(9, Y)), dims.sub(5, X)),
        (dims.floor_div(100, X), dims.add(dims.floor_div(dims.add(Y, 1), 3), X)),
        (ODD, dims.sub(17, ODD)),
    ],
)
def test_the_most_elements_are_found_where_every_size_can_be_tried(shape):
    ranges = {"x": (1, 19), "y": (2, 11), "input.0": (1, 16)}
    found = peak(shape, ranges)
    used = {n: r for n, r in ranges.items() if any(n in dims.symbols(e) for e in shape)}
    assert found.elements == most(shape, used)
    assert set(found.sizes) == set(used)
    at = [dims.substitute(e, found.sizes) for e in shape]
    assert most(at, {}) == found.elements


def test_ranges_too_wide_for_that_are_never_told_too_small():
    shape = (X, dims.sub(3000, X), Y, dims.sub(400, Y), Dim("z"))
    found = peak(shape, {"x": (1, 2999), "y": (1, 399), "z": (1, 7)})
    exact = 1500 * 1500 * 200 * 200 * 7
    assert exact <= found.elements <= 1.2 * exact


def test_what_grows_is_exact_however_wide_the_range_is():
    shape = (X, Y, dims.floor_div(dims.add(Dim("z"), 1), 2), dims.sub(X, 1))
    found = peak(shape, {"x": (1, 5000), "y": (1, 5000), "z": (1, 5000)})
    assert found.elements == 5000 * 5000 * 2500 * 4999


def test_nothing_is_told_of_names_without_a_range():
    assert peak((X, Dim("mask.count")), {"x": (1, 4)}) is None
    assert peak((dims.add(X, Dim("mask.count")),), {"x": (1, 4)}) is None
    assert peak((Dim("expression_0123456789abcdef"),), {"x": (1, 4)}) is None
