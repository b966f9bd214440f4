"""A tactic and a memory format for every layer.

Every layer that touches four-dimensional float tensors is tried in both formats; equal problems
are timed once. The formats of the whole network are then chosen together (`layout`), with the
reformats that they cause charged at their measured times.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trtlab.core.errors import NoTacticError, UnsupportedError
from trtlab.core.types import Dim, TensorFormat, TensorType, static
from trtlab.layers.base import Op
from trtlab.layers.convolution import Convolution
from trtlab.layers.fused import Reformat
from trtlab.layers.resolve import resolve
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.network.types_at import Inferred
from trtlab.tactics.contest import Contest, ContestRules, Timer, hold_contest
from trtlab.tactics.layout import Choice, Link, assign_formats
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.timing_cache import TimingCache
from trtlab.tactics.views import is_view

# Called once a layer.
Progress = Callable[[], object]
_FORMATS = (TensorFormat.LINEAR, TensorFormat.HWC)
_IMAGE_RANK = 4


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen for a layer; no contest for views and for shapes known while planning."""

    format: TensorFormat
    contest: Contest | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Choices by layer, and the contests of the reformats that the formats need."""

    layers: Mapping[Layer, Chosen]
    reformats: Mapping[Problem, Contest]
    problems: int


def other_format(layout: TensorFormat) -> TensorFormat:
    """HWC for LINEAR, LINEAR for HWC."""
    return TensorFormat.HWC if layout is TensorFormat.LINEAR else TensorFormat.LINEAR


def has_formats(kind: TensorType) -> bool:
    """Whether a tensor can lie in either format and it makes a difference."""
    if kind.rank != _IMAGE_RANK or not kind.dtype.is_float:
        return False
    _, channels, height, width = kind.shape
    return channels != 1 and not (height == 1 and width == 1)


def reads_linear(op: Op, index: int) -> bool:
    """Whether a layer reads an input LINEAR in either of its own formats.

    An image that a convolution rounds on the way comes from outside, where it lies LINEAR.
    """
    return isinstance(op, Convolution) and op.rounds_data and index == 0


def wanted_format(layer: Layer, tensor: Tensor, layout: TensorFormat) -> TensorFormat:
    """The format in which a layer running in one reads a tensor."""
    linear = any(t is tensor and reads_linear(layer.op, i) for i, t in enumerate(layer.inputs))
    return TensorFormat.LINEAR if linear else layout


def operand(tensor: Tensor, kind: TensorType, layout: TensorFormat) -> Operand:
    """The tensor as a kernel running in a format sees it; constants are always LINEAR."""
    shape = static(kind.shape)
    image = len(shape) == _IMAGE_RANK and kind.dtype.is_float and not tensor.is_constant
    return Operand(
        kind.dtype,
        shape,
        layout if image else TensorFormat.LINEAR,
        constant=tensor.is_constant,
    )


def problem_of(layer: Layer, inferred: Inferred, layout: TensorFormat) -> Problem:
    """A layer as a problem at the given types; known shape tensors become options."""
    values = [None if t is None else inferred.values.get(t, t.value) for t in layer.inputs]
    op, resolved = resolve(layer.op, values)
    types = inferred.types
    source = other_format(layout) if isinstance(op, Reformat) else layout
    return Problem(
        op,
        tuple(
            None
            if t is None or i in resolved
            else operand(t, types[t], TensorFormat.LINEAR if reads_linear(op, i) else source)
            for i, t in enumerate(layer.inputs)
        ),
        tuple(operand(t, types[t], layout) for t in layer.outputs),
    )


def select(
    network: Network,
    inferred: Inferred,
    registry: TacticRegistry,
    timer: Timer,
    cache: TimingCache,
    rules: ContestRules,
    progress: Progress,
) -> Selection:
    """Choose for the whole network.

    Args:
        network: Optimized; not changed.
        inferred: Types at the shapes to optimize for. Nothing runs for tensors whose integers
            follow from the shapes alone.
        registry: The device's tactics.
        timer: Where they are timed.
        cache: Times of earlier builds; new ones are added.
        rules: How hard to look.
        progress: Called before each layer.

    Raises:
        NoTacticError: A layer has no tactic in any format; lists every refusal.
        UnsupportedError: A shape depends on data.
    """
    held: dict[Problem, Contest] = {}

    def contest(problem: Problem) -> Contest:
        if problem not in held:
            held[problem] = hold_contest(problem, registry, timer, cache, rules)
        return held[problem]

    layers = network.layers
    options: list[dict[TensorFormat, Contest | None]] = []
    for layer in layers:
        progress()
        options.append(_options(layer, inferred, contest))
    choices = [_choice(by_format) for by_format in options]
    links, reformats = _links(network, inferred, contest)
    formats = assign_formats(choices, links)
    chosen = {
        layer: Chosen(f, by_format[f])
        for layer, f, by_format in zip(layers, formats, options, strict=True)
    }
    return Selection(chosen, reformats, len(held))


def _options(
    layer: Layer,
    inferred: Inferred,
    contest: Callable[[Problem], Contest],
) -> dict[TensorFormat, Contest | None]:
    """The contest of each format in which the layer can run; None where nothing has to run."""
    types = inferred.types
    if all(t in inferred.known for t in layer.outputs):
        return {TensorFormat.LINEAR: None, TensorFormat.HWC: None}
    _refuse_data_dependent(layer, types)
    involved = [
        t for t in (*layer.inputs, *layer.outputs) if t is not None and not t.is_constant
    ]
    flexible = any(has_formats(types[t]) for t in involved)
    result: dict[TensorFormat, Contest | None] = {}
    refused: list[Contest] = []
    for layout in _FORMATS if flexible else _FORMATS[:1]:
        problem = problem_of(layer, inferred, layout)
        if is_view(problem):
            result[layout] = None
            continue
        outcome = contest(problem)
        if outcome.chosen is None:
            refused.append(outcome)
        else:
            result[layout] = outcome
    if not result:
        raise _no_tactic(layer, types, refused)
    if not flexible:
        result[TensorFormat.HWC] = result[TensorFormat.LINEAR]
    return result


def _choice(by_format: Mapping[TensorFormat, Contest | None]) -> Choice:
    times: list[float] = []
    for layout in _FORMATS:
        if layout not in by_format:
            times.append(float("inf"))
        else:
            outcome = by_format[layout]
            times.append(0.0 if outcome is None else outcome.time_us)
    return Choice(*times)


def _links(
    network: Network,
    inferred: Inferred,
    contest: Callable[[Problem], Contest],
) -> tuple[list[Link], dict[Problem, Contest]]:
    types, known = inferred.types, inferred.known
    index = {layer: i for i, layer in enumerate(network.layers)}
    hwc = TensorFormat.HWC
    links: list[Link] = []
    reformats: dict[Problem, Contest] = {}
    for tensor in network.tensors():
        if tensor.is_constant or tensor in known or not has_formats(types[tensor]):
            continue
        readers: list[int | None] = [
            index[layer] if wanted_format(layer, tensor, hwc) is hwc else None
            for layer in tensor.consumers
        ]
        if tensor in network.outputs:
            readers.append(None)
        both = [reformat_problem(types[tensor], to) for to in _FORMATS]
        outcomes = [contest(problem) for problem in both]
        reformats.update(zip(both, outcomes, strict=True))
        producer = None if tensor.producer is None else index[tensor.producer]
        cost = max(outcome.time_us for outcome in outcomes)
        links.append(Link(producer, tuple(readers), cost))
    return links, reformats


def reformat_problem(kind: TensorType, to: TensorFormat) -> Problem:
    """Converting a tensor from the other format to this one."""
    shape = static(kind.shape)
    return Problem(
        Reformat(to_format=to),
        (Operand(kind.dtype, shape, other_format(to)),),
        (Operand(kind.dtype, shape, to),),
    )


def _refuse_data_dependent(layer: Layer, types: Mapping[Tensor, TensorType]) -> None:
    for tensor in (*layer.inputs, *layer.outputs):
        if tensor is not None and any(isinstance(d, Dim) for d in types[tensor].shape):
            raise UnsupportedError(
                f"the shape of {tensor.name} depends on data: {types[tensor]}",
                where=(f"layer {layer.name} ({layer.op.kind})",),
                hint="trtlab needs shapes that follow from the input shapes",
            )


def _no_tactic(
    layer: Layer, types: Mapping[Tensor, TensorType], refused: Sequence[Contest]
) -> NoTacticError:
    reasons = [
        f"{c.tactic}: {c.rejection or 'not timed'}" for r in refused for c in r.contenders
    ]
    operands = ", ".join(str(types[t]) for t in layer.inputs if t is not None)
    pool = any("workspace" in reason for reason in reasons)
    return NoTacticError(
        f"no tactic accepts layer {layer.name} ({layer.op.kind}) on {operands}",
        where=tuple(dict.fromkeys(reasons))
        or ("no tactic is registered for this layer type",),
        hint="raise the WORKSPACE pool limit"
        if pool
        else "run the layer in FP32, or open an issue with the model",
    )
