"""Makes the chosen formats visible: a Reformat layer wherever two layers' formats differ."""

from trtlab.core.types import TensorFormat
from trtlab.layers.fused import Reformat
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.planner.plan import LayerChoice
from trtlab.tactics.contest import Contest
from trtlab.tactics.formats import other_format, wanted_format
from trtlab.tactics.occasions import Occasions
from trtlab.tactics.select import Selection

Chosen = tuple[LayerChoice, Contest | None]
"""A layer's choice with its contest; None for views and for shapes known while planning."""


def insert_reformats(
    network: Network, occasions: Occasions, selection: Selection
) -> dict[str, Chosen]:
    """Insert the reformats and return every layer's choice by name.

    A tensor is converted once for all readers that want it otherwise than its producer leaves
    it; network inputs and outputs are LINEAR.
    """
    formats: dict[Layer, TensorFormat] = {
        layer: chosen.format for layer, chosen in selection.layers.items()
    }
    choices = {
        layer.name: (choice_of(chosen.format, chosen.contest), chosen.contest)
        for layer, chosen in selection.layers.items()
    }
    for tensor in network.tensors():
        if tensor.is_constant or tensor not in occasions.best.types:
            continue
        if not occasions.has_formats(tensor):
            continue
        if occasions.reformats(tensor, TensorFormat.LINEAR) not in selection.reformats:
            continue
        here = TensorFormat.LINEAR if tensor.producer is None else formats[tensor.producer]
        there = other_format(here)
        readers = [
            layer
            for layer in tensor.consumers
            if wanted_format(layer, tensor, formats[layer]) is there
        ]
        leaves = tensor in network.outputs and here is TensorFormat.HWC
        if not readers and not leaves:
            continue
        contest = selection.reformats[occasions.reformats(tensor, there)]
        layer = _insert(network, tensor, there, readers, leaves=leaves)
        choices[layer.name] = (choice_of(there, contest), contest)
    return choices


def choice_of(layout: TensorFormat, contest: Contest | None) -> LayerChoice:
    """The winner in a format; no tactic where nothing has to run."""
    if contest is None or contest.chosen is None:
        return LayerChoice("", layout)
    return LayerChoice(contest.chosen.name, layout, round(contest.time_us, 4))


def _insert(
    network: Network, tensor: Tensor, to: TensorFormat, readers: list[Layer], *, leaves: bool
) -> Layer:
    """A Reformat of a tensor before its first reader; as an output the copy takes the name."""
    origins = () if tensor.producer is None else tensor.producer.origins
    names = [tensor.name] if leaves else []
    if leaves:
        network.rename_tensor(tensor, f"{tensor.name} before reformat")
    order = {layer: i for i, layer in enumerate(network.layers)}
    first = min(readers, key=lambda reader: order[reader], default=None)
    layer = network.add_layer(
        Reformat(to_format=to),
        [tensor],
        name=f"Reformatting CopyNode for {'Output' if leaves else 'Input'} Tensor {tensor.name}",
        output_names=names,
        origins=origins,
        rules=("reformat",),
        before=first,
    )
    for reader in readers:
        for index, read in enumerate(reader.inputs):
            if read is tensor:
                network.replace_input(reader, index, layer.output)
    if leaves:
        network.outputs[network.outputs.index(tensor)] = layer.output
    return layer
