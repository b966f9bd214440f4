"""Reference models as standard ONNX files, with seeded weights; no download, no data.

::

    catalog.py       what there is: names(), info(name) -> ZooModel; needs no onnx
    factory.py       build(name) -> ModelProto, export(name, path)
    inputs.py        random_inputs(model_or_name, shapes): never zeros
    refill.py        refill_weights(model): seeded weights for any ONNX model
    roles.py         what each constant of a graph is for, and how to draw it
    light_models.py  light(name): the topologies packaged with onnx, refilled

    <model>.py       one architecture each: write(graph)
    graph.py         GraphWriter, which the architectures are written with
    weights.py       distributions, and the gains that keep activations in range
    serialize.py     GraphWriter -> ModelProto

``from trtlab import zoo; zoo.build("resnet50")``: its functions load on first use, so that
importing the package costs nothing and listing the zoo does not wait for onnx.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trtlab.zoo.catalog import ZooInput as ZooInput
    from trtlab.zoo.catalog import ZooModel as ZooModel
    from trtlab.zoo.catalog import info as info
    from trtlab.zoo.catalog import light_names as light_names
    from trtlab.zoo.catalog import names as names
    from trtlab.zoo.factory import build as build
    from trtlab.zoo.factory import export as export
    from trtlab.zoo.inputs import random_inputs as random_inputs
    from trtlab.zoo.light_models import light as light
    from trtlab.zoo.refill import refill_weights as refill_weights

_HOMES = {
    "ZooInput": "catalog",
    "ZooModel": "catalog",
    "build": "factory",
    "export": "factory",
    "info": "catalog",
    "light": "light_models",
    "light_names": "catalog",
    "names": "catalog",
    "random_inputs": "inputs",
    "refill_weights": "refill",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
