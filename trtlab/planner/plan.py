"""A network with its choices, at concrete shapes → steps with addresses.

Source of the memory idea: every tensor's memory is reused once its last reader is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trtlab.core.errors import InternalError, NoTacticError
from trtlab.core.types import StaticShape, TensorFormat, TensorType
from trtlab.layers.base import Array
from trtlab.layers.scale import Identity
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.network.types_at import Inferred, infer_at
from trtlab.planner.arena import Block, place
from trtlab.planner.storage import Storage
from trtlab.planner.streams import Placement, assign_streams
from trtlab.report.records import AllocationRecord
from trtlab.tactics.formats import problem_of
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Tactic


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """What the builder chose for a layer.

    Attributes:
        tactic: Name; empty for views and for shapes known while planning.
        format: Of its four-dimensional float operands.
        time_us: As timed while building; 0 when it was not.
    """

    tactic: str
    format: TensorFormat
    time_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Location:
    """Where an operand lies.

    Attributes:
        kind: ``arena``, ``binding``, ``weight`` or ``known``.
        key: Binding name, weight key, or the known tensor's name.
        offset_bytes: From the start of the arena, binding or weight.
    """

    kind: str
    key: str
    offset_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One launch: a layer's tactic on located operands."""

    layer: Layer
    index: int  # of the layer in the network
    tactic: Tactic
    problem: Problem
    inputs: tuple[Location | None, ...]
    outputs: tuple[Location, ...]
    workspace_offset_bytes: int
    workspace_bytes: int
    placement: Placement


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a context needs to run at these shapes."""

    steps: tuple[Step, ...]
    arena_bytes: int
    workspace_bytes: int
    unshared_bytes: int
    allocations: tuple[AllocationRecord, ...]
    types: Mapping[Tensor, TensorType]
    known: Mapping[str, Array]
    views: frozenset[Layer]
    streams: int


def weight_key(layer: Layer, index: int) -> str:
    """The name of a layer's packed constant input."""
    return f"{layer.name}:{index}"


def plan(
    network: Network,
    choices: Mapping[str, LayerChoice],
    shapes: Mapping[str, StaticShape],
    registry: TacticRegistry,
    *,
    streams: int = 1,
) -> Plan:
    """Lay an engine out for the given input shapes.

    Args:
        network: Optimized, with reformats in place.
        choices: By layer name.
        shapes: By input name.
        registry: The device's tactics.
        streams: Streams to use, the main one included.

    Raises:
        NoTacticError: A chosen tactic is gone, or refuses these shapes.
        UsageError: The shapes do not fit.
    """
    inferred = infer_at(network, shapes)
    tactics = _tactics(network, choices, inferred, registry)
    problems = {
        layer: problem_of(layer, inferred, choices[layer.name].format)
        for layer in network.layers
        if not all(t in inferred.known for t in layer.outputs)
    }
    storage = Storage(network, inferred, problems, tactics)
    drafts = _drafts(network, problems, tactics, storage, registry)
    depends = _dependencies(drafts, storage)
    times = [choices[d.layer.name].time_us for d in drafts]
    placements = assign_streams(depends, times, streams)
    memory = _Memory(network, inferred, storage, drafts, placements)
    steps = tuple(
        Step(
            d.layer, d.index, d.tactic, d.problem,
            tuple(memory.input(d, i) for i in range(len(d.layer.inputs))),
            memory.outputs(d),
            memory.workspace[number],
            d.workspace_bytes,
            placements[number],
        )
        for number, d in enumerate(drafts)
    )  # fmt: skip
    return Plan(
        steps=steps,
        arena_bytes=memory.arena_bytes,
        workspace_bytes=max((d.workspace_bytes for d in drafts), default=0),
        unshared_bytes=memory.unshared_bytes,
        allocations=memory.allocations,
        types=inferred.types,
        known={t.name: v for t, v in inferred.values.items()},
        views=frozenset(storage.free),
        streams=1 + max((p.stream for p in placements), default=0),
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    layer: Layer
    index: int
    tactic: Tactic
    problem: Problem
    workspace_bytes: int


def _tactics(
    network: Network,
    choices: Mapping[str, LayerChoice],
    inferred: Inferred,
    registry: TacticRegistry,
) -> dict[Layer, Tactic]:
    result: dict[Layer, Tactic] = {}
    for layer in network.layers:
        name = choices[layer.name].tactic
        if not name or all(t in inferred.known for t in layer.outputs):
            continue
        tactic = registry.find(name)
        if tactic is None:
            raise NoTacticError(
                f"the engine uses tactic {name}, which this device does not offer",
                where=(f"layer {layer.name}",),
                hint="build the engine again on this machine",
            )
        result[layer] = tactic
    return result


def _drafts(
    network: Network,
    problems: Mapping[Layer, Problem],
    tactics: Mapping[Layer, Tactic],
    storage: Storage,
    registry: TacticRegistry,
) -> list[_Draft]:
    drafts: list[_Draft] = []
    for index, layer in enumerate(network.layers):
        if layer not in problems or layer in storage.free:
            continue
        problem = storage.problem(layer)
        tactic = tactics.get(layer) or _copy_tactic(layer, problem, registry)
        rejection = tactic.check(problem)
        if rejection is not None:
            raise NoTacticError(
                f"tactic {tactic.name} refuses these shapes: {rejection.reason}",
                where=(f"layer {layer.name} ({layer.op.kind})", str(problem)),
                hint="build with an optimization profile whose opt shape is nearer to these",
            )
        drafts.append(_Draft(layer, index, tactic, problem, tactic.workspace_bytes(problem)))
    return drafts


def _copy_tactic(layer: Layer, problem: Problem, registry: TacticRegistry) -> Tactic:
    """A view that must be copied after all (from an input straight to an output, say)."""
    for tactic in (*registry.candidates(layer.op), *registry.candidates(Identity())):
        if tactic.check(problem) is None:
            return tactic
    raise NoTacticError(f"no tactic can copy {problem}", where=(f"layer {layer.name}",))


def _dependencies(drafts: list[_Draft], storage: Storage) -> list[frozenset[int]]:
    """For each step the earlier steps that write what it reads (whole roots)."""
    writers: dict[Tensor, list[int]] = {}
    result: list[frozenset[int]] = []
    for number, draft in enumerate(drafts):
        read = {
            storage.of(t, o).root
            for t, o in zip(draft.layer.inputs, draft.problem.inputs, strict=True)
            if t is not None and o is not None and not t.is_constant
        }
        result.append(frozenset(w for root in read for w in writers.get(root, ())))
        for t, o in zip(draft.layer.outputs, draft.problem.outputs, strict=True):
            writers.setdefault(storage.of(t, o).root, []).append(number)
    return result


class _Memory:
    """Lifetimes of roots and workspaces, and their offsets in the arena."""

    def __init__(
        self,
        network: Network,
        inferred: Inferred,
        storage: Storage,
        drafts: list[_Draft],
        placements: list[Placement],
    ) -> None:
        self._network = network
        self._inferred = inferred
        self._storage = storage
        self._sizes: dict[Tensor, int] = {}
        self._spans: dict[Tensor, tuple[int, int]] = {}
        self._lent: dict[Tensor, str] = {}  # roots that lie in an output binding
        self._bind_outputs()
        for draft, placement in zip(drafts, placements, strict=True):
            self._touch(draft, placement)
        self._place(drafts, placements)

    def _bind_outputs(self) -> None:
        for tensor in self._network.outputs:
            own = _plain(self._inferred.types[tensor])
            root = self._storage.of(tensor, own).root
            if root in self._lent or _plain(self._inferred.types[root]).nbytes > own.nbytes:
                raise InternalError(
                    f"output {tensor.name!r} cannot hold what {root.name!r} needs"
                )
            self._lent[root] = tensor.name

    def _touch(self, draft: _Draft, placement: Placement) -> None:
        pairs = [
            *zip(draft.layer.inputs, draft.problem.inputs, strict=True),
            *zip(draft.layer.outputs, draft.problem.outputs, strict=True),
        ]
        for tensor, operand in pairs:
            if tensor is None or operand is None or not self._in_arena(tensor, operand):
                continue
            root = self._storage.of(tensor, operand).root
            first, last = self._spans.get(root, (placement.first, placement.last))
            self._spans[root] = (min(first, placement.first), max(last, placement.last))
            self._sizes[root] = _plain(self._inferred.types[root]).nbytes

    def _in_arena(self, tensor: Tensor, operand: Operand) -> bool:
        root = self._storage.of(tensor, operand).root
        return not (
            tensor.is_constant
            or tensor in self._inferred.known
            or root in self._network.inputs
            or root in self._lent
        )

    def _place(self, drafts: list[_Draft], placements: list[Placement]) -> None:
        roots = list(self._spans)
        blocks = [Block(r.name, self._sizes[r], *self._spans[r]) for r in roots]
        scratch = [
            Block(f"{d.layer.name} workspace", d.workspace_bytes, p.first, p.last)
            for d, p in zip(drafts, placements, strict=True)
            if d.workspace_bytes
        ]
        offsets, self.arena_bytes = place([*blocks, *scratch])
        self._offsets = dict(zip(roots, offsets, strict=False))
        remaining = iter(offsets[len(roots) :])
        self.workspace = [next(remaining) if d.workspace_bytes else 0 for d in drafts]
        self.unshared_bytes = sum(self._sizes.values())
        steps = [d.index for d in drafts]
        self.allocations = tuple(
            AllocationRecord(
                b.name, offset, b.size_bytes, steps[b.first_step], steps[b.last_step]
            )
            for b, offset in zip([*blocks, *scratch], offsets, strict=True)
        )

    def input(self, draft: _Draft, index: int) -> Location | None:
        """Where a draft's input lies."""
        tensor, operand = draft.layer.inputs[index], draft.problem.inputs[index]
        if tensor is None or operand is None:
            return None
        if tensor.is_constant:
            return Location("weight", weight_key(draft.layer, index))
        return self.locate(tensor, operand)

    def outputs(self, draft: _Draft) -> tuple[Location, ...]:
        """Where a draft's outputs lie."""
        pairs = zip(draft.layer.outputs, draft.problem.outputs, strict=True)
        return tuple(self.locate(tensor, operand) for tensor, operand in pairs)

    def locate(self, tensor: Tensor, operand: Operand) -> Location:
        """Where a tensor lies."""
        if tensor in self._inferred.known and tensor not in self._network.outputs:
            return Location("known", tensor.name)
        stored = self._storage.of(tensor, operand)
        offset = int(stored.offset * stored.operand.dtype.itemsize)
        if stored.root in self._network.inputs:
            return Location("binding", stored.root.name, offset)
        if stored.root in self._lent:
            return Location("binding", self._lent[stored.root], offset)
        return Location("arena", "", self._offsets[stored.root] + offset)


def _plain(kind: TensorType) -> Operand:
    return Operand(kind.dtype, tuple(int(str(extent)) for extent in kind.shape))
