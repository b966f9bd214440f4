"""Matrix products compute what ONNX Runtime computes, in every form they come in."""

import pytest
from onnx_models import node
from operator_cases import case, check_case, f32, normal

A, B = normal(2, 3, 4), normal(2, 4, 5)
CASES = [
    case("matmul", node("MatMul", "a b"), {"a": A, "b": B}, opset=13),
    case("matmul-vectors", node("MatMul", "a b"), {"a": A[0, 0], "b": B[0, :, 0]}),
    case("matmul-vector", node("MatMul", "a b"), {"a": A, "b": B[0, :, 0]}),
    case("vector-matmul", node("MatMul", "a b"), {"a": A[0, 0], "b": B}),
    case("gemm", node("Gemm", "a b c"), {"a": A[0]}, {"b": B[0], "c": normal(5)}),
    case("gemm-no-addend", node("Gemm", "a b"), {"a": A[0]}, {"b": B[0]}),
    case(
        "gemm-options",
        node("Gemm", "a b c", alpha=0.5, beta=2.0, transA=1, transB=1),
        {"a": A[0].T.copy()},
        {"b": B[0].T.copy(), "c": normal(1, 5)},
    ),
    case("gemm-column", node("Gemm", "a b c"), {"a": A[0], "c": normal(3, 1)}, {"b": B[0]}),
    case(
        "gemm-scalar", node("Gemm", "a b c", beta=0.5), {"a": A[0], "c": f32(3)}, {"b": B[0]}
    ),
    case(
        "gemm-beta-0", node("Gemm", "a b c", beta=0.0), {"a": A[0], "c": f32(3)}, {"b": B[0]}
    ),
    case("einsum", node("Einsum", "a b", equation=" bij, bjk -> bik "), {"a": A, "b": B}),
    case("einsum-implicit", node("Einsum", "a b", equation="...ij,...jk"), {"a": A, "b": B}),
]


@pytest.mark.parametrize(("made", "feed"), CASES)
def test_the_network_computes_what_onnx_runtime_computes(made, feed):
    check_case(made, feed)
