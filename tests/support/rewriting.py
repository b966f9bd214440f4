"""Small networks for tests of rewrite rules, and the checks that every rewrite must pass."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from trtlab.core.enums import (
    ActivationType,
    ElementWiseOperation,
    ReduceOperation,
    UnaryOperation,
)
from trtlab.core.types import DataType, Dim
from trtlab.layers.activation import Activation, Unary
from trtlab.layers.convolution import Convolution
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.reduction import Reduce, SoftMax
from trtlab.layers.shuffle import Shuffle
from trtlab.network.clone import clone
from trtlab.network.evaluate import evaluate
from trtlab.network.graph import Layer, Network, Origin, Tensor
from trtlab.network.verify import verify
from trtlab.passes.base import Pass, PassResult

BATCH, LENGTH = Dim("batch"), Dim("length")
SIZES = {"batch": 2, "length": 5, "width": 6}


class Graph:
    """Builds a network; every layer gets an origin of its own name."""

    def __init__(self, seed: int = 0) -> None:
        self.network = Network("test")
        self.rng = np.random.default_rng(seed)

    def input(self, name: str, *shape: int | Dim, dtype: DataType = DataType.FLOAT) -> Tensor:
        return self.network.add_input(name, dtype, shape)

    def constant(
        self, values: object, dtype: DataType = DataType.FLOAT, name: str = "c"
    ) -> Tensor:
        return self.network.add_constant(name, np.array(values, dtype.numpy))

    def weight(self, *shape: int, name: str = "w", dtype: DataType = DataType.FLOAT) -> Tensor:
        drawn = self.rng.standard_normal(shape) / np.sqrt(max(np.prod(shape[1:]), 1))
        return self.constant(drawn, dtype, name)

    def layer(self, op: object, *inputs: Tensor | None, name: str = "") -> Layer:
        wanted = name or op.kind.lower()
        made = self.network.add_layer(op, inputs, name=wanted)
        made.origins = (Origin(made.name, op.kind),)
        return made

    def add(self, op: object, *inputs: Tensor | None, name: str = "") -> Tensor:
        return self.layer(op, *inputs, name=name).outputs[0]

    def output(self, *tensors: Tensor) -> Network:
        for tensor in tensors:
            self.network.mark_output(tensor)
        return self.network

    # Layers that many tests use.

    def conv(
        self,
        x: Tensor,
        maps: int,
        size: int = 1,
        *,
        bias: bool = False,
        name: str = "conv",
        **kw,
    ) -> Tensor:
        channels = int(str(x.shape[1])) // kw.get("num_groups", 1)
        kernel = self.weight(maps, channels, size, size, name=f"{name}.w")
        b = self.weight(maps, name=f"{name}.b") if bias else None
        pad = ((size - 1) // 2,) * 2
        kw = {"pre_padding": pad, "post_padding": pad, **kw}
        return self.add(Convolution(**kw), x, kernel, b, name=name)

    def matmul(
        self, a: Tensor, b: Tensor | int, bias: Tensor | None = None, name: str = "mm", **kw
    ):
        if isinstance(b, int):
            b = self.weight(int(str(a.shape[-1])), b, name=f"{name}.w")
        return self.add(MatrixMultiply(**kw), a, b, bias, name=name)

    def binary(self, op: str, a: Tensor | float, b: Tensor | float, name: str = "") -> Tensor:
        sides = [t if isinstance(t, Tensor) else self.constant(t) for t in (a, b)]
        return self.add(ElementWise(ElementWiseOperation(op)), *sides, name=name or op)

    def unary(self, op: str, x: Tensor, name: str = "") -> Tensor:
        return self.add(Unary(UnaryOperation(op)), x, name=name or op)

    def act(
        self, op: str, x: Tensor, alpha: float = 0, beta: float = 0, name: str = ""
    ) -> Tensor:
        return self.add(Activation(ActivationType(op), alpha, beta), x, name=name or op)

    def reshape(self, x: Tensor, *shape: int, name: str = "reshape") -> Tensor:
        return self.add(Shuffle(reshape_dims=shape), x, name=name)

    def transpose(self, x: Tensor, *order: int, name: str = "transpose") -> Tensor:
        return self.add(Shuffle(first_transpose=order), x, name=name)

    def softmax(self, x: Tensor, name: str = "softmax") -> Tensor:
        return self.add(SoftMax(axes=(x.type.rank - 1,)), x, name=name)

    def mean(self, x: Tensor, *axes: int, name: str = "mean", keep: bool = True) -> Tensor:
        return self.add(Reduce(ReduceOperation.AVG, axes, keep_dims=keep), x, name=name)


def kinds(network: Network) -> dict[str, int]:
    """How many layers there are of each type."""
    return dict(Counter(layer.op.kind for layer in network))


def names(network: Network) -> list[str]:
    """Names of the layers in order."""
    return [layer.name for layer in network]


def random_inputs(network: Network, seed: int = 1) -> dict[str, np.ndarray]:
    """Doubles for floats, small integers and coins for the rest; named sizes as in `SIZES`."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for tensor in network.inputs:
        shape = tuple(SIZES.get(str(d), d) for d in tensor.shape)
        if tensor.dtype.is_float:
            made[tensor.name] = rng.standard_normal(shape)
        elif tensor.dtype is DataType.BOOL:
            made[tensor.name] = rng.random(shape) < 0.7
        else:
            made[tensor.name] = rng.integers(0, 4, shape).astype(tensor.dtype.numpy)
    return made


def rewrite(
    rule: Pass | Sequence[Pass],
    network: Network,
    *,
    tolerance: float = 1e-6,
    unneeded: Sequence[str] = (),
) -> tuple[Network, list[PassResult]]:
    """Run rules on a copy and check what every rewrite must keep.

    That is: the network is sound, outputs keep names, types and numbers (computed in double
    precision from the same inputs), no origin of a float layer gets lost (except of those that
    are unneeded), and a second run changes nothing.
    """
    rules = [rule] if not isinstance(rule, Sequence) else list(rule)
    copy = clone(network)
    results = [each.run(copy) for each in rules]
    verify(copy)
    assert [t.name for t in copy.outputs] == [t.name for t in network.outputs]
    assert [t.type for t in copy.outputs] == [t.type for t in network.outputs]
    compare(network, copy, tolerance=tolerance)
    lost = {o.node for o in _origins(network) - _origins(copy)} - set(unneeded)
    assert not lost, f"origins were lost: {lost}"
    if len(rules) == 1:
        again = rules[0].run(copy)
        assert again.changes == 0, f"{rules[0].name} is not at its fixed point"
    return copy, results


def _origins(network: Network) -> set[Origin]:
    """Origins of the layers that compute floats."""
    return {
        origin
        for layer in network
        if any(t.dtype.is_float for t in layer.outputs)
        for origin in layer.origins
    }


def compare(
    network: Network,
    copy: Network,
    *,
    inputs: Mapping[str, np.ndarray] | None = None,
    tolerance: float = 1e-6,
) -> None:
    """Both networks give the same numbers."""
    given = random_inputs(network) if inputs is None else dict(inputs)
    wanted, got = evaluate(network, given), evaluate(copy, given)
    for name, array in wanted.items():
        np.testing.assert_allclose(
            got[name].astype(np.float64),
            array.astype(np.float64),
            rtol=tolerance,
            atol=tolerance * max(1.0, float(np.abs(array).max(initial=0))),
            err_msg=name,
        )


def fires(rule: Pass, network: Network, **kw) -> Network:
    """The rule changes something, and the result passes all checks."""
    copy, (result,) = rewrite(rule, network, **kw)
    assert result.changes > 0, result.rejections
    return copy


def declines(rule: Pass, network: Network, reason: str = "") -> None:
    """The rule changes nothing, and says why (or has nothing to say)."""
    before = names(network)
    copy, (result,) = rewrite(rule, network)
    assert result.changes == 0
    assert names(copy) == before
    reasons = [record.reason for record in result.rejections]
    if reason:
        assert any(reason in said for said in reasons), reasons
    else:
        assert not reasons
