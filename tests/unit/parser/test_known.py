"""Values that follow from constants are computed on demand, and within bounds."""

import numpy as np

from trtlab.core.enums import ElementWiseOperation, UnaryOperation
from trtlab.core.types import DataType
from trtlab.layers.activation import Unary
from trtlab.layers.creation import Shape
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.shuffle import Expand
from trtlab.network.graph import Network
from trtlab.parser.known import KnownValues


def test_constants_are_known_and_inputs_are_not():
    network = Network()
    x = network.add_input("x", DataType.FLOAT, (2,))
    c = network.add_constant("c", np.ones(2, np.float32))
    known = KnownValues()
    assert known.of(c) is c.data
    assert known.of(x) is None


def test_layers_over_constants_are_evaluated_once():
    network = Network()
    c = network.add_constant("c", np.full(2, 3, np.float32))
    total = network.add_layer(ElementWise(ElementWiseOperation.SUM), [c, c]).output
    known = KnownValues()
    assert np.array_equal(known.of(total), [6, 6])
    assert known.of(total) is known.of(total)
    assert len(network) == 1


def test_a_layer_that_reads_an_input_is_not_known():
    network = Network()
    x = network.add_input("x", DataType.FLOAT, (2,))
    c = network.add_constant("c", np.ones(2, np.float32))
    total = network.add_layer(ElementWise(), [x, c]).output
    assert KnownValues().of(total) is None


def test_shapes_are_known_though_elements_are_not():
    network = Network()
    x = network.add_input("x", DataType.FLOAT, (2, 5))
    found = KnownValues().of(network.add_layer(Shape(), [x]).output)
    assert found.dtype == np.int64
    assert found.tolist() == [2, 5]
    y = network.add_input("y", DataType.FLOAT, (-1, 5))
    assert KnownValues().of(network.add_layer(Shape(), [y]).output) is None


def test_long_chains_are_no_matter_of_recursion():
    network = Network()
    tensor = network.add_constant("c", np.ones((), np.float32))
    for _ in range(5000):
        tensor = network.add_layer(Unary(UnaryOperation.NEG), [tensor]).output
    assert float(KnownValues().of(tensor)) == 1


def test_large_results_are_left_to_the_builder():
    network = Network()
    c = network.add_constant("c", np.ones((), np.float32))
    big = network.add_layer(Expand(shape=(1 << 12, 1 << 12)), [c]).output
    assert KnownValues().of(big) is None
