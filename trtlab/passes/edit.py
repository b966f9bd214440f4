"""What rewrites do to a network: one layer in the place of several, with name and origins."""

import re
from collections.abc import Iterable, Sequence

from trtlab.core.errors import InternalError
from trtlab.layers.base import Array, Op
from trtlab.layers.creation import Constant
from trtlab.network.graph import Layer, Network, Tensor, merge_origins
from trtlab.passes.base import is_dead

MOST_NAMED_PARTS = 4  # a longer fusion is named after its first and last part


def fuse(
    network: Network,
    layers: Sequence[Layer],
    op: Op,
    inputs: Sequence[Tensor | None],
    rule: str,
    *,
    name: str | None = None,
) -> Layer:
    """Let the last of some layers compute what all of them did.

    Args:
        network: Edited.
        layers: In execution order. Those before the last go unless somebody else reads them.
        op: Gives the last layer's outputs from ``inputs``.
        inputs: Available where the last layer stands.
        rule: Name of the rewrite rule.
        name: The result's name; made from the parts' names when left out.

    Returns:
        The last layer.

    Raises:
        InternalError: The rule is wrong: the output's type or rank would change.
    """
    root = layers[-1]
    replace(network, root, op, inputs, rule)
    parts: list[str] = []
    for layer in reversed(layers[:-1]):
        if is_dead(network, layer):
            network.remove(layer)
            parts.insert(0, layer.name)
    absorb(root, layers)
    parts.append(root.name)
    wanted = joined_name(parts, op.kind) if name is None else name
    if wanted != root.name:
        network.rename_layer(root, wanted)
    return root


def replace(
    network: Network, layer: Layer, op: Op, inputs: Sequence[Tensor | None], rule: str
) -> None:
    """Give a layer another operator and inputs, and let readers know if the type changed.

    Raises:
        InternalError: As `fuse`.
    """
    before = [t.type for t in layer.outputs]
    network.replace_op(layer, op, inputs)
    after = [t.type for t in layer.outputs]
    if any(
        a.dtype is not b.dtype or a.rank != b.rank for a, b in zip(before, after, strict=True)
    ):
        raise InternalError(
            f"rule {rule} changed the output of layer {layer.name} "
            f"from {before[0]} to {after[0]}"
        )
    stamp(layer, rule)
    if before != after:  # the same sizes under other names
        network.refresh_all()


def stamp(layer: Layer, rule: str) -> None:
    """Note that a rule made a layer what it is."""
    if rule not in layer.rules:
        layer.rules = (*layer.rules, rule)


def absorb(layer: Layer, layers: Iterable[Layer]) -> None:
    """Let a layer stand for the origins of others, and remember the rules that made them."""
    members = tuple(layers)
    layer.origins = merge_origins(members)
    rules = [rule for member in members for rule in member.rules]
    layer.rules = tuple(dict.fromkeys([*rules, *layer.rules]))
    if layer.precision is None:
        layer.precision = next((m.precision for m in members if m.precision is not None), None)


def joined_name(names: Sequence[str], kind: str) -> str:
    """``conv1 + relu1``; many parts become ``{NORMALIZATION[first...last]}``."""
    listed = [_inside(n) if n.startswith("PWN") and _MORE not in n else [n] for n in names]
    parts = [part for name in listed for whole in name for part in whole.split(_PLUS)]
    if len(parts) <= MOST_NAMED_PARTS and not any(part.startswith("{") for part in parts):
        return _PLUS.join(parts)
    return f"{{{kind}[{_inside(parts[0])[0]}{_MORE}{_inside(parts[-1])[-1]}]}}"


def pointwise_name(names: Sequence[str]) -> str:
    """``PWN(sigmoid1, mul1)``; many parts become ``PWN(first...last)``."""
    parts = [part for name in names for part in _inside(name)]
    if len(parts) <= MOST_NAMED_PARTS and _MORE not in "".join(names):
        return f"PWN({', '.join(parts)})"
    return f"PWN({parts[0]}{_MORE}{parts[-1]})"


_PLUS, _MORE = " + ", "..."
_JOINED = re.compile(r"(?:PWN\(|\{\w+\[)(.*)(?:\)|\]\})")


def _inside(name: str) -> list[str]:
    """The parts of a joined name, as far as it tells them."""
    inside = _JOINED.fullmatch(name)
    return [name] if inside is None else re.split(r", |\.\.\.", inside[1])


def fold(network: Network, like: Tensor, data: Array) -> Tensor:
    """A constant computed from another one, named after it, in its type."""
    return network.add_constant(like.name, data.astype(like.dtype.numpy, copy=False))


def settle(network: Network, layer: Layer, arrays: Sequence[Array], rule: str) -> None:
    """Let a layer's results be constants; the readers then stand for its origins too.

    A network output must come from a layer, so it comes from a Constant layer.
    """
    if any(t in network.outputs for t in layer.outputs):
        array = arrays[0].astype(layer.output.dtype.numpy, copy=False)
        held = network.add_constant(layer.output.name, array)
        replace(network, layer, Constant(held.dtype, array.shape), (), rule)
        layer.output.data, layer.output.value = held.data, held.value
        return
    made: list[tuple[Tensor, str]] = []
    for tensor, array in zip(layer.outputs, arrays, strict=True):
        for reader in tensor.consumers:
            reader.origins = merge_origins((layer, reader))
            if not isinstance(layer.op, Constant):
                stamp(reader, rule)
        if tensor.consumers:
            data = array.astype(tensor.dtype.numpy, copy=False)
            constant = network.add_constant(tensor.name, data)
            network.replace_uses(tensor, constant)
            made.append((constant, tensor.name))
    network.remove(layer)
    for constant, name in made:
        network.rename_tensor(constant, name)
