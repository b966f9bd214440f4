"""A tactic and a memory format for every layer.

Every layer that touches four-dimensional float tensors is tried in both formats; equal problems
are timed once. The formats of the whole network are then chosen together (`layout`), with the
reformats that they cause charged at their measured times.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trtlab.core.errors import NoTacticError, UnsupportedError
from trtlab.core.types import Dim, TensorFormat, TensorType
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.tactics.contest import Contest, ContestRules, Timer, hold_contest
from trtlab.tactics.formats import wanted_format
from trtlab.tactics.layout import Choice, Link, assign_formats
from trtlab.tactics.occasions import Occasions
from trtlab.tactics.problem import Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.timing_cache import TimingCache

Progress = Callable[[], object]  # called once a layer
Problems = tuple[Problem, ...]  # one layer's, the one that is timed first
_FORMATS = (TensorFormat.LINEAR, TensorFormat.HWC)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen for a layer; no contest for views and for shapes known while planning."""

    format: TensorFormat
    contest: Contest | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Choices by layer, and the contests of the reformats that the formats need."""

    layers: Mapping[Layer, Chosen]
    reformats: Mapping[tuple[Problem, ...], Contest]  # by `Occasions.reformats`
    problems: int


def select(
    network: Network,
    occasions: Occasions,
    registry: TacticRegistry,
    timer: Timer,
    cache: TimingCache,
    rules: ContestRules,
    progress: Progress,
) -> Selection:
    """Choose for the whole network.

    Args:
        network: Optimized; not changed.
        occasions: Types at the shapes to optimize for and at those to be accepted. Nothing
            runs for tensors whose integers follow from the shapes alone.
        registry: The device's tactics.
        timer: Where they are timed.
        cache: Times of earlier builds; new ones are added.
        rules: How hard to look.
        progress: Called before each layer.

    Raises:
        NoTacticError: A layer has no tactic in any format; lists every refusal.
        UnsupportedError: A shape depends on data.
    """
    held: dict[Problems, Contest] = {}

    def contest(problems: Problems) -> Contest:
        if problems not in held:
            timed, *others = problems
            held[problems] = hold_contest(timed, registry, timer, cache, rules, others)
        return held[problems]

    layers = network.layers
    options: list[dict[TensorFormat, Contest | None]] = []
    for layer in layers:
        progress()
        options.append(_options(layer, occasions, contest))
    choices = [_choice(by_format) for by_format in options]
    links, reformats = _links(network, occasions, contest)
    formats = assign_formats(choices, links)
    chosen = {
        layer: Chosen(f, by_format[f])
        for layer, f, by_format in zip(layers, formats, options, strict=True)
    }
    return Selection(chosen, reformats, len(held))


def _options(
    layer: Layer,
    occasions: Occasions,
    contest: Callable[[Problems], Contest],
) -> dict[TensorFormat, Contest | None]:
    """The contest of each format in which the layer can run; None where nothing has to run.

    A layer whose tensors have no formats runs LINEAR: kernels ask for it by that name.
    """
    if occasions.known(layer):
        return dict.fromkeys(_FORMATS)
    types = occasions.best.types
    _refuse_data_dependent(layer, types)
    involved = [
        t for t in (*layer.inputs, *layer.outputs) if t is not None and not t.is_constant
    ]
    flexible = any(occasions.has_formats(t) for t in involved)
    result: dict[TensorFormat, Contest | None] = {}
    refused: list[Contest] = []
    for layout in _FORMATS if flexible else _FORMATS[:1]:
        problems = occasions.problems(layer, layout)
        outcome = contest(problems) if problems else None
        if outcome is not None and outcome.chosen is None:
            refused.append(outcome)
        else:
            result[layout] = outcome
    if not result:
        raise _no_tactic(layer, types, refused)
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
    occasions: Occasions,
    contest: Callable[[Problems], Contest],
) -> tuple[list[Link], dict[Problems, Contest]]:
    known = occasions.best.known
    index = {layer: i for i, layer in enumerate(network.layers)}
    hwc = TensorFormat.HWC
    links: list[Link] = []
    reformats: dict[Problems, Contest] = {}
    for tensor in network.tensors():
        if tensor.is_constant or tensor in known or not occasions.has_formats(tensor):
            continue
        readers: list[int | None] = [
            index[layer] if wanted_format(layer, tensor, hwc) is hwc else None
            for layer in tensor.consumers
        ]
        if tensor in network.outputs:
            readers.append(None)
        both = [occasions.reformats(tensor, to) for to in _FORMATS]
        outcomes = [contest(problems) for problems in both]
        reformats.update(zip(both, outcomes, strict=True))
        producer = None if tensor.producer is None else index[tensor.producer]
        cost = max(outcome.time_us for outcome in outcomes)
        links.append(Link(producer, tuple(readers), cost))
    return links, reformats


def _refuse_data_dependent(layer: Layer, types: Mapping[Tensor, TensorType]) -> None:
    for tensor in (*layer.inputs, *layer.outputs):
        if tensor is not None and any(isinstance(d, Dim) for d in types[tensor].shape):
            raise UnsupportedError(
                f"the shape of {tensor.name} depends on data: {types[tensor]}",
                where=(f"layer {layer.name} ({layer.op.kind})",),
                hint="sizes must follow from the input shapes: make it a dimension of an input or a"
                " constant, or end the network before this layer",
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
