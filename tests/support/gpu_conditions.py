"""One-layer engines on a GPU, with candidates of the test's own."""

import dataclasses

import numpy as np
import onnx.numpy_helper
import onnx.parser
from faulty_tactics import KINDS, FaultyRelu

from trtlab.builder.build import build
from trtlab.builder.options import BuildOptions
from trtlab.engine.engine import Engine, ShapeProfile
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.layers.activation import Activation
from trtlab.parser.parse import parse
from trtlab.runtime.api import ICudaEngine
from trtlab.runtime.context import IExecutionContext
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.timing_cache import TimingCache

FEW = (4, 4096)


def registry_with(*tactics, op=Activation) -> TacticRegistry:
    """A copy of the device's registry with further candidates."""
    copy = TacticRegistry()
    for kind, known in cuda_registry()._by_op.items():
        copy.add(kind, known)
    copy.add(op, tactics)
    return copy


def relu_of(shape):
    extents = ", ".join(map(str, shape))
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
        one (float[{extents}] x) => (float[{extents}] y) {{ y = Relu (x) }}"""
    return parse(onnx.parser.parse_model(text))


def product_of(rows, columns):
    """y = x · w with so large a w."""
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
        one (float[2, {rows}] x) => (float[2, {columns}] y) {{ y = MatMul (x, w) }}"""
    model = onnx.parser.parse_model(text)
    w = np.random.default_rng(0).standard_normal((rows, columns), np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(w, "w"))
    return parse(model)


def build_relu(device, *kinds, shape=FEW, cache=None, **options) -> Engine:
    """An engine of one ReLU, for which the given kinds of `FaultyRelu` compete."""
    return build_with(device, [FaultyRelu(k) for k in kinds], relu_of(shape), cache, **options)


def build_with(device, tactics, parsed, cache=None, **options) -> Engine:
    return build(
        parsed.network,
        dataclasses.replace(BuildOptions(profiles=(ShapeProfile({}),)), **options),
        device,
        registry_with(*tactics),
        parsed.model_record,
        cache=TimingCache(device.fingerprint) if cache is None else cache,
    )


def context_of(engine) -> IExecutionContext:
    """A context whose engine may have chosen one of `KINDS`."""
    ready = ICudaEngine(engine)
    ready._loaded.registry = registry_with(*(FaultyRelu(kind) for kind in KINDS))
    return ready.create_execution_context()


def reasons(engine: Engine) -> dict[str, str]:
    """Refusals by candidate."""
    found = engine.build.selections[0].contenders
    return {
        c.tactic.removeprefix("cuda.test.relu/"): c.rejection for c in found if c.rejection
    }
