"""Samples of every operator, each with an independent reference.

A case holds an operator, its inputs and what another implementation says the outputs are,
mostly ONNX Runtime on a one-node model. The modules `cases_*` list them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trtlab.layers.base import Op

Arrays = tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class Case:
    """One sample.

    Attributes:
        name: Unique among the cases of its kind.
        op: The operator.
        inputs: Its inputs; None for an optional one left out.
        reference: Gives the expected outputs.
        tolerance: Relative and absolute.
        shape_inputs: Positions whose integers are known while building.
    """

    name: str
    op: Op
    inputs: Arrays
    reference: Callable[[], list[np.ndarray]]
    tolerance: float = 2e-5
    shape_inputs: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.op.kind}-{self.name}"


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32."""
    source = np.random.default_rng(1000 + seed)
    return source.standard_normal(shape).astype(np.float32)
