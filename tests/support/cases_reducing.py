"""Cases of operators that sum: products, reductions, normalizations, attention, recurrence."""

import numpy as np
from layer_cases import Case, normal
from onnx_node import run_node

from trtlab.core.enums import (
    AttentionNormalizationOp,
    MatrixOperation,
    ReduceOperation,
    RNNKind,
    TopKOperation,
)
from trtlab.core.types import DataType
from trtlab.layers.fused import Attention
from trtlab.layers.linear import Einsum, MatrixMultiply
from trtlab.layers.normalization import Normalization
from trtlab.layers.pointwise import Step
from trtlab.layers.recurrent import Recurrent
from trtlab.layers.reduction import Cumulative, Reduce, SoftMax, TopK

_N, _T, _V = MatrixOperation.NONE, MatrixOperation.TRANSPOSE, MatrixOperation.VECTOR
_A, _B = normal(2, 1, 3, 4), normal(5, 4, 6)

PRODUCTS = [
    Case("broadcast", MatrixMultiply(), (_A, _B), lambda: run_node("MatMul", (_A, _B))),
    Case(
        "transposed",
        MatrixMultiply(_T, _T, 0.5),
        (_B[0], _A[0, 0]),
        lambda: run_node("Gemm", (_B[0], _A[0, 0]), transA=1, transB=1, alpha=0.5),
    ),
    Case(
        "bias",
        MatrixMultiply(alpha=2.0),
        (_A[0, 0], _B[0], normal(6)),
        lambda: run_node("Gemm", (_A[0, 0], _B[0], normal(6)), alpha=2.0),
    ),
    Case(
        "epilogue",
        MatrixMultiply(epilogue=(Step("add", (0, 1)), Step("relu", (2,)))),
        (_A, _B, normal(6), normal(3, 6)),
        lambda: [np.maximum(np.matmul(_A, _B) + normal(6) + normal(3, 6), 0)],
    ),
    Case(
        "row",
        MatrixMultiply(_V),
        (_B[:, :, 0].copy(), _B),
        lambda: [np.einsum("bk,bkn->bn", _B[:, :, 0], _B)],
    ),
    Case(
        "column",
        MatrixMultiply(_N, _V),
        (_A, normal(4)),
        lambda: run_node("MatMul", (_A, normal(4))),
    ),
    Case(
        "vectors",
        MatrixMultiply(_V, _V),
        (normal(4), normal(4, seed=2)),
        lambda: run_node("MatMul", (normal(4), normal(4, seed=2))),
    ),
    *(
        Case(
            equation,
            Einsum(equation),
            inputs,
            lambda e=equation, i=inputs: run_node("Einsum", i, equation=e),
        )
        for equation, inputs in (
            ("bij,bjk->bik", (normal(2, 3, 4), normal(2, 4, 5))),
            ("bhid, bhjd -> bhij", (normal(1, 2, 3, 4), normal(1, 2, 5, 4))),
            ("ij,jk", (normal(3, 4), normal(4, 2))),
            ("ii->i", (normal(3, 3),)),
            ("...ij->...ji", (normal(2, 3, 4),)),
            ("i,j,k->kij", (normal(2), normal(3), normal(4))),
            ("ij->", (normal(3, 4),)),
        )
    ),
]

_X = normal(2, 3, 4)
_REDUCE = {
    ReduceOperation.SUM: "ReduceSum",
    ReduceOperation.PROD: "ReduceProd",
    ReduceOperation.MAX: "ReduceMax",
    ReduceOperation.MIN: "ReduceMin",
    ReduceOperation.AVG: "ReduceMean",
}


def _top(name, op, best, x, axis=-1, k=2):
    return Case(
        name,
        TopK(op, k, (axis,), DataType.INT64),
        (x,),
        lambda: run_node("TopK", (x, np.array([k])), outputs=2, axis=axis, largest=int(best)),
    )


_TIES = np.array([[1, 3, 3, 1], [2, 2, 2, 2]], np.float32)
REDUCTIONS = [
    *(
        Case(
            f"{op.value}_{keep}",
            Reduce(op, (0, 2), keep),
            (_X,),
            lambda node=node, keep=keep: run_node(
                node, (_X, np.array([0, 2])), keepdims=int(keep)
            ),
        )
        for op, node in _REDUCE.items()
        for keep in (True, False)
    ),
    Case("all_axes", Reduce(keep_dims=False), (_X,), lambda: [_X.sum()]),
    Case("none", Reduce(ReduceOperation.NONE, (1,)), (_X,), lambda: [_X]),
    Case(
        "nothing",
        Reduce(ReduceOperation.MAX, (0,)),
        (np.zeros((0, 2), np.float32),),
        lambda: [np.full((1, 2), -np.inf, np.float32)],
    ),
    Case(
        "integers",
        Reduce(ReduceOperation.PROD, (1,)),
        (np.arange(1, 7, dtype=np.int64).reshape(2, 3),),
        lambda: [np.array([[6], [120]])],
    ),
    *(
        Case(
            f"axis_{axis}",
            SoftMax((axis,)),
            (_X * 50,),
            lambda axis=axis: run_node("Softmax", (_X * 50,), axis=axis),
        )
        for axis in (0, 1, -1)
    ),
    Case(
        "logarithm",
        SoftMax((-1,), log=True),
        (_X * 50,),
        lambda: run_node("LogSoftmax", (_X * 50,), axis=-1),
    ),
    Case(
        "two_axes",
        SoftMax((1, 2)),
        (_X,),
        lambda: [run_node("Softmax", (_X.reshape(2, 12),), axis=1)[0].reshape(2, 3, 4)],
    ),
    _top("largest", TopKOperation.MAX, True, _X),
    _top("smallest", TopKOperation.MIN, False, _X, axis=1),
    _top("ties", TopKOperation.MAX, True, _TIES, k=3),
    _top("ties_smallest", TopKOperation.MIN, False, _TIES, k=3),
    Case(
        "dynamic",
        TopK(),
        (_X, np.array([3])),
        lambda: [
            y if i == 0 else y.astype(np.int32)
            for i, y in enumerate(run_node("TopK", (_X, np.array([3])), outputs=2))
        ],
        shape_inputs=(1,),
    ),
    *(
        Case(
            f"exclusive_{exclusive}_reverse_{reverse}",
            Cumulative(axis=1, exclusive=exclusive, reverse=reverse),
            (_X,),
            lambda exclusive=exclusive, reverse=reverse: run_node(
                "CumSum", (_X, np.array(1)), exclusive=int(exclusive), reverse=int(reverse)
            ),
        )
        for exclusive in (False, True)
        for reverse in (False, True)
    ),
]

_IMAGE, _SIX = normal(2, 6, 3, 4), (normal(6), normal(6, seed=1))


def _rms():
    x = _X.astype(np.float64)
    scaled = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * normal(4)
    return [scaled.astype(np.float32)]


NORMALIZATIONS = [
    Case(
        "layer",
        Normalization((-1,), 1e-6),
        (_X, normal(4), normal(4, seed=1)),
        lambda: run_node(
            "LayerNormalization", (_X, normal(4), normal(4, seed=1)), axis=-1, epsilon=1e-6
        ),
    ),
    Case(
        "layer_two_axes",
        Normalization((1, 2)),
        (_X, normal(3, 4), None),
        lambda: run_node("LayerNormalization", (_X, normal(3, 4)), axis=1),
    ),
    Case(
        "instance",
        Normalization((2, 3)),
        (_IMAGE, *(w.reshape(1, 6, 1, 1) for w in _SIX)),
        lambda: run_node("InstanceNormalization", (_IMAGE, *_SIX)),
    ),
    Case(
        "groups",
        Normalization((2, 3), num_groups=3),
        (_IMAGE, *(w.reshape(1, 6, 1, 1) for w in _SIX)),
        lambda: run_node("GroupNormalization", (_IMAGE, *_SIX), num_groups=3),
    ),
    Case(
        "groups_weights_a_group",
        Normalization((2, 3), num_groups=3),
        (_IMAGE, *(w[:3].reshape(1, 3, 1, 1) for w in _SIX)),
        lambda: run_node(
            "GroupNormalization", (_IMAGE, *(np.repeat(w[:3], 2) for w in _SIX)), num_groups=3
        ),
    ),
    Case("rms", Normalization((-1,), 1e-6, rms=True), (_X, normal(4)), _rms),
]

_Q, _K, _VALUES = normal(2, 4, 3, 8), normal(2, 4, 5, 8, seed=1), normal(2, 4, 5, 6, seed=2)
_MASK = normal(3, 5, seed=3)


def _attention(q, k, v, mask=None, *, scale=0.4, causal=False):
    """Row by row, with explicit loops."""
    y = np.zeros((*q.shape[:3], v.shape[3]))
    for b, h, s in np.ndindex(*q.shape[:3]):
        head = h * k.shape[1] // q.shape[1]
        scores = scale * k[b, head].astype(np.float64) @ q[b, h, s]
        if mask is not None and mask.dtype == np.bool_:
            scores[~mask[s]] = -np.inf
        elif mask is not None:
            scores += mask[s]
        if causal:
            scores[s + 1 :] = -np.inf
        powers = np.exp(scores - scores.max())
        y[b, h, s] = powers @ v[b, head] / powers.sum()
    return [y.astype(np.float32)]


_SEEN = np.array([[1, 1, 0, 0, 1], [0, 1, 1, 1, 1], [1, 0, 0, 0, 0]], np.bool_)
ATTENTIONS = [
    Case("plain", Attention(0.4), (_Q, _K, _VALUES), lambda: _attention(_Q, _K, _VALUES)),
    Case(
        "onnx",
        Attention(0.4),
        (_Q, _K, _VALUES, _MASK),
        lambda: run_node("Attention", (_Q, _K, _VALUES, _MASK), scale=0.4, opset=23),
    ),
    Case(
        "bool_mask",
        Attention(0.4),
        (_Q, _K, _VALUES, _SEEN),
        lambda: _attention(_Q, _K, _VALUES, _SEEN),
    ),
    Case(
        "causal",
        Attention(0.4, causal=True),
        (_Q, _K, _VALUES),
        lambda: _attention(_Q, _K, _VALUES, causal=True),
    ),
    Case(
        "transposed_keys",
        Attention(0.4, k_transposed=True),
        (_Q, _K.swapaxes(2, 3).copy(), _VALUES),
        lambda: _attention(_Q, _K, _VALUES),
    ),
    Case(
        "shared_heads",
        Attention(0.4),
        (_Q, _K[:, :2].copy(), _VALUES[:, :2].copy()),
        lambda: _attention(_Q, _K[:, :2], _VALUES[:, :2]),
    ),
    Case(
        "no_softmax",
        Attention(0.5, norm_op=AttentionNormalizationOp.NONE),
        (_Q, _K, _VALUES),
        lambda: [np.matmul(0.5 * np.matmul(_Q, _K.swapaxes(2, 3)), _VALUES)],
    ),
]

_GATES = {RNNKind.LSTM: (4, "LSTM"), RNNKind.GRU: (3, "GRU"), RNNKind.TANH: (1, "RNN")}


def _recurrent(name, op, *, bias=True, lengths=None, states=False, peephole=False):
    gates, node = _GATES.get(op.cell, (1, "RNN"))
    dirs, hidden, lstm = op.directions, op.hidden_size, op.cell is RNNKind.LSTM
    x = normal(5, 3, 4)
    shape = (dirs, 3, hidden)
    inputs = [
        x,
        normal(dirs, gates * hidden, 4, seed=1) / 2,
        normal(dirs, gates * hidden, hidden, seed=2) / 2,
        normal(dirs, 2 * gates * hidden, seed=3) if bias else None,
        None if lengths is None else np.array(lengths, np.int32),
        normal(*shape, seed=4) if states else None,
    ]
    if lstm:
        inputs.append(normal(*shape, seed=5) if states else None)
        inputs.append(normal(dirs, 3 * hidden, seed=6) if peephole else None)
    while inputs[-1] is None:
        inputs.pop()
    attributes = {"hidden_size": hidden, "direction": op.direction}
    if op.cell is RNNKind.GRU:
        attributes["linear_before_reset"] = int(op.linear_before_reset)
    if node == "RNN":
        attributes["activations"] = ["Relu" if op.cell is RNNKind.RELU else "Tanh"] * dirs

    def reference():
        outputs = run_node(node, tuple(inputs), outputs=2 + lstm, **attributes)
        if op.batch_first:
            outputs = [
                outputs[0].transpose(2, 0, 1, 3),
                *(o.swapaxes(0, 1) for o in outputs[1:]),
            ]
        return outputs

    given = list(inputs)
    if op.batch_first:
        for place in (0, 5, 6):
            if place < len(given) and given[place] is not None:
                given[place] = given[place].swapaxes(0, 1).copy()
    return Case(name, op, tuple(given), reference)


_BOTH = "bidirectional"
RECURRENTS = [
    _recurrent("lstm", Recurrent(RNNKind.LSTM, 6)),
    _recurrent("lstm_bare", Recurrent(RNNKind.LSTM, 2), bias=False),
    _recurrent(
        "lstm_everything",
        Recurrent(RNNKind.LSTM, 6, _BOTH),
        lengths=(5, 2, 4),
        states=True,
        peephole=True,
    ),
    _recurrent("lstm_reverse", Recurrent(RNNKind.LSTM, 3, "reverse"), lengths=(1, 5, 3)),
    _recurrent(
        "lstm_batch_first", Recurrent(RNNKind.LSTM, 3, _BOTH, batch_first=True), states=True
    ),
    _recurrent("gru", Recurrent(RNNKind.GRU, 5, _BOTH), lengths=(5, 2, 4), states=True),
    _recurrent("gru_linear", Recurrent(RNNKind.GRU, 5, linear_before_reset=True), states=True),
    _recurrent("tanh", Recurrent(RNNKind.TANH, 4, _BOTH), lengths=(5, 2, 4), states=True),
    _recurrent("relu", Recurrent(RNNKind.RELU, 4, "reverse")),
]

REDUCING = [*PRODUCTS, *REDUCTIONS, *NORMALIZATIONS, *ATTENTIONS, *RECURRENTS]
