"""Polynomials with integer coefficients: the algebra behind `dims`.

A polynomial maps monomials to coefficients. A monomial is the sorted tuple of its atoms, and
an atom is its own text: a name, a quoted name that is no identifier, or a ``//``, ``max`` or
``min`` term that does not simplify.
"""

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from math import gcd

from trtlab.core.types import Dim

Extent = int | Dim
Monomial = tuple[str, ...]
Poly = dict[Monomial, int]

_LONGEST_NAME = 400  # a longer expression is named by its digest
_MOST_TERMS = 256  # of a product; larger ones are not multiplied out


class NotAnExpressionError(Exception):
    """The text is a plain name, not an expression in the canonical syntax."""


def plus(a: Poly, b: Poly, factor: int = 1) -> Poly:
    """``a + factor · b``."""
    total = dict(a)
    for monomial, coefficient in b.items():
        total[monomial] = total.get(monomial, 0) + factor * coefficient
        if not total[monomial]:
            del total[monomial]
    return total


def times(a: Poly, b: Poly) -> Poly:
    """``a · b``; a product of very many terms is not multiplied out."""
    if len(a) * len(b) > _MOST_TERMS:
        a, b = ({(_atom(_text(side)),): 1} if len(side) > 1 else side for side in (a, b))
    total: Poly = {}
    for left, factor in a.items():
        scaled = {tuple(sorted((*left, *right))): factor * c for right, c in b.items()}
        total = plus(total, scaled)
    return total


def _without(monomial: Monomial, factor: Monomial) -> Monomial | None:
    """The monomial divided by another, None when that leaves a rest."""
    rest = list(monomial)
    for atom in factor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def _order(monomial: Monomial) -> tuple[int, Monomial]:
    return (-len(monomial), monomial)


def divide(a: Poly, b: Poly) -> Poly | None:
    """Exact polynomial division, leading term by leading term."""
    if not b:
        return None
    head = min(b, key=_order)
    rest, result = dict(a), dict[Monomial, int]()
    for _ in range(256):
        if not rest:
            return result
        lead = min(rest, key=_order)
        monomial = _without(lead, head)
        if monomial is None or rest[lead] % b[head]:
            return None
        term = {monomial: rest[lead] // b[head]}
        result = plus(result, term)
        rest = plus(rest, times(term, b), -1)
    return None


def quotient(a: Poly, b: Poly) -> Poly:
    """``⌊a / b⌋``: whole multiples are drawn out, the rest becomes one atom."""
    if not b:
        raise ZeroDivisionError
    exact = divide(a, b)
    if exact is not None:
        return exact
    if set(b) != {()}:
        return {(_atom(f"({_text(a)}//{_text(b, nested=True)})"),): 1}
    divisor = b[()]
    whole = {m: c // divisor for m, c in a.items() if m == () or c % divisor == 0}
    whole = {m: c for m, c in whole.items() if c}
    rest = plus(a, whole, -divisor)
    if not any(rest):  # a number between 0 and the divisor is left, or nothing
        return whole
    common = gcd(divisor, *(c for m, c in rest.items() if m))
    if common > 1:  # ⌊(g·x + r)/(g·d)⌋ = ⌊(x + ⌊r/g⌋)/d⌋
        rest = {m: c // common for m, c in rest.items() if c // common}
        divisor //= common
    inner = _inner_quotient(rest)
    if inner is not None and divisor > 0:  # ⌊(⌊x/d⌋ + c)/e⌋ = ⌊(x + c·d)/(d·e)⌋
        numerator, denominator = inner
        rest = plus(numerator, {(): rest[()] * denominator} if () in rest else {})
        return plus(whole, quotient(rest, {(): denominator * divisor}))
    return plus(whole, {(_atom(f"({_text(rest)}//{divisor})"),): 1})


def _inner_quotient(poly: Poly) -> tuple[Poly, int] | None:
    """Numerator and denominator when the polynomial is ``⌊x/number⌋ + number``."""
    atoms = [m for m in poly if m]
    if len(atoms) != 1 or len(atoms[0]) != 1 or poly[atoms[0]] != 1:
        return None
    text = atoms[0][0]
    if not text.startswith("("):
        return None
    node = tree_of(text)
    if not (isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant)):
        return None
    denominator = node.right.value
    if not isinstance(denominator, int) or denominator <= 0:
        return None
    return fold(node.left, _leaf), denominator


def lower(poly: Poly) -> int | None:
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
    node = tree_of(atom)
    if isinstance(node, ast.BinOp):
        low, divisor = lower(fold(node.left, _leaf)), fold(node.right, _leaf)
        if low is None or low < 0 or (lower(divisor) or 0) < 1:
            return None
        return low // divisor[()] if set(divisor) == {()} else 0
    name, left, right = _call(node)
    bounds = [lower(fold(side, _leaf)) for side in (left, right)]
    known = [bound for bound in bounds if bound is not None]
    if name == "max":
        return max(known, default=None)
    return min(known) if len(known) == len(bounds) else None


def compare(a: Poly, b: Poly) -> bool | None:
    """Whether ``a ≥ b``."""
    difference = plus(a, b, -1)
    if (low := lower(difference)) is not None and low >= 0:
        return True
    high = lower(plus({}, difference, -1))  # lowest b − a
    return False if high is not None and high > 0 else None


def extreme(a: Poly, b: Poly, which: str) -> Poly:
    """The larger (``max``) or smaller (``min``) of two."""
    if compare(a, b) is True or compare(b, a) is False:
        return a if which == "max" else b
    if compare(b, a) is True or compare(a, b) is False:
        return b if which == "max" else a
    texts = sorted(_text(side, nested=True) for side in (a, b))
    return {(_atom(f"{which}({'|'.join(texts)})"),): 1}


def polynomial(extent: Extent) -> Poly:
    """The polynomial that a number or a dimension's name stands for."""
    if isinstance(extent, int):
        return {(): extent} if extent else {}
    return dict(_terms(extent.name))


@lru_cache(maxsize=8192)
def _terms(name: str) -> tuple[tuple[Monomial, int], ...]:
    try:
        return tuple(fold(tree_of(name), _leaf).items())
    except NotAnExpressionError:
        return (((quoted(name),), 1),)


def _leaf(name: str) -> Poly:
    return {(quoted(name),): 1}


def quoted(name: str) -> str:
    """The atom of a plain name."""
    return name if name.isidentifier() else repr(name)


def extent_of(poly: Poly) -> Extent:
    """The number, or the dimension with the canonical name."""
    if not poly:
        return 0
    if set(poly) == {()}:
        return poly[()]
    text = _text(poly)
    if text[0] in "'\"" and list(poly.values()) == [1] and len(next(iter(poly))) == 1:
        return Dim(str(ast.literal_eval(text)))
    return Dim(_atom(text))


def _atom(text: str) -> str:
    """The text of an atom, or a name made of its digest where that is too long."""
    if len(text) <= _LONGEST_NAME:
        return text
    return "expression_" + sha256(text.encode()).hexdigest()[:16]


def _text(poly: Poly, *, nested: bool = False) -> str:
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


def _sum_text(poly: Poly, monomials: Sequence[Monomial], common: Monomial, number: int) -> str:
    pieces: list[str] = []
    for monomial in monomials:
        atoms = _without(monomial, common) or ()
        coefficient = poly[monomial] // number
        factors = (
            [*atoms] if atoms and abs(coefficient) == 1 else [*atoms, str(abs(coefficient))]
        )
        pieces.append(("-" if coefficient < 0 else "+") + "*".join(factors))
    return f"({''.join(pieces).removeprefix('+')})"


def tree_of(text: str) -> ast.expr:
    """The syntax tree of an expression.

    Raises:
        NotAnExpressionError: It is none.
    """
    if len(text) > _LONGEST_NAME + 8:
        raise NotAnExpressionError
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotAnExpressionError from error


def _call(node: ast.expr) -> tuple[str, ast.expr, ast.expr]:
    match node:
        case ast.Call(
            func=ast.Name(id="max" | "min" as name),
            args=[ast.BinOp(op=ast.BitOr(), left=left, right=right)],
            keywords=[],
        ):
            return name, left, right
        case _:
            raise NotAnExpressionError


def fold(node: ast.expr, leaf: Callable[[str], Poly]) -> Poly:
    """The polynomial of a syntax tree.

    Args:
        node: From `tree_of`.
        leaf: The polynomial of a plain name.

    Raises:
        NotAnExpressionError: The syntax has something else than arithmetic.
    """
    match node:
        case ast.Name(id=name):
            return leaf(name)
        case ast.Constant(value=str() as name):
            return leaf(name)
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return {(): number} if number else {}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return plus({}, fold(operand, leaf), -1)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return plus(fold(left, leaf), fold(right, leaf))
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            return plus(fold(left, leaf), fold(right, leaf), -1)
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return times(fold(left, leaf), fold(right, leaf))
        case ast.BinOp(op=ast.FloorDiv(), left=left, right=right):
            divisor = fold(right, leaf)
            if not divisor:
                raise NotAnExpressionError
            return quotient(fold(left, leaf), divisor)
        case _:
            which, left, right = _call(node)
            return extreme(fold(left, leaf), fold(right, leaf), which)
