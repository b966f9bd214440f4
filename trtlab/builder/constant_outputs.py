"""Outputs that are constant: a layer copies them, as bindings are the caller's memory."""

from trtlab.layers.creation import Constant
from trtlab.layers.scale import Identity
from trtlab.network.graph import Network


def copy_constant_outputs(network: Network) -> None:
    """Let an Identity layer give every output that a Constant layer holds."""
    for layer in network.layers:
        if not isinstance(layer.op, Constant) or layer.output.data is None:
            continue
        output, data = layer.output, layer.output.data
        held = network.add_constant(f"{output.name}.value", data)
        for reader in output.consumers:  # they read the elements, not the caller's memory
            for index, read in enumerate(reader.inputs):
                if read is output:
                    network.replace_input(reader, index, held)
        output.data = None
        network.replace_op(layer, Identity(), [held])
