"""Arithmetic on dimensions, of which some are known by name only.

Every result is an int or a `Dim` whose name is the expression in canonical form, so that equal
expressions get equal names: ``mul(batch, 12)`` is ``batch*12``, ``add(sequence, 1)`` is
``(sequence+1)``, ``floor_div(add(h, 1), 2)`` is ``((h+1)//2)``, ``maximum(a, b)`` is
``max(a|b)``. A name made here holds no
comma and no blank unless an atom does, and is read back by `parse`.

Expressions are polynomials with integer coefficients over atoms: names and such ``//``, ``max``
and ``min`` terms as do not simplify. A named dimension is taken to be at least 1.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from math import gcd

from trtlab.core.types import Dim

Extent = int | Dim
# A product of atoms (sorted, printable text of each) and its coefficient.
_Monomial = tuple[str, ...]
_Poly = dict[_Monomial, int]

_LONGEST_NAME = 400  # a longer expression is named by its digest


class _NotAnExpressionError(Exception):
    """The text is a plain name, not an expression in the canonical syntax."""


def add(*extents: Extent) -> Extent:
    """The sum."""
    total: _Poly = {}
    for extent in extents:
        total = _plus(total, _poly(extent))
    return _extent(total)


def sub(a: Extent, b: Extent) -> Extent:
    """``a − b``."""
    return _extent(_plus(_poly(a), _poly(b), -1))


def mul(*extents: Extent) -> Extent:
    """The product; the product of nothing is 1."""
    total: _Poly = {(): 1}
    for extent in extents:
        total = _times(total, _poly(extent))
    return _extent(total)


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
    return _extent(_quotient(_poly(a), _poly(b)))


def ceil_div(a: Extent, b: Extent) -> Extent:
    """``⌈a / b⌉`` for a positive ``b``."""
    return floor_div(sub(add(a, b), 1), b)


def exact_div(a: Extent, b: Extent) -> Extent | None:
    """``a / b`` where that is an integer expression for certain, else None."""
    quotient = _divide(_poly(a), _poly(b))
    return None if quotient is None else _extent(quotient)


def maximum(a: Extent, b: Extent) -> Extent:
    """The larger."""
    return _extent(_extreme(_poly(a), _poly(b), "max"))


def minimum(a: Extent, b: Extent) -> Extent:
    """The smaller."""
    return _extent(_extreme(_poly(a), _poly(b), "min"))


def at_least(a: Extent, b: Extent) -> bool | None:
    """Whether ``a ≥ b``; None when that depends on the named dimensions."""
    return _compare(_poly(a), _poly(b))


def equal(a: Extent, b: Extent) -> bool | None:
    """Whether the two are the same; None when that depends on the named dimensions."""
    difference = _plus(_poly(a), _poly(b), -1)
    if not difference:
        return True
    for signed in (difference, _plus({}, difference, -1)):
        if (low := _lower(signed)) is not None and low > 0:
            return False
    return None


def substitute(extent: Extent, sizes: Mapping[str, Extent]) -> Extent:
    """The expression with some names replaced by sizes; names left out stay."""
    if isinstance(extent, int):
        return extent
    if extent.name in sizes:
        return sizes[extent.name]

    def leaf(name: str) -> _Poly:
        return _poly(sizes[name]) if name in sizes else {(_quoted(name),): 1}

    try:
        return _extent(_fold(_tree(extent.name), leaf))
    except _NotAnExpressionError:
        return extent


def symbols(extent: Extent) -> tuple[str, ...]:
    """The names in the expression, sorted."""
    if isinstance(extent, int):
        return ()
    try:
        tree = _tree(extent.name)
    except _NotAnExpressionError:
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
    return _extent(_poly(Dim(text)))


def unknown(role: str) -> Dim:
    """A size that only the data decide, such as a count of non-zeros.

    An operator does not know which layer it serves, so the name is only unique within one
    layer. The network makes it unique with `qualify`.
    """
    return Dim(f"?{role}")


def qualify(extent: Extent, owner: str) -> Extent:
    """A dimension made by `unknown`, or an expression over one, named after its layer."""
    names = [name for name in symbols(extent) if name.startswith("?")]
    return substitute(extent, {name: Dim(f"{owner}.{name[1:]}") for name in names})


# Polynomials.


def _plus(a: _Poly, b: _Poly, factor: int = 1) -> _Poly:
    total = dict(a)
    for monomial, coefficient in b.items():
        total[monomial] = total.get(monomial, 0) + factor * coefficient
        if not total[monomial]:
            del total[monomial]
    return total


def _times(a: _Poly, b: _Poly) -> _Poly:
    total: _Poly = {}
    for left, factor in a.items():
        scaled = {tuple(sorted((*left, *right))): factor * c for right, c in b.items()}
        total = _plus(total, scaled)
    return total


def _without(monomial: _Monomial, factor: _Monomial) -> _Monomial | None:
    """The monomial divided by another, None when that leaves a rest."""
    rest = list(monomial)
    for atom in factor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def _order(monomial: _Monomial) -> tuple[int, _Monomial]:
    return (-len(monomial), monomial)


def _divide(a: _Poly, b: _Poly) -> _Poly | None:
    """Exact polynomial division, leading term by leading term."""
    if not b:
        return None
    head = min(b, key=_order)
    rest, quotient = dict(a), dict[_Monomial, int]()
    for _ in range(256):
        if not rest:
            return quotient
        lead = min(rest, key=_order)
        monomial = _without(lead, head)
        if monomial is None or rest[lead] % b[head]:
            return None
        term = {monomial: rest[lead] // b[head]}
        quotient = _plus(quotient, term)
        rest = _plus(rest, _times(term, b), -1)
    return None


def _quotient(a: _Poly, b: _Poly) -> _Poly:
    """``⌊a / b⌋``: whole multiples are drawn out, the rest becomes one atom."""
    if not b:
        raise ZeroDivisionError
    exact = _divide(a, b)
    if exact is not None:
        return exact
    if set(b) != {()}:
        return {(f"({_text(a)}//{_text(b, nested=True)})",): 1}
    divisor = b[()]
    whole = {m: c // divisor for m, c in a.items() if m == () or c % divisor == 0}
    whole = {m: c for m, c in whole.items() if c}
    rest = _plus(a, whole, -divisor)
    if not any(rest):  # a number between 0 and the divisor is left, or nothing
        return whole
    common = gcd(divisor, *(c for m, c in rest.items() if m))
    if common > 1:  # ⌊(g·x + r)/(g·d)⌋ = ⌊(x + ⌊r/g⌋)/d⌋
        rest = {m: c // common for m, c in rest.items() if c // common}
        divisor //= common
    inner = _inner_quotient(rest)
    if inner is not None and divisor > 0:  # ⌊(⌊x/d⌋ + c)/e⌋ = ⌊(x + c·d)/(d·e)⌋
        numerator, denominator = inner
        rest = _plus(numerator, {(): rest[()] * denominator} if () in rest else {})
        return _plus(whole, _quotient(rest, {(): denominator * divisor}))
    return _plus(whole, {(f"({_text(rest)}//{divisor})",): 1})


def _inner_quotient(poly: _Poly) -> tuple[_Poly, int] | None:
    """Numerator and denominator when the polynomial is ``⌊x/number⌋ + number``."""
    atoms = [m for m in poly if m]
    if len(atoms) != 1 or len(atoms[0]) != 1 or poly[atoms[0]] != 1:
        return None
    text = atoms[0][0]
    if not text.startswith("("):
        return None
    node = _tree(text)
    if not (isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant)):
        return None
    denominator = node.right.value
    if not isinstance(denominator, int) or denominator <= 0:
        return None
    return _fold(node.left, _leaf), denominator


def _lower(poly: _Poly) -> int | None:
    """The least value there can be, None when there is no bound."""
    total = 0
    for monomial, coefficient in poly.items():
        least = 1
        for atom in monomial:
            bound = _lower_atom(atom)
            if bound is None or bound < 0:
                return None
            least *= bound
        if monomial and coefficient < 0:
            return None
        total += coefficient * least
    return total


def _lower_atom(atom: str) -> int | None:
    if not atom.startswith(("(", "max(", "min(")):
        return 1
    node = _tree(atom)
    if isinstance(node, ast.BinOp):
        low, divisor = _lower(_fold(node.left, _leaf)), _fold(node.right, _leaf)
        if low is None or low < 0 or (_lower(divisor) or 0) < 1:
            return None
        return low // divisor[()] if set(divisor) == {()} else 0
    name, left, right = _call(node)
    bounds = [_lower(_fold(side, _leaf)) for side in (left, right)]
    known = [bound for bound in bounds if bound is not None]
    if name == "max":
        return max(known, default=None)
    return min(known) if len(known) == len(bounds) else None


def _compare(a: _Poly, b: _Poly) -> bool | None:
    """Whether ``a ≥ b``."""
    difference = _plus(a, b, -1)
    if (low := _lower(difference)) is not None and low >= 0:
        return True
    high = _lower(_plus({}, difference, -1))  # lowest b − a
    return False if high is not None and high > 0 else None


def _extreme(a: _Poly, b: _Poly, which: str) -> _Poly:
    """The larger (``max``) or smaller (``min``) of two."""
    if _compare(a, b) is True or _compare(b, a) is False:
        return a if which == "max" else b
    if _compare(b, a) is True or _compare(a, b) is False:
        return b if which == "max" else a
    texts = sorted(_text(side, nested=True) for side in (a, b))
    return {(f"{which}({'|'.join(texts)})",): 1}


# Text.


def _poly(extent: Extent) -> _Poly:
    if isinstance(extent, int):
        return {(): extent} if extent else {}
    return dict(_terms(extent.name))


@lru_cache(maxsize=8192)
def _terms(name: str) -> tuple[tuple[_Monomial, int], ...]:
    try:
        return tuple(_fold(_tree(name), _leaf).items())
    except _NotAnExpressionError:
        return (((_quoted(name),), 1),)


def _leaf(name: str) -> _Poly:
    return {(_quoted(name),): 1}


def _quoted(name: str) -> str:
    return name if name.isidentifier() else repr(name)


def _extent(poly: _Poly) -> Extent:
    if not poly:
        return 0
    if set(poly) == {()}:
        return poly[()]
    text = _text(poly)
    if text[0] in "'\"" and list(poly.values()) == [1] and len(next(iter(poly))) == 1:
        return Dim(str(ast.literal_eval(text)))
    if len(text) > _LONGEST_NAME:
        return Dim("expression_" + sha256(text.encode()).hexdigest()[:16])
    return Dim(text)


def _text(poly: _Poly, *, nested: bool = False) -> str:
    """Common factors, then the sum in parentheses, then the common number."""
    if not poly:
        return "0"
    monomials = sorted(poly, key=_order)
    common: list[str] = []
    for atom in monomials[0]:
        trial = (*common, atom)
        if all(_without(m, tuple(trial)) is not None for m in monomials):
            common.append(atom)
    number = gcd(*poly.values())
    if len(monomials) == 1:
        number = poly[monomials[0]]
    factors = list(common)
    if len(monomials) > 1:
        factors.append(_sum_text(poly, monomials, tuple(common), number))
    if number != 1 or not factors:
        factors.append(str(number))
    text = "*".join(factors)
    return f"({text})" if nested and len(factors) > 1 else text


def _sum_text(
    poly: _Poly, monomials: Sequence[_Monomial], common: _Monomial, number: int
) -> str:
    pieces: list[str] = []
    for monomial in monomials:
        atoms = _without(monomial, common) or ()
        coefficient = poly[monomial] // number
        factors = (
            [*atoms] if atoms and abs(coefficient) == 1 else [*atoms, str(abs(coefficient))]
        )
        pieces.append(("-" if coefficient < 0 else "+") + "*".join(factors))
    return f"({''.join(pieces).removeprefix('+')})"


def _tree(text: str) -> ast.expr:
    if len(text) > _LONGEST_NAME + 8:
        raise _NotAnExpressionError
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _NotAnExpressionError from error


def _call(node: ast.expr) -> tuple[str, ast.expr, ast.expr]:
    match node:
        case ast.Call(
            func=ast.Name(id="max" | "min" as name),
            args=[ast.BinOp(op=ast.BitOr(), left=left, right=right)],
            keywords=[],
        ):
            return name, left, right
        case _:
            raise _NotAnExpressionError


def _fold(node: ast.expr, leaf: Callable[[str], _Poly]) -> _Poly:
    match node:
        case ast.Name(id=name):
            return leaf(name)
        case ast.Constant(value=str() as name):
            return leaf(name)
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return {(): number} if number else {}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _plus({}, _fold(operand, leaf), -1)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _plus(_fold(left, leaf), _fold(right, leaf))
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            return _plus(_fold(left, leaf), _fold(right, leaf), -1)
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return _times(_fold(left, leaf), _fold(right, leaf))
        case ast.BinOp(op=ast.FloorDiv(), left=left, right=right):
            divisor = _fold(right, leaf)
            if not divisor:
                raise _NotAnExpressionError
            return _quotient(_fold(left, leaf), divisor)
        case _:
            which, left, right = _call(node)
            return _extreme(_fold(left, leaf), _fold(right, leaf), which)
