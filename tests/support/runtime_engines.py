"""Small engines and their bindings, for tests of the runtime on either device."""

from dataclasses import dataclass, field

import numpy as np

from tests.support.tiny_models import branches
from trtlab.builder.build import build
from trtlab.builder.options import BuildOptions
from trtlab.core.types import DataType
from trtlab.engine.engine import ShapeProfile
from trtlab.parser.parse import parse
from trtlab.runtime.api import ICudaEngine
from trtlab.runtime.devices import open_runtime

SMALL = ((1, 3, 16, 16), (2, 3, 16, 16), (4, 3, 16, 16))
LARGE = ((4, 3, 16, 16), (8, 3, 16, 16), (16, 3, 16, 16))
DYNAMIC = ((1, 3, 16, 16), (2, 3, 16, 16), (8, 3, 16, 16))


def engine_on(
    device="cpu",
    *,
    model=None,
    profiles=({"x": DYNAMIC},),
    streams=0,
    precision=DataType.FLOAT,
):
    """An engine, untimed, so that the same tactics are chosen every time."""
    parsed = parse(branches() if model is None else model)
    place, registry = open_runtime(device)
    options = BuildOptions(
        precision=precision,
        profiles=tuple(ShapeProfile(p) for p in profiles),
        max_aux_streams=streams,
        optimization_level=1,
        use_timing_cache=False,
        prove=False,
    )
    return ICudaEngine(
        build(parsed.network, options, place, registry, parsed.model_record), place
    )


@dataclass
class Bound:
    """A context with memory for its bindings; outputs begin as NaN.

    Attributes:
        memory: What must live as long as the runs.
    """

    context: object
    device: object
    memory: dict = field(default_factory=dict)

    def set_up(self, inputs, *, outputs=True):
        """Shapes and addresses for the inputs; memory for the outputs."""
        for name, array in inputs.items():
            self.context.set_input_shape(name, array.shape)
            self.give(name, array)
        if outputs:
            for name in self.output_names():
                size = self.context.get_max_output_size(name)
                self.give(name, np.full(size, 0xFF, np.uint8))
        return self

    def give(self, name, array):
        """Hold a copy of an array and set it as a binding."""
        memory = self.device.allocate(array.nbytes)
        self.device.write(memory.address, np.ascontiguousarray(array))
        self.memory[name] = memory
        self.context.set_tensor_address(name, memory.address)

    def output_names(self):
        """Names of the outputs."""
        engine = self.context.engine
        return [n for n in engine if engine.get_tensor_mode(n).name == "OUTPUT"]

    def read(self, name="y", address=None):
        """An output as it is now."""
        dtype = self.context.engine.get_tensor_dtype(name).numpy
        shape = tuple(self.context.get_tensor_shape(name))
        at = self.context.get_tensor_address(name) if address is None else address
        return self.device.read(at, dtype, shape)


def data(batch, seed=0):
    """Inputs of `branches`."""
    rng = np.random.default_rng(seed)
    return {"x": rng.standard_normal((batch, 3, 16, 16)).astype(np.float32)}
