"""The error function on whole arrays, which NumPy lacks."""

from typing import Any

import numpy as np

# Rational approximations, numerators and denominators from the highest power down.
# Source: W. J. Cody 1969, "Rational Chebyshev approximations for the error function",
# doi:10.1090/S0025-5718-1969-0247736-4.
_NEAR_LIMIT = 0.46875
_NEAR_TOP = (
    1.85777706184603153e-1,
    3.16112374387056560e00,
    1.13864154151050156e02,
    3.77485237685302021e02,
    3.20937758913846947e03,
)
_NEAR_BOTTOM = (
    1.0,
    2.36012909523441209e01,
    2.44024637934444173e02,
    1.28261652607737228e03,
    2.84423683343917062e03,
)
_FAR_TOP = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
)
_FAR_BOTTOM = (
    1.0,
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)
_ONE_FROM = 6.0  # erfc(6) is 2e-17: below half a unit in the last place of 1


def _polynomial(
    coefficients: tuple[float, ...], x: np.ndarray[Any, np.dtype[Any]]
) -> np.ndarray[Any, np.dtype[Any]]:
    """Horner's scheme in one buffer; ``numpy.polyval`` makes two arrays a power."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


def erf(x: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    """``2/√π · ∫₀ˣ exp(−t²) dt``, to a few units in the last place of float64.

    Args:
        x: Floating-point, any shape; computed in float64.

    Returns:
        The same shape and type.
    """
    wide = x.astype(np.float64)
    size = np.minimum(np.abs(wide), _ONE_FROM)  # NaN stays NaN
    square = size * size
    near = size * _polynomial(_NEAR_TOP, square) / _polynomial(_NEAR_BOTTOM, square)
    far = 1 - np.exp(-square) * _polynomial(_FAR_TOP, size) / _polynomial(_FAR_BOTTOM, size)
    return np.copysign(np.where(size <= _NEAR_LIMIT, near, far), wide).astype(x.dtype)
