"""The machinery of a rewrite rule: match, rejection, result, and the loop over a network."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from trtlab.layers.base import Op
from trtlab.network.graph import Layer, Network
from trtlab.report.records import RejectionRecord

MOST_REJECTIONS = 40  # kept of one pass; the report says how many more there were


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a rule declined a place that nearly fits.

    Attributes:
        reason: A sentence without names, so that equal reasons can be counted.
        where: The layers or tensors that stand in the way.
    """

    reason: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """Layers that one rewrite replaces, in execution order; the rule looked at the last."""

    layers: tuple[Layer, ...]

    @property
    def root(self) -> Layer:
        """The layer whose outputs stay; its place in the order is where the result goes."""
        return self.layers[-1]


@dataclass(frozen=True, slots=True)
class PassResult:
    """What one pass did."""

    changes: int
    rejections: tuple[RejectionRecord, ...] = ()


class Pass(Protocol):
    """One step of the pipeline.

    Attributes:
        name: Kebab case; the spelling in options, records and `Layer.rules`.
    """

    name: ClassVar[str]

    def run(self, network: Network) -> PassResult:
        """Rewrite in place."""
        ...


class Rejections:
    """Collects rejections, each once, and bounds their number."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, Rejection], None] = {}

    def add(self, subject: str, rejection: Rejection) -> None:
        """Note why ``subject`` (a layer's name) was declined."""
        self._seen[subject, rejection] = None

    def records(self) -> tuple[RejectionRecord, ...]:
        """The first `MOST_REJECTIONS`, and how many more there were."""
        kept = list(self._seen)[:MOST_REJECTIONS]
        records = [RejectionRecord(s, r.reason, r.where) for s, r in kept]
        more = len(self._seen) - len(kept)
        if more:
            records.append(RejectionRecord("", f"and {more} more", ()))
        return tuple(records)


MatchT = TypeVar("MatchT", bound=Match)


@dataclass(frozen=True)
class Rule(ABC, Generic[MatchT]):
    """A local rewrite: looks at each layer of some types once, producers before consumers.

    A rule edits only what lies before the layer that it looks at, so that what it made is seen
    again when its readers come up: one walk reaches the rule's own fixed point.

    Attributes:
        name: See `Pass.name`.
        roots: Types of operators at which to look.
        backwards: Whether to look at readers before producers, for a rule that takes all that
            it can at once.
    """

    name: ClassVar[str]
    roots: ClassVar[tuple[type[Op], ...]]
    backwards: ClassVar[bool] = False

    def run(self, network: Network) -> PassResult:
        """Rewrite every match."""
        changes, rejections = 0, Rejections()
        for layer in network.layers[:: -1 if self.backwards else 1]:
            while isinstance(layer.op, self.roots) and not is_dead(network, layer):
                found = self._match(network, layer)
                if isinstance(found, Match):
                    found = _conflict(found) or found
                if found is None:
                    break
                if isinstance(found, Rejection):
                    rejections.add(layer.name, found)
                    break
                self._rewrite(network, found)
                changes += 1
        return PassResult(changes, rejections.records())

    @abstractmethod
    def _match(self, network: Network, layer: Layer) -> MatchT | Rejection | None:
        """What to rewrite at this layer; a rejection for a near miss; None when unrelated."""

    @abstractmethod
    def _rewrite(self, network: Network, match: MatchT) -> None:
        """Carry a match out; cannot fail, and never matches the same place again."""


def is_dead(network: Network, layer: Layer) -> bool:
    """Whether nobody reads any output (a removed layer is dead too)."""
    return not any(t.consumers or t in network.outputs for t in layer.outputs)


def _conflict(match: Match) -> Rejection | None:
    """Layers become one only when their users' precision requests can be kept."""
    asked = {layer.precision for layer in match.layers if layer.precision is not None}
    if len(asked) > 1 or (asked and any(la.precision is None for la in match.layers)):
        return Rejection("the layers ask for different precisions", _names(match.layers))
    inner = tuple(la for la in match.layers[:-1] if any(la.output_types))
    if inner:
        return Rejection("a type is asked for between the layers", _names(inner))
    return None


def _names(layers: Iterable[Layer]) -> tuple[str, ...]:
    return tuple(layer.name for layer in layers)
