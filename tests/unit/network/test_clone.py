"""A clone is equal, separate, and shares only the constants' arrays."""

import numpy as np

from trtlab.core.types import DataType
from trtlab.layers.activation import Activation
from trtlab.layers.elementwise import ElementWise
from trtlab.layers.shuffle import Shuffle
from trtlab.network import text
from trtlab.network.clone import clone
from trtlab.network.graph import Network, Origin
from trtlab.network.verify import verify


def small():
    network = Network("small", strongly_typed=True)
    x = network.add_input("x", DataType.FLOAT, (-1, 3))
    c = network.add_constant("c", np.ones(3, np.float32))
    total = network.add_layer(
        ElementWise(), [x, c], name="sum", origins=(Origin("add", "Add"),), rules=("rule",)
    )
    total.precision, total.output_types = DataType.HALF, (DataType.FLOAT,)
    total.metadata = "note"
    network.mark_output(network.add_layer(Activation(), [total.output], name="relu").output)
    return network


def test_a_clone_is_equal_and_sound():
    network = small()
    copy = clone(network)
    verify(copy)
    assert text.dump(copy) == text.dump(network)
    assert copy.strongly_typed
    assert copy.layers[0].metadata == "note"
    assert not {id(t) for t in copy.tensors()} & {id(t) for t in network.tensors()}


def test_arrays_are_shared():
    network = small()
    ours, theirs = network.layers[0].inputs[1], clone(network).layers[0].inputs[1]
    assert ours.data is theirs.data


def test_edits_of_a_clone_leave_the_original_alone():
    network = small()
    before = text.dump(network)
    copy = clone(network)
    relu = copy.layers[1]
    flat = copy.add_layer(Shuffle(reshape_dims=(-1,)), [relu.output], name="flat")
    copy.replace_uses(relu.output, flat.output)
    copy.rename_layer(copy.layers[0], "other")
    verify(copy)
    assert text.dump(network) == before
    assert network.unique_layer_name("flat") == "flat"


def test_names_of_a_clone_are_taken():
    copy = clone(small())
    assert copy.unique_name("sum.out") == "sum.out_1"
    assert copy.unique_layer_name("sum") == "sum_1"
    assert copy.unique_name("c") == "c_1"
