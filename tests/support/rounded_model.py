"""What half precision must cost: a model rounded once a layer, computed in single precision.

The bound to hold an engine to. It rounds what lies in memory and nothing else: parameters, and
a layer's output. Sums have no error, norms are folded into the filters before those are
rounded, and what a fused kernel keeps in registers (activation, residual, an attention's
scores) stays as it is. ONNX Runtime computes it, so that nothing of trtlab's is in it.
"""

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

# Significant bits of float32 that each type lacks.
MISSING_BITS = {"fp16": 13, "bf16": 16}
POINTWISE = frozenset(
    {
        *("Add", "BatchNormalization", "Clip", "Div", "Erf", "LeakyRelu", "Mul", "Pow"),
        *("Relu", "Sigmoid", "Sub", "Sum", "Tanh", "Where"),
    }
)
PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
OTHERS = frozenset(
    {
        *("AveragePool", "Gather", "GlobalAveragePool", "LRN", "LSTM"),
        *("LayerNormalization", "ReduceMean", "Softmax"),
    }
)
# Which inputs of an operator may be parameters; a constant of one element is a formula's.
PARAMETERS = {
    "Add": (0, 1),
    "BatchNormalization": (1, 2),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Gather": (0,),
    "Gemm": (0, 1, 2),
    "LSTM": (1, 2, 3),
    "LayerNormalization": (1, 2),
    "MatMul": (0, 1),
    "Transpose": (0,),
}
SPLITTER = "rounding_splitter"
# What is demanded end to end, against single or double precision.
DEMANDED = {"fp32": 5e-5, "fp16": 1e-2, "bf16": 1e-2}
# An engine also rounds its outputs, and its errors are others of the same size.
SLACK = 1.3
# Probabilities: a softmax turns its scores' absolute errors into relative ones, and the few
# classes that weigh most decide. AlexNet's err between 0.8 and 4 % when inputs move by half of
# a rounding; so several programs of equal quality are the measure, not one.
DRAWS_BEHIND_SOFTMAX = 5


def run(model, feeds):
    """ONNX Runtime's outputs by name, in single precision."""
    return _outputs(_session(model), feeds)


def _session(model):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    # Other tests need the cores while these threads wait.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if any(tensor.name == SPLITTER for tensor in model.graph.initializer):
        # (x·c) - ((x·c) - x) is x to an optimizer that takes sums for exact.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _outputs(session, feeds):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def relative_error(got, wanted):
    """‖got − wanted‖ / ‖wanted‖, in double precision."""
    difference = got.astype(np.float64) - wanted.astype(np.float64)
    return float(np.linalg.norm(difference) / np.linalg.norm(wanted.astype(np.float64)))


def limits(model, feeds, wanted, precision):
    """The largest relative error allowed, by output.

    A BF16 number is off by 1.7e-3 (root mean square), and N of them in a row by √N times
    that: 1e-2 for 36. Where one rounding a layer already errs more, that is the measure.
    """
    demanded = DEMANDED[precision]
    if precision != "bf16":
        return dict.fromkeys(wanted, demanded)
    session = _session(rounded(model, precision))
    scores = {n.output[0] for n in model.graph.node if n.op_type == "Softmax"}
    draws = DRAWS_BEHIND_SOFTMAX if scores & set(wanted) else 1
    ideals = [_outputs(session, _moved(feeds, precision, n)) for n in range(draws)]
    return {
        n: max(demanded, SLACK * max(relative_error(ideal[n], w) for ideal in ideals))
        for n, w in wanted.items()
    }


def _moved(feeds, precision, draw):
    """Float inputs moved by at most half of a rounding; the first draw leaves them."""
    if draw == 0:
        return feeds
    rng, half = np.random.default_rng(draw), 2.0 ** (MISSING_BITS[precision] - 25)
    return {
        name: (x * (1 + half * rng.uniform(-1, 1, x.shape))).astype(x.dtype)
        if np.issubdtype(x.dtype, np.floating)
        else x
        for name, x in feeds.items()
    }


def rounded(model, precision):
    """A copy of ``model`` whose parameters and layers' outputs are rounded to ``precision``."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    floats = _float_values(model)
    nodes = _with_folded_norms(list(graph.node), constants)
    for node in nodes:
        for index in PARAMETERS.get(node.op_type, ()):
            name = node.input[index] if index < len(node.input) else ""
            held = constants.get(name, np.zeros(0, np.int64))
            if held.dtype == np.float32 and held.size > 1:
                constants[name] = _rounded_array(held, precision)
    splitter = np.float32(2 ** MISSING_BITS[precision] + 1)
    constants[SPLITTER] = splitter
    kept = _kept_in_registers(nodes) | {output.name for output in graph.output}
    renamed = {}
    written = []
    for value in graph.input:
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            written += _round(value.name, renamed)
    for node in nodes:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
        written.append(node)
        first = node.output[0]
        if node.op_type in POINTWISE | PRODUCTS | OTHERS and first in floats - kept:
            written += _round(first, renamed)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(written)
    graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    return copy


def _float_values(model):
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    return {v.name for v in inferred if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}


def _rounded_array(array, precision):
    if precision == "fp16":
        return array.astype(np.float16).astype(np.float32)
    scaled = array * np.float32(2 ** MISSING_BITS[precision] + 1)
    return scaled - (scaled - array)


def _round(name, renamed):
    """Nodes that round a value to nearest (Dekker 1971: x·c - (x·c - x), c = 2ⁿ + 1)."""
    scaled, rest, result = (f"{name}_{part}" for part in ("scaled", "rest", "rounded"))
    renamed[name] = result
    return [
        helper.make_node("Mul", [name, SPLITTER], [scaled]),
        helper.make_node("Sub", [scaled, name], [rest]),
        helper.make_node("Sub", [scaled, rest], [result]),
    ]


def _readers(nodes):
    found = {}
    for node in nodes:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def _with_folded_norms(nodes, constants):
    """Batch norms behind a convolution become its filters and bias."""
    writers = {name: node for node in nodes for name in node.output}
    readers = _readers(nodes)
    folded = set()
    for norm in nodes:
        conv = writers.get(norm.input[0]) if norm.op_type == "BatchNormalization" else None
        if conv is None or conv.op_type != "Conv" or len(readers[conv.output[0]]) > 1:
            continue
        epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
        scale, shift, mean, variance = (
            constants[n].astype(np.float64) for n in norm.input[1:]
        )
        factor = scale / np.sqrt(variance + epsilon)
        filters = constants[conv.input[1]]
        bias = constants[conv.input[2]] if len(conv.input) > 2 else 0
        names = [f"{norm.output[0]}_{part}" for part in ("filters", "bias")]
        spread = factor.reshape(-1, *[1] * (filters.ndim - 1))
        constants[names[0]] = (filters * spread).astype(np.float32)
        constants[names[1]] = ((bias - mean) * factor + shift).astype(np.float32)
        conv.input[:] = [conv.input[0], *names]
        conv.output[0] = norm.output[0]
        folded.add(norm.output[0])
    return [n for n in nodes if n.op_type != "BatchNormalization" or n.output[0] not in folded]


def _kept_in_registers(nodes):
    """Values that only one pointwise chain, or one attention's softmax, reads."""
    readers = _readers(nodes)
    kept = set()
    for node in nodes:
        if node.op_type in ("Erf", "Pow", "Sigmoid", "Tanh"):
            kept.update(node.output)
        for name in node.output:
            reading = readers.get(name, [])
            swish = any(r.op_type == "Sigmoid" for r in reading)
            chain = reading and all(r.op_type in POINTWISE for r in reading)
            scores = any(
                r.op_type == "Softmax" and _feeds_product(r, readers) for r in reading
            )
            if scores or (chain and (len(reading) == 1 or swish)):
                kept.add(name)
    return kept


def _feeds_product(node, readers):
    return any(r.op_type == "MatMul" for r in readers.get(node.output[0], []))
