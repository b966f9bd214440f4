"""The text form of networks: one layer a line, there and back.

::

    network resnet50
    input %x: fp32[batch,3,224,224]
    constant %w: fp32[64,3,7,7] sha256:0f1e2d3c4b5a6978
    %y: fp32[batch,64,112,112] = convolution(%x, %w, _) {stride_nd=[2,2]} @c1 from Conv:c1
    output %y

``_`` is an optional input left out. Behind ``@`` stands the layer's name, behind ``from`` the
model's nodes (operator, name, module path), behind ``by`` the rewrite rules. Elements of
constants are not written: they print as name and digest.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from weakref import ref

import numpy as np

from trtlab.core.errors import InvalidNetworkError, UsageError
from trtlab.core.types import DataType, TensorType
from trtlab.layers.base import Array
from trtlab.layers.catalog import OPS, from_attributes
from trtlab.network.graph import Layer, Network, Origin, Tensor
from trtlab.network.text_values import Scanner, format_options, format_type, quote

# Digests of constants by identity: they are read-only, and shared by all copies of a network.
_DIGESTS: dict[int, tuple[ref[Array], str]] = {}


def digest(array: Array) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the elements."""
    key = id(array)
    found = _DIGESTS.get(key)
    if found is not None and found[0]() is array:
        return found[1]
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    text = sha256(data.data).hexdigest()[:16]
    if not array.flags.writeable:
        _DIGESTS[key] = (ref(array, lambda _: _DIGESTS.pop(key, None)), text)
    return text


def dump(network: Network) -> str:
    """The text form; the same for networks that are the same."""
    free = [t for t in network.tensors() if t.is_constant and t.producer is None]
    strongly_typed = " strongly_typed" if network.strongly_typed else ""
    lines = [f"network {quote(network.name)}{strongly_typed}"]
    lines += [f"input {_declared(t)}" for t in network.inputs]
    lines += [f"constant {_declared(t)}" for t in free]
    lines += [dump_layer(layer) for layer in network]
    lines += [f"output %{quote(t.name)}" for t in network.outputs]
    return "\n".join(lines) + "\n"


def dump_layer(layer: Layer) -> str:
    """One line of the text form, as error messages show it."""
    inputs = ", ".join("_" if t is None else f"%{quote(t.name)}" for t in layer.inputs)
    parts = [
        ", ".join(_declared(t) for t in layer.outputs),
        f"= {layer.op.kind.lower()}({inputs})",
        format_options(layer.op),
        f"@{quote(layer.name)}",
    ]
    if layer.precision is not None:
        parts.append(f"precision {layer.precision.value}")
    if any(layer.output_types):
        parts.append("types " + ",".join(t.value if t else "_" for t in layer.output_types))
    if layer.metadata:
        parts.append(f"metadata {json.dumps(layer.metadata)}")
    if layer.origins:
        parts.append("from " + ", ".join(_origin(o) for o in layer.origins))
    if layer.rules:
        parts.append("by " + ", ".join(quote(rule) for rule in layer.rules))
    return " ".join(part for part in parts if part)


def _declared(tensor: Tensor) -> str:
    text = f"%{quote(tensor.name)}: {format_type(tensor.type)}"
    if tensor.data is not None:
        return f"{text} sha256:{digest(tensor.data)}"
    return f"{text} detached" if tensor.detached else text


def _origin(origin: Origin) -> str:
    text = f"{quote(origin.op_type)}:{quote(origin.node)}"
    return f"{text}:{quote(origin.scope)}" if origin.scope else text


def parse(text: str, constants: Mapping[str, Array]) -> Network:
    """Read a network from its text form.

    Args:
        text: What `dump` wrote, perhaps edited.
        constants: Elements of every constant, by name.

    Raises:
        ParseError: A line is not in the text form; says where.
        UsageError: A constant is missing, or its elements are not those of the text.
        InvalidNetworkError: A layer refuses its inputs, or a type is not what it infers.
    """
    reader = _Reader(constants)
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            reader.read(Scanner(line, number))
    return reader.network


class _Reader:
    """Builds a network line by line."""

    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.network = Network()
        self._constants = constants
        self._tensors: dict[str, Tensor] = {}

    def read(self, line: Scanner) -> None:
        """Carry out one line."""
        if line.text.lstrip().startswith("%"):
            self._layer(line)
        else:
            self._declaration(line, line.word())
        if not line.at_end():
            raise line.fail("the end of the line")

    def _declaration(self, line: Scanner, keyword: str) -> None:
        match keyword:
            case "network":
                self.network.name = line.name()
                self.network.strongly_typed = line.accept("strongly_typed")
            case "input":
                name, kind, _ = self._declared(line)
                self._tensors[name] = self.network.add_input(name, kind.dtype, kind.shape)
            case "constant":
                name, kind, wanted = self._declared(line)
                data = self._elements(name, kind, wanted)
                self._tensors[name] = self.network.add_constant(name, data)
            case "output":
                self.network.mark_output(self._tensor(line))
            case _:
                raise line.fail(
                    f"network, input, constant, output or a layer, not {keyword!r}"
                )

    def _layer(self, line: Scanner) -> None:
        declared = [self._declared(line)]
        while line.accept(","):
            declared.append(self._declared(line))
        line.expect("=")
        kind = line.word().upper()
        if kind not in OPS:
            raise line.fail(f"a layer type, not {kind.lower()!r}, before this")
        inputs = self._inputs(line)
        options = line.options()
        line.expect("@")
        layer = self.network.add_layer(
            from_attributes(kind, options),
            inputs,
            name=line.name(),
            output_names=[name for name, *_ in declared],
        )
        self._notes(line, layer)
        for tensor, (name, wanted, sha) in zip(layer.outputs, declared, strict=True):
            if sha:
                tensor.data = self._elements(name, wanted, sha)
            if tensor.type != wanted or tensor.name != name:
                raise InvalidNetworkError(
                    f"%{name} is said to be {wanted}, but %{tensor.name} is {tensor.type}",
                    where=(f"line {line.number}: {line.text.strip()}",),
                )
            self._tensors[name] = tensor

    def _notes(self, line: Scanner, layer: Layer) -> None:
        """What follows the layer's name: precision, types, metadata, origins, rules."""
        while not line.at_end():
            keyword = line.word()
            match keyword:
                case "precision":
                    layer.precision = line.data_type()
                case "types":
                    types = [None if line.accept("_") else line.data_type()]
                    while line.accept(","):
                        types.append(None if line.accept("_") else line.data_type())
                    layer.output_types = tuple(types)
                case "metadata":
                    layer.metadata = line.name()
                case "from":
                    origins = [_read_origin(line)]
                    while line.accept(","):
                        origins.append(_read_origin(line))
                    layer.origins = tuple(origins)
                case "by":
                    rules = [line.name()]
                    while line.accept(","):
                        rules.append(line.name())
                    layer.rules = tuple(rules)
                case _:
                    raise line.fail(
                        f"precision, types, metadata, from or by, not {keyword!r}, before this"
                    )

    def _inputs(self, line: Scanner) -> list[Tensor | None]:
        line.expect("(")
        inputs: list[Tensor | None] = []
        while not line.accept(")"):
            if inputs:
                line.expect(",")
            inputs.append(None if line.accept("_") else self._tensor(line))
        return inputs

    def _tensor(self, line: Scanner) -> Tensor:
        line.expect("%")
        name = line.name()
        if name not in self._tensors:
            raise line.fail(f"a tensor from an earlier line, not {name!r}, before this")
        return self._tensors[name]

    def _declared(self, line: Scanner) -> tuple[str, TensorType, str]:
        """Name, type, and digest of the elements or an empty string."""
        line.expect("%")
        name = line.name()
        line.expect(":")
        kind = line.tensor_type()
        return name, kind, line.name() if line.accept("sha256:") else ""

    def _elements(self, name: str, kind: TensorType, wanted: str) -> Array:
        array = self._constants.get(name)
        if array is None:
            raise UsageError(
                f"the elements of constant {name!r} are missing",
                hint=f"put an array for {kind} into constants",
            )
        found = TensorType(DataType.from_numpy(array.dtype), array.shape)
        if found != kind or digest(array) != wanted:
            raise UsageError(
                f"constant {name!r} is {kind} with digest {wanted} in the text, "
                f"but {found} with digest {digest(array)} in constants"
            )
        return array


def _read_origin(line: Scanner) -> Origin:
    op_type = line.name()
    line.expect(":")
    node = line.name()
    return Origin(node, op_type, line.name() if line.accept(":") else "")
