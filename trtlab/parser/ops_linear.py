"""MatMul, Gemm and Einsum."""

from trtlab.core.enums import ElementWiseOperation, MatrixOperation
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.network.graph import Tensor
from trtlab.parser.node import Converted, Node


def matmul(node: Node) -> Converted:
    """MatMul, with NumPy's rules for vectors."""
    a, b = node.input(0), node.input(1)
    ops = [
        MatrixOperation.VECTOR if len(t.shape) == 1 else MatrixOperation.NONE for t in (a, b)
    ]
    return node.emit(MatrixMultiply(op0=ops[0], op1=ops[1]), a, b)


def gemm(node: Node) -> Converted:
    """Gemm: α·A'B' + β·C; a row vector C becomes the multiplication's bias."""
    a, b, c = node.input(0), node.input(1), node.optional(2)
    for tensor in (a, b):
        if len(tensor.shape) != 2:
            raise node.invalid(f"{tensor.name} has {len(tensor.shape)} dimensions, not 2")
    op = MatrixMultiply(
        op0=MatrixOperation.TRANSPOSE if node.attr_int("transA", 0) else MatrixOperation.NONE,
        op1=MatrixOperation.TRANSPOSE if node.attr_int("transB", 0) else MatrixOperation.NONE,
        alpha=node.attr_float("alpha", 1.0),
    )
    beta = node.attr_float("beta", 1.0)
    if c is None or beta == 0:
        return node.emit(op, a, b)
    scaled = _scaled(node, c, beta)
    columns = b.shape[0] if op.op1 is MatrixOperation.TRANSPOSE else b.shape[1]
    row = _row(node, scaled, columns)
    if row is not None:
        return node.emit(op, a, b, row)
    product = node.emit(op, a, b, part="product")
    return node.emit(ElementWise(ElementWiseOperation.SUM), product, scaled)


def _scaled(node: Node, c: Tensor, beta: float) -> Tensor:
    if beta == 1:
        return c
    data = node.known(c)
    if data is not None:
        return node.new_constant(data * data.dtype.type(beta), "bias")
    factor = node.new_scalar(beta, c.dtype, "beta", rank=len(c.shape))
    return node.emit(ElementWise(ElementWiseOperation.PROD), c, factor, part="bias")


def _row(node: Node, c: Tensor, columns: object) -> Tensor | None:
    """The addend as one value a column, when it is that."""
    if len(c.shape) == 1 and c.shape[0] == columns:
        return c
    if len(c.shape) == 2 and c.shape[0] == 1 and c.shape[1] == columns:
        return None if c.data is None else node.new_constant(c.data.reshape(-1), "bias")
    return None


def einsum(node: Node) -> Converted:
    """Einsum."""
    equation = node.attr_str("equation", "").replace(" ", "")
    operands = [node.input(i) for i in range(len(node.inputs))]
    return node.emit(Einsum(equation=equation), *operands)
