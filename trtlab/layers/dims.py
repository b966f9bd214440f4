"""Arithmetic on dimensions, of which some are known by name only.

Every result is an int or a `Dim` whose name is the expression in canonical form, so that equal
expressions get equal names: ``mul(batch, 12)`` is ``batch*12``, ``add(sequence, 1)`` is
``(sequence+1)``, ``floor_div(add(h, 1), 2)`` is ``((h+1)//2)``, ``maximum(a, b)`` is
``max(a|b)``. A name made here has a comma or a blank only where
one of its atoms has, and is read back by `parse`.

Expressions are polynomials with integer coefficients over atoms: names and such ``//``,
``max`` and ``min`` terms as do not simplify. A named dimension is taken to be at least 1.
"""

import ast
from collections.abc import Mapping, Sequence

from trtlab.core.types import Dim, TensorType
from trtlab.layers.polynomial import (
    Extent,
    NotAnExpressionError,
    Poly,
    compare,
    divide,
    extent_of,
    extreme,
    fold,
    lower,
    plus,
    polynomial,
    quoted,
    quotient,
    times,
    tree_of,
)


def add(*extents: Extent) -> Extent:
    """The sum."""
    total: Poly = {}
    for extent in extents:
        total = plus(total, polynomial(extent))
    return extent_of(total)


def sub(a: Extent, b: Extent) -> Extent:
    """``a − b``."""
    return extent_of(plus(polynomial(a), polynomial(b), -1))


def mul(*extents: Extent) -> Extent:
    """The product; the product of nothing is 1."""
    total: Poly = {(): 1}
    for extent in extents:
        total = times(total, polynomial(extent))
    return extent_of(total)


def product(extents: Sequence[Extent]) -> Extent:
    """Number of elements of a shape."""
    return mul(*extents)


def floor_div(a: Extent, b: Extent) -> Extent:
    """``⌊a / b⌋``.

    Raises:
        ZeroDivisionError: ``b`` is the number 0.
    """
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    return extent_of(quotient(polynomial(a), polynomial(b)))


def ceil_div(a: Extent, b: Extent) -> Extent:
    """``⌈a / b⌉`` for a positive ``b``."""
    return floor_div(sub(add(a, b), 1), b)


def exact_div(a: Extent, b: Extent) -> Extent | None:
    """``a / b`` where that is an integer expression for certain, else None."""
    result = divide(polynomial(a), polynomial(b))
    return None if result is None else extent_of(result)


def maximum(a: Extent, b: Extent) -> Extent:
    """The larger."""
    return extent_of(extreme(polynomial(a), polynomial(b), "max"))


def minimum(a: Extent, b: Extent) -> Extent:
    """The smaller."""
    return extent_of(extreme(polynomial(a), polynomial(b), "min"))


def at_least(a: Extent, b: Extent) -> bool | None:
    """Whether ``a ≥ b``; None when that depends on the named dimensions."""
    return compare(polynomial(a), polynomial(b))


def equal(a: Extent, b: Extent) -> bool | None:
    """Whether the two are the same; None when that depends on the named dimensions."""
    difference = plus(polynomial(a), polynomial(b), -1)
    if not difference:
        return True
    for signed in (difference, plus({}, difference, -1)):
        if (low := lower(signed)) is not None and low > 0:
            return False
    return None


def substitute(extent: Extent, sizes: Mapping[str, Extent]) -> Extent:
    """The expression with some names replaced by sizes; names left out stay."""
    if isinstance(extent, int):
        return extent
    if extent.name in sizes:
        return sizes[extent.name]

    def leaf(name: str) -> Poly:
        return polynomial(sizes[name]) if name in sizes else {(quoted(name),): 1}

    try:
        return extent_of(fold(tree_of(extent.name), leaf))
    except NotAnExpressionError:
        return extent


def symbols(extent: Extent) -> tuple[str, ...]:
    """The names in the expression, sorted."""
    if isinstance(extent, int):
        return ()
    try:
        tree = tree_of(extent.name)
    except NotAnExpressionError:
        return (extent.name,)
    found = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    found |= {
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    return tuple(sorted(found - {"max", "min"}))


def parse(text: str) -> Extent:
    """A number, or the dimension that the text names, in canonical form."""
    return extent_of(polynomial(Dim(text)))


def unknown(role: str) -> Dim:
    """A size that only the data decide, such as a count of non-zeros.

    An operator does not know which layer it serves, so the name is only unique within one
    layer. The network makes it unique with `qualify`.
    """
    return Dim(f"?{role}")


def qualify(types: Sequence[TensorType], owner: str) -> tuple[TensorType, ...]:
    """Types whose dimensions made by `unknown` are named after their layer.

    ``?count`` of a layer ``mask`` becomes ``mask.count``, also inside expressions.
    """
    return tuple(
        TensorType(kind.dtype, tuple(_qualified(extent, owner) for extent in kind.shape))
        for kind in types
    )


def _qualified(extent: Extent, owner: str) -> Extent:
    if isinstance(extent, int) or "?" not in extent.name:
        return extent
    names = [name for name in symbols(extent) if name.startswith("?")]
    return substitute(extent, {name: Dim(f"{owner}.{name[1:]}") for name in names})
