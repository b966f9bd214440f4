"""Which tensors share memory.

A *view* layer (reshape, slice, transpose) computes nothing when its readers accept the strides
that it leaves; a concatenation computes nothing when its producers can write straight into their
slices of its output. Both are decided by asking the chosen tactics, so the plan never relies on
what a kernel does not promise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from trtlab.core.types import StaticShape
from trtlab.layers.base import Array, Op
from trtlab.layers.shuffle import Concatenation, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Slice
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.network.types_at import Inferred
from trtlab.tactics.problem import Operand, Problem, Strides
from trtlab.tactics.tactic import Tactic
from trtlab.tactics.views import is_row_major, is_view


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor lies: in its root's memory, from an offset on, with strides (elements)."""

    root: Tensor
    offset: int
    operand: Operand


class Storage:
    """Sharing decisions for one plan.

    Args:
        network: Optimized, reformats inserted.
        inferred: Types at the plan's shapes.
        problems: Dense problem of every layer that may run.
        tactics: Chosen tactic by layer; missing for views and known shapes.
    """

    def __init__(
        self,
        network: Network,
        inferred: Inferred,
        problems: Mapping[Layer, Problem],
        tactics: Mapping[Layer, Tactic],
    ) -> None:
        self._network = network
        self._known = inferred.known
        self._dense = problems
        self._tactics = tactics
        self._stored: dict[Tensor, Stored] = {}
        self._lent: set[Tensor] = set()  # roots whose memory is a network output's
        self.free: set[Layer] = set()  # layers that need no step
        for layer in reversed(network.layers):
            if layer not in problems:
                continue
            if isinstance(layer.op, Concatenation):
                self._concatenate_in_place(layer)
            elif isinstance(layer.op, Shuffle) and not is_view(problems[layer]):
                self._write_through(layer)
        for layer in network.layers:
            if layer in problems and layer not in self.free:
                self._view(layer)

    def of(self, tensor: Tensor, operand: Operand) -> Stored:
        """Where a tensor lies; by itself unless something was decided."""
        found = self._stored.get(tensor)
        return Stored(tensor, 0, operand) if found is None else found

    def problem(self, layer: Layer) -> Problem:
        """The layer's problem with the strides that its operands really have."""
        dense = self._dense[layer]
        ins = [
            o if t is None or o is None else self._operand(t, o)
            for t, o in zip(layer.inputs, dense.inputs, strict=True)
        ]
        outs = [self._operand(t, o) for t, o in zip(layer.outputs, dense.outputs, strict=True)]
        return replace(dense, inputs=tuple(ins), outputs=tuple(outs))

    def _operand(self, tensor: Tensor, dense: Operand) -> Operand:
        stored = self._stored.get(tensor)
        if stored is None:
            return dense
        # A row-major tensor that a view renamed keeps the reader's own idea of its format.
        if stored.operand.is_dense and is_row_major(stored.operand):
            return dense
        return stored.operand

    # ---- concatenation -----------------------------------------------------------------

    def _concatenate_in_place(self, layer: Layer) -> None:
        output = self._operand(layer.output, self._dense[layer].outputs[0])
        target = self.of(layer.output, output)
        axis = layer.op.axis if isinstance(layer.op, Concatenation) else 0
        planned: dict[Tensor, Stored] = {}
        start = 0
        for tensor, operand in zip(layer.inputs, self._dense[layer].inputs, strict=True):
            if tensor is None or operand is None or not self._movable(tensor, layer):
                return
            slot = replace(operand, strides=output.strides)
            planned[tensor] = Stored(
                target.root, target.offset + start * output.strides[axis], slot
            )
            start += operand.shape[axis]
        before = dict(self._stored)
        self._stored.update(planned)
        for tensor in planned:
            if not self._accepted(tensor, skip=layer):
                self._stored = before
                return
        self.free.add(layer)

    def _movable(self, tensor: Tensor, layer: Layer) -> bool:
        """The tensor is computed here, for this layer once, and lies nowhere else yet."""
        producer = tensor.producer
        return (
            producer is not None
            and tensor not in self._known
            and tensor not in self._network.outputs
            and tensor not in self._stored
            and sum(t is tensor for t in layer.inputs) == 1
            and producer in self._dense
            and (producer in self._tactics or producer in self.free)
            and not is_view(self._dense[producer])
        )

    def _accepted(self, tensor: Tensor, *, skip: Layer | None = None) -> bool:
        """Producer and readers can live with where the tensor now lies."""
        around = [layer for layer in tensor.consumers if layer is not skip]
        if skip is not None and tensor.producer is not None:
            around.append(tensor.producer)
        for layer in around:
            if layer in self.free and isinstance(layer.op, Concatenation):
                continue
            tactic = self._tactics.get(layer)
            if tactic is None or tactic.check(self.problem(layer)) is not None:
                return False
        return True

    def _write_through(self, layer: Layer) -> None:
        """Let the producer of a transposition's input write where the output wants it."""
        source, dense = layer.inputs[0], self._dense[layer].inputs[0]
        if source is None or dense is None or not self._movable(source, layer):
            return
        output = self._operand(layer.output, self._dense[layer].outputs[0])
        strides = _input_strides(self._dense[layer].op, dense.shape, output)
        if strides is None or layer.output in self._network.inputs:
            return
        target = self.of(layer.output, output)
        self._stored[source] = Stored(
            target.root, target.offset, replace(dense, strides=strides)
        )
        if self._accepted(source, skip=layer):
            self.free.add(layer)
        else:
            del self._stored[source]

    # ---- views -------------------------------------------------------------------------

    def _view(self, layer: Layer) -> None:
        if len(layer.outputs) != 1:
            return
        problem = self.problem(layer)
        source = layer.inputs[0] if layer.inputs else None
        if source is None or source.is_constant or source in self._known:
            return
        if layer.output in self._stored or (
            layer.output in self._network.outputs and not self._can_lend(source)
        ):
            return
        operand = problem.inputs[0]
        if operand is None:
            return
        base = self.of(source, operand)
        if is_view(problem):
            shared = Stored(base.root, base.offset, problem.outputs[0])
        else:
            found = _strided_view(problem, operand, base)
            if found is None or layer.output in self._network.outputs:
                return
            shared = found
        self._stored[layer.output] = shared
        if is_view(problem) or self._readers_accept(layer.output):
            self.free.add(layer)
            if layer.output in self._network.outputs:
                self._lent.add(shared.root)
        else:
            del self._stored[layer.output]

    def _can_lend(self, tensor: Tensor) -> bool:
        """Whether a network output may take over the tensor's memory: only one can."""
        root = self._stored[tensor].root if tensor in self._stored else tensor
        return (
            root.producer is not None
            and root not in self._network.outputs
            and root not in self._lent
            and (tensor not in self._stored or self._stored[tensor].offset == 0)
        )

    def _readers_accept(self, tensor: Tensor) -> bool:
        for layer in tensor.consumers:
            if layer not in self._dense:
                continue
            problem = self.problem(layer)
            tactic = self._tactics.get(layer)
            if tactic is not None and tactic.check(problem) is None:
                continue
            operand = problem.inputs[0]
            if operand is None or tensor is not layer.inputs[0]:
                return False
            view = _strided_view(problem, operand, self._stored[tensor])
            if view is None or layer.output in self._network.outputs:
                return False
            if tactic is None and not self._accept_as(layer.output, view):
                return False
        return True

    def _accept_as(self, tensor: Tensor, view: Stored) -> bool:
        """Whether the readers of a tensor would accept it as that view."""
        self._stored[tensor] = view
        try:
            return self._readers_accept(tensor)
        finally:
            del self._stored[tensor]


def _strided_view(problem: Problem, operand: Operand, base: Stored) -> Stored | None:
    """A layer's output as a strided view of its input's memory, if it can be one."""
    found = _view_strides(problem, operand)
    if found is None:
        return None
    offset, strides = found
    return Stored(
        base.root, base.offset + offset, replace(problem.outputs[0], strides=strides)
    )


def _input_strides(op: Op, shape: StaticShape, output: Operand) -> Strides | None:
    """Strides (elements) with which a Shuffle's input would lie in its output's memory."""
    if not isinstance(op, Shuffle):
        return None
    probe = _probe(output.shape, output.strides)
    second = op.second_transpose
    if second:
        probe = probe.transpose([second.index(axis) for axis in range(len(second))])
    first = op.first_transpose
    middle = tuple(shape[axis] for axis in first) if first else shape
    try:
        probe = np.reshape(probe, middle, copy=False)
    except ValueError:
        return None
    if first:
        probe = probe.transpose([first.index(axis) for axis in range(len(first))])
    return tuple(probe.strides)


def _probe(shape: StaticShape, strides: Strides) -> Array:
    """An array of bytes with that shape and strides that owns no memory of that size."""
    one = np.zeros(1, np.int8)
    return np.lib.stride_tricks.as_strided(one, shape, strides, writeable=False)


def _view_strides(problem: Problem, operand: Operand) -> tuple[int, Strides] | None:
    """Offset and strides (elements) of a layer's output seen as a view of its input.

    NumPy itself tells whether a reshape of strided memory needs a copy: the layer is played on
    an array of the right shape and strides that owns no memory of that size.
    """
    op = problem.op
    if not isinstance(op, Shuffle | Slice | Squeeze | Unsqueeze):
        return None
    shape = problem.outputs[0].shape
    probe = _probe(operand.shape, operand.strides)
    if isinstance(op, Slice):
        return _slice_strides(op, probe, problem)
    try:
        if isinstance(op, Shuffle):
            if op.first_transpose:
                probe = probe.transpose(op.first_transpose)
            middle = shape
            if op.second_transpose:
                order = op.second_transpose
                middle = tuple(shape[order.index(axis)] for axis in range(len(order)))
            probe = np.reshape(probe, middle, copy=False)
            if op.second_transpose:
                probe = probe.transpose(op.second_transpose)
        else:
            probe = np.reshape(probe, shape, copy=False)
    except ValueError:
        return None
    return 0, tuple(probe.strides)


def _slice_strides(op: Slice, probe: Array, problem: Problem) -> tuple[int, Strides] | None:
    if any(operand is not None for operand in problem.inputs[1:]):
        return None
    index: list[slice] = []
    parts = op.resolve(probe.shape, [None] * 5, [False] * 5)
    for extent, (start, size, step) in zip(probe.shape, parts, strict=True):
        if not (isinstance(start, int) and isinstance(size, int) and isinstance(step, int)):
            return None
        if start < 0 or step < 1 or size < 1 or start + (size - 1) * step >= extent:
            return None
        index.append(slice(start, start + (size - 1) * step + 1, step))
    view = probe[tuple(index)]
    offset = view.__array_interface__["data"][0] - probe.__array_interface__["data"][0]
    return int(offset), tuple(view.strides)
