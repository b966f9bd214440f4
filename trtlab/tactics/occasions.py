"""The shapes that an engine will meet: those it is tuned for, and others that it must accept.

A tactic is timed at the shapes to optimize for. It is of no use when it refuses the smallest or
the largest ones. And a tensor of one pixel, whose formats are the same, may have more of them
elsewhere: then its format matters after all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trtlab.core.types import StaticShape, TensorFormat
from trtlab.network.graph import Layer, Network, Tensor
from trtlab.network.types_at import Inferred, infer_at
from trtlab.tactics.formats import has_formats, problem_of, reformat_problem
from trtlab.tactics.problem import Problem
from trtlab.tactics.views import is_view


@dataclass(frozen=True, slots=True)
class Occasions:
    """What is inferred of a network at every set of shapes that matters.

    Attributes:
        best: At the shapes to optimize for.
        others: At the smallest and largest shapes.
    """

    best: Inferred
    others: tuple[Inferred, ...] = ()

    def has_formats(self, tensor: Tensor) -> bool:
        """Whether the tensor's format makes a difference at some of the shapes."""
        return any(has_formats(each.types[tensor]) for each in (self.best, *self.others))

    def known(self, layer: Layer) -> bool:
        """Whether everything that the layer computes follows from the shapes alone."""
        return all(tensor in self.best.known for tensor in layer.outputs)

    def problems(self, layer: Layer, layout: TensorFormat) -> tuple[Problem, ...]:
        """What the layer has to compute, the best shapes first; nothing where it is a view."""
        each = (problem_of(layer, inferred, layout) for inferred in (self.best, *self.others))
        return _computed(each)

    def reformats(self, tensor: Tensor, to: TensorFormat) -> tuple[Problem, ...]:
        """Converting the tensor from the other format to this one, the best shapes first."""
        kinds = (inferred.types[tensor] for inferred in (self.best, *self.others))
        return tuple(dict.fromkeys(reformat_problem(kind, to) for kind in kinds))


def _computed(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problem for problem in problems if not is_view(problem)))


def occasions_of(
    network: Network,
    best: Mapping[str, StaticShape],
    others: Iterable[Mapping[str, StaticShape]] = (),
) -> Occasions:
    """What is inferred at the shapes to optimize for, and once at each of the others.

    Raises:
        UsageError: A shape is unknown or does not fit.
        InvalidNetworkError: A layer refuses the shapes; says which.
    """
    distinct = [dict(best)]
    for shapes in others:
        if shapes not in distinct:
            distinct.append(dict(shapes))
    first, *rest = (infer_at(network, shapes) for shapes in distinct)
    return Occasions(first, tuple(rest))
