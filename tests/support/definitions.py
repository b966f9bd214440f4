"""Networks for tests of the API, and what they compute by NumPy."""

import numpy as np

import trtlab as trt
from trtlab.network.evaluate import evaluate


def network(flags: int = 1) -> trt.INetworkDefinition:
    """An empty network definition."""
    return trt.Builder(trt.Logger()).create_network(flags)


def meaning(definition: trt.INetworkDefinition, **inputs: np.ndarray) -> list[np.ndarray]:
    """The outputs by the operators' NumPy meaning, in order."""
    definition.check()
    found = evaluate(definition.graph, inputs)
    return [found[tensor.name] for tensor in definition.graph.outputs]


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """Seeded float32 values."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
