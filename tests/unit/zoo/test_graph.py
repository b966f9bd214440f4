"""The graph writer: names, sharing, and counting."""

import numpy as np
import pytest

from trtlab.zoo.graph import GraphWriter, Value
from trtlab.zoo.weights import BIAS


@pytest.fixture
def graph():
    return GraphWriter([Value("x", "float32", ("batch", 3))])


def test_names_follow_the_scope_and_count_repeats(graph):
    with graph.scope("layer1.0"), graph.scope("relu"):
        first = graph.node("Relu", "x")
        second = graph.node("Relu", first)
        weight = graph.parameter("weight", (2, 3), BIAS)
    outside = graph.node("Relu", second, output="y")
    assert first == "/layer1.0/relu/Relu_output_0"
    assert second == "/layer1.0/relu/Relu_1_output_0"
    assert weight == "layer1.0.relu.weight"
    assert outside == "y"
    assert [n.name for n in graph.nodes][-1] == "/Relu"


def test_a_scope_ends_when_writing_fails(graph):
    with pytest.raises(KeyError), graph.scope("broken"):
        raise KeyError
    assert graph.node("Relu", "x") == "/Relu_output_0"


def test_equal_constants_are_shared_and_others_are_not(graph):
    assert graph.integers(1, 2) == graph.integers(1, 2)
    assert graph.integer(1) != graph.integers(1)
    assert graph.scalar(1.0) != graph.constant(np.array(1.0))
    assert len(graph.constants) == 5


def test_running_statistics_do_not_count_as_parameters(graph):
    with graph.scope("bn"):
        graph.batch_norm("x", 3)
    assert graph.parameter_count == 6
    assert len(graph.parameters) == 4


def test_computed_sizes_become_shape_gather_unsqueeze_concat(graph):
    graph.dims(graph.size_of("x", 0), 7)
    assert [n.op for n in graph.nodes] == ["Shape", "Gather", "Unsqueeze", "Concat"]
