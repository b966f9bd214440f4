"""Networks drawn at random: whatever the rules make of them, the numbers stay."""

from collections.abc import Callable

import numpy as np
import pytest
from rewriting import BATCH, Graph, compare

from trtlab.core.enums import PoolingType, SampleMode, ScaleMode
from trtlab.core.types import DataType
from trtlab.layers.gather import Gather
from trtlab.layers.pooling import Pooling
from trtlab.layers.scale import Identity, Scale
from trtlab.layers.shuffle import Concatenation, Shuffle
from trtlab.layers.slicing import Padding, Slice
from trtlab.network.clone import clone
from trtlab.network.graph import Network, Tensor
from trtlab.network.verify import verify
from trtlab.passes.options import PassOptions
from trtlab.passes.pipeline import run

CHANNELS = 4


class Images:
    """Values [batch, 4, 6, 6]; each method makes one of others."""

    def __init__(self, g: Graph, rng: np.random.Generator) -> None:
        self.g, self.rng = g, rng
        self.values = [
            g.input("x", BATCH, CHANNELS, 6, 6),
            g.input("y", BATCH, CHANNELS, 6, 6),
        ]

    def pick(self) -> Tensor:
        # The latest values most of the time, so that chains grow.
        back = min(int(self.rng.geometric(0.5)), len(self.values))
        return self.values[-back]

    def convolution(self) -> Tensor:
        size = int(self.rng.choice([1, 3]))
        groups = int(self.rng.choice([1, 2]))
        return self.g.conv(
            self.pick(), CHANNELS, size, bias=bool(groups - 1), num_groups=groups
        )

    def padded(self) -> Tensor:
        value = float(self.rng.choice([0.0, 1.0]))
        pad = Padding((0, 0, 1, 1), (0, 0, 1, 1), SampleMode.FILL, value)
        y = self.g.add(pad, self.pick())
        return self.g.conv(y, CHANNELS, 3, pre_padding=(0, 0), post_padding=(0, 0))

    def scale(self) -> Tensor:
        shift, scale = self.g.weight(CHANNELS), self.g.weight(CHANNELS)
        return self.g.add(Scale(ScaleMode.CHANNEL), self.pick(), shift, scale)

    def activation(self) -> Tensor:
        kind = self.rng.choice(["relu", "sigmoid", "tanh", "gelu_erf"])
        return self.g.act(str(kind), self.pick())

    def swish(self) -> Tensor:
        x = self.pick()
        return self.g.binary("prod", x, self.g.act("sigmoid", x))

    def pair(self) -> Tensor:
        op = self.rng.choice(["sum", "sub", "prod", "max"])
        return self.g.binary(str(op), self.pick(), self.pick())

    def constant(self) -> Tensor:
        shape = [(), (CHANNELS, 1, 1), (1, CHANNELS, 1, 1), (6, 6)][self.rng.integers(4)]
        op = self.rng.choice(["sum", "sub", "prod"])
        sides = [self.pick(), self.g.weight(*shape)]
        return self.g.binary(str(op), *(sides if self.rng.random() < 0.7 else sides[::-1]))

    def gate(self) -> Tensor:
        x = self.pick()
        return self.g.binary("prod", x, self.g.act("sigmoid", self.g.mean(x, 2, 3)))

    def turned(self) -> Tensor:
        order = (0, 1, 3, 2) if self.rng.random() < 0.5 else (0, 2, 3, 1)
        y = self.g.transpose(self.pick(), *order)
        back = (0, 1, 3, 2) if order == (0, 1, 3, 2) else (0, 3, 1, 2)
        return self.g.transpose(self.g.act("relu", y) if self.rng.random() < 0.5 else y, *back)

    def reshaped(self) -> Tensor:
        y = self.g.reshape(self.pick(), 0, 4, 36)
        return self.g.reshape(self.g.reshape(y, 0, 6, 24), 0, 4, 6, 6)

    def joined(self) -> Tensor:
        both = self.g.add(Concatenation(axis=1), self.pick(), self.pick())
        start = int(self.rng.integers(0, CHANNELS + 1))
        box = Slice((start,), (CHANNELS,), (1,), (1,))
        return (
            self.g.add(box, both) if self.rng.random() < 0.5 else self.g.conv(both, CHANNELS)
        )

    def gathered(self) -> Tensor:
        index = self.g.constant(
            [[0, 1, 2, 3], [3, 2, 1, 0]][self.rng.integers(2)], DataType.INT64
        )
        return self.g.add(Gather(axis=1), self.pick(), index)

    def product(self) -> Tensor:
        x = self.pick()
        if self.rng.random() < 0.5:
            return self.g.matmul(x, 6)
        return self.g.binary("prod", self.g.matmul(x, self.g.transpose(x, 0, 1, 3, 2)), 0.1)

    def rows(self) -> Tensor:
        y = self.g.matmul(self.g.reshape(self.pick(), -1, 6), 6, self.g.weight(6))
        return self.g.add(Shuffle(reshape_dims=(-1, CHANNELS, 6, 6)), y)

    def attention(self) -> Tensor:
        q, k, v = self.pick(), self.pick(), self.pick()
        scores = self.g.matmul(self.g.binary("prod", q, 0.4), self.g.transpose(k, 0, 1, 3, 2))
        if self.rng.random() < 0.5:
            scores = self.g.binary("sum", scores, self.g.weight(6, 6))
        return self.g.matmul(self.g.softmax(scores), v)

    def norm(self) -> Tensor:
        x = self.pick()
        centred = self.g.binary("sub", x, self.g.mean(x, 3))
        variance = self.g.mean(self.g.binary("pow", centred, 2.0), 3)
        root = self.g.unary("sqrt", self.g.binary("sum", variance, 0.1))
        return self.g.binary("prod", self.g.binary("div", centred, root), self.g.weight(6))

    def nothing(self) -> Tensor:
        return self.g.add(Identity(), self.pick())

    def pooled(self) -> Tensor:
        y = self.g.add(Pooling(PoolingType.AVERAGE, (6, 6)), self.pick())
        return self.g.binary("sum", self.pick(), self.g.reshape(y, 0, CHANNELS, 1, 1))


METHODS: list[Callable[[Images], Tensor]] = [
    value for name, value in vars(Images).items() if name not in {"__init__", "pick"}
    and callable(value)
]  # fmt: skip


def drawn(seed: int, length: int = 16) -> Network:
    rng = np.random.default_rng(seed)
    g = Graph(seed)
    images = Images(g, rng)
    for _ in range(length):
        method = METHODS[int(rng.integers(len(METHODS)))]
        images.values.append(method(images))
    outputs = [images.values[-1], images.values[int(rng.integers(2, len(images.values)))]]
    computed = [t for t in dict.fromkeys(outputs) if t.producer is not None]
    return g.output(*computed)


@pytest.mark.parametrize("first", range(0, 60, 10))
@pytest.mark.parametrize(("level", "device"), [(3, "cpu"), (5, "cuda")])
def test_numbers_stay(first, level, device):
    for seed in range(first, first + 10):
        network = drawn(seed)
        copy = clone(network)
        run(copy, PassOptions(optimization_level=level, device=device))
        verify(copy)
        assert len(copy) <= len(network) + 4
        assert [t.name for t in copy.outputs] == [t.name for t in network.outputs]
        compare(network, copy, tolerance=1e-4)
        # Nothing is left to do.
        again = run(copy, PassOptions(optimization_level=level, device=device))
        assert {r.name: r.changes for r in again if r.changes} == {}, seed


@pytest.mark.parametrize("seed", range(60, 70))
def test_low_precision_keeps_outputs_and_soundness(seed):
    network = drawn(seed)
    copy = clone(network)
    run(copy, PassOptions(precision=DataType.BF16))
    verify(copy)
    assert [(t.name, t.type) for t in copy.outputs] == [
        (t.name, t.type) for t in network.outputs
    ]
