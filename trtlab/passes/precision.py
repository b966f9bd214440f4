"""``f(x)`` in FLOAT becomes ``cast(f₁₆(cast(x)))``: element types, and casts at borders.

Safe as far as the user asked for it: only the type in which tensors are stored changes.
Products, sums, normalization and softmax still accumulate in FLOAT (each operator's own rule),
inputs and outputs of the network keep their declared types, and constants that HALF cannot
hold become the largest that it can, never infinity.
Needs a weakly typed network: in a strongly typed one, types are the user's own.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from trtlab.core.errors import UnsupportedError
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation
from trtlab.layers.base import Array, Op
from trtlab.layers.creation import Constant, Fill, Shape
from trtlab.layers.fused import Reformat
from trtlab.layers.gather import NonZero
from trtlab.layers.pointwise import Pointwise, Program, Step
from trtlab.layers.scale import Cast, Identity
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.passes.base import PassResult, Rejection, Rejections
from trtlab.passes.options import COMPUTE_TYPES, PassOptions
from trtlab.passes.program import Accumulating

# Layers that compute nothing in a float type: they state a type, or only look at a shape.
_TYPELESS = (Constant, Fill, Shape, NonZero, Cast, Reformat)
_LARGEST = {kind: float(np.finfo(np.float16).max) for kind in (DataType.HALF,)}


def settle_requests(network: Network, options: PassOptions) -> None:
    """Drop requests that mean nothing, so that they stand in no fusion's way.

    Those are all of them when constraints are off or the network is strongly typed, and
    otherwise a request for the type that the layer gets anyway.
    """
    ignored = options.constraints == "none" or network.strongly_typed
    for layer in network:
        if ignored or layer.precision is options.precision:
            layer.precision = None
        if ignored:
            layer.output_types = ()


@dataclass(frozen=True)
class Precision:
    """Choose each float layer's type and put casts where types meet.

    Attributes:
        options: The wanted type, the enabled ones, and what requests mean.
    """

    name: ClassVar[str] = "precision"
    options: PassOptions

    def run(self, network: Network) -> PassResult:
        """One walk in order; each tensor is cast to each type at most once.

        Raises:
            UnsupportedError: A layer must have a type that it cannot have.
        """
        asked = any(layer.precision or any(layer.output_types) for layer in network)
        if network.strongly_typed or (self.options.precision is DataType.FLOAT and not asked):
            return PassResult(0)
        return _Walk(network, self.options).run()


class _Walk:
    """The state of one run."""

    def __init__(self, network: Network, options: PassOptions) -> None:
        self.network = network
        self.options = options
        self.rejections = Rejections()
        # By tensors, which this keeps alive: one that were freed might lend its id to another.
        self.defined: dict[Tensor, DataType] = {t: t.dtype for t in network.tensors()}
        self.casts: dict[tuple[Tensor, DataType], Tensor] = {}
        # What later layers read instead; each when its turn comes, with all of its inputs.
        self.stored: dict[Tensor, Tensor] = {}

    def run(self) -> PassResult:
        changes = 0
        declared = [t.dtype for t in self.network.outputs]
        for layer in self.network:
            changes += self._retype(layer)
        for index, kind in enumerate(declared):
            if self.network.outputs[index].dtype is not kind:
                self._restore_output(index, kind)
        return PassResult(changes, self.rejections.records())

    def _retype(self, layer: Layer) -> bool:
        """Give a layer's inputs the types it computes in; whether they changed."""
        read = [None if t is None else self.stored.get(t, t) for t in layer.inputs]
        if isinstance(layer.op, _TYPELESS):
            if layer.precision is not None:
                self._refuse(layer, "the layer computes nothing in a type of its own")
            self.network.replace_op(layer, layer.op, read)
            return False
        target = self._target(layer)
        inputs = [self._typed(t, target, layer) for t in read]
        op = layer.op if target is None else _within(layer.op, target)
        changed = any(t is not old for t, old in zip(inputs, layer.inputs, strict=True))
        if changed or op != layer.op:
            self.network.replace_op(layer, op, inputs)
        else:
            self.network.refresh(layer)
        self._store(layer)
        return target is not None

    def _target(self, layer: Layer) -> DataType | None:
        """The type to compute in; None keeps what the definition says."""
        floats = [t for t in layer.inputs if t is not None and t.dtype in COMPUTE_TYPES]
        if not floats:
            return None
        if layer.precision is not None:
            if layer.precision not in self.options.enabled_types:
                self._refuse(layer, f"{layer.precision.value} is not enabled")
            else:
                return layer.precision
        if DataType.FLOAT in layer.output_types:
            return DataType.FLOAT  # a result that was rounded before is no FLOAT result
        if any(self.defined.get(t, t.dtype) is not DataType.FLOAT for t in floats):
            return None  # the model itself says a lower type
        return self.options.precision

    def _typed(
        self, tensor: Tensor | None, target: DataType | None, layer: Layer
    ) -> Tensor | None:
        """A float input in the layer's type."""
        if tensor is None or tensor.dtype not in COMPUTE_TYPES:
            return tensor
        wanted = target or self.defined.get(tensor, tensor.dtype)
        return tensor if tensor.dtype is wanted else self._cast(tensor, wanted, layer)

    def _cast(self, tensor: Tensor, kind: DataType, before: Layer | None) -> Tensor:
        key = (tensor, kind)
        if key not in self.casts:
            if tensor.data is not None:
                made = self.network.add_constant(tensor.name, converted(tensor.data, kind))
            else:
                made = self.network.add_layer(
                    Cast(kind),
                    (tensor,),
                    name=f"{tensor.name} to {kind.value}",
                    rules=("precision",),
                    before=before,
                ).output
            self.casts[key] = made
        return self.casts[key]

    def _store(self, layer: Layer) -> None:
        """Follow requests for output types."""
        for tensor, kind in zip(layer.outputs, layer.output_types, strict=False):
            if kind is None or kind is tensor.dtype or tensor in self.network.outputs:
                continue
            if kind not in self.options.enabled_types or tensor.dtype not in COMPUTE_TYPES:
                self._refuse(layer, f"its output cannot be {kind.value}")
                continue
            after = next(iter(tensor.consumers), None)
            stored = self._cast(tensor, kind, after)
            self.defined[stored] = self.defined.get(tensor, tensor.dtype)
            self.stored[tensor] = stored

    def _restore_output(self, index: int, kind: DataType) -> None:
        """A network output in its declared type, under its name."""
        tensor = self.network.outputs[index]
        name = tensor.name
        made = self._cast(tensor, kind, None)
        self.network.outputs[index] = made
        self.network.rename_tensor(tensor, f"{name}.{tensor.dtype.value}")
        self.network.rename_tensor(made, name)

    def _refuse(self, layer: Layer, reason: str) -> None:
        """Note a request that cannot be followed.

        Raises:
            UnsupportedError: Requests must be obeyed.
        """
        if self.options.constraints == "obey":
            raise UnsupportedError(
                f"layer {layer.name} cannot have the type asked for: {reason}",
                hint="take the request back, enable the type, or prefer instead of obey",
            )
        self.rejections.add(layer.name, Rejection(reason))


def converted(data: Array, kind: DataType) -> Array:
    """Float constants in another float type; finite values stay finite."""
    limit = _LARGEST.get(kind)
    with np.errstate(over="ignore"):
        if limit is None:
            return data.astype(kind.numpy)
        finite = np.where(np.isinf(data), data, np.clip(data, -limit, limit))
        return finite.astype(kind.numpy)


def _within(op: Op, kind: DataType) -> Op:
    """An operator whose own numbers the type can hold."""
    limit = _LARGEST.get(kind)
    if limit is None:
        return op
    if isinstance(op, Pointwise):
        return replace(op, program=_limited(op.program, limit))
    if isinstance(op, Accumulating) and op.epilogue:
        return replace(op, epilogue=_limited(op.epilogue, limit))
    if isinstance(op, Activation):
        return replace(op, alpha=_bounded(op.alpha, limit), beta=_bounded(op.beta, limit))
    if isinstance(op, Identity) and op.to_type is not None:
        return replace(op, to_type=kind)
    return op


def _limited(program: Program, limit: float) -> Program:
    return tuple(
        Step(s.function, s.operands, tuple(_bounded(p, limit) for p in s.params))
        for s in program
    )


def _bounded(value: float, limit: float) -> float:
    return value if np.isinf(value) else float(np.clip(value, -limit, limit))
