"""Places in a library's ranking, chosen again where the plan gives operands holes.

A library ranks its algorithms for the strides at hand. A place that was timed on dense operands
names another algorithm once the result is written into its slice of a concatenation: one that
nobody timed, and that can be many times slower. So the candidates near the best are timed again
on the operands as they will lie.
"""

from collections.abc import Mapping

from trtlab.builder.reformats import Chosen, choice_of
from trtlab.core.types import StaticShape
from trtlab.layers.base import Op
from trtlab.network.graph import Network
from trtlab.network.types_at import infer_at
from trtlab.planner.plan import Step, plan
from trtlab.tactics.contest import Contest, ContestRules, Timer, hold_contest
from trtlab.tactics.formats import problem_of
from trtlab.tactics.problem import Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.timing_cache import TimingCache


def rerank(
    network: Network,
    chosen: Mapping[str, Chosen],
    shapes: Mapping[str, StaticShape],
    registry: TacticRegistry,
    timer: Timer,
    cache: TimingCache,
    rules: ContestRules,
) -> dict[str, Chosen]:
    """The choices, with the places in rankings that hold for the strides of the plan.

    Args:
        network: With its reformats.
        chosen: Choices and contests by layer name.
        shapes: To optimize for, by input name.
        registry: The device's tactics.
        timer: Where they are timed.
        cache: Times of earlier builds; new ones are added.
        rules: As of the first contests; without timing nothing is chosen again.
    """
    result = dict(chosen)
    if not rules.timed or not any(_is_ranked(contest) for _, contest in chosen.values()):
        return result
    inferred = infer_at(network, shapes)
    choices = {name: choice for name, (choice, _) in chosen.items()}
    held = dict[tuple[Problem, tuple[str, ...]], Contest]()  # each once, however many layers
    for step in plan(network, choices, shapes, registry).steps:
        choice, first = chosen[step.layer.name]
        if first is None or not _is_ranked(first):
            continue
        dense = problem_of(step.layer, inferred, choice.format)
        if step.problem == dense or not _can_be_timed(step):
            continue
        near = _near(first, step.problem.op, registry, rules.drop_ratio)
        key = (step.problem, tuple(t.name for t in near.candidates(step.problem.op)))
        if key not in held:
            held[key] = hold_contest(step.problem, near, timer, cache, rules)
        again = held[key]
        if again.chosen is not None:
            result[step.layer.name] = (choice_of(choice.format, again), again)
    return result


def _is_ranked(contest: Contest | None) -> bool:
    return contest is not None and contest.chosen is not None and contest.chosen.ranked


def _can_be_timed(step: Step) -> bool:
    """The bench gives operands memory from their first element on."""
    operands = (*step.problem.inputs, *step.problem.outputs)
    return all(min(o.strides, default=0) >= 0 for o in operands if o is not None)


def _near(contest: Contest, op: Op, registry: TacticRegistry, ratio: float) -> TacticRegistry:
    """Candidates that were not much slower than the best on dense operands."""
    near = {
        c.tactic
        for c in contest.contenders
        if c.time_us is not None and c.time_us <= ratio * contest.time_us
    }
    result = TacticRegistry()
    result.add(type(op), [t for t in registry.candidates(op) if t.name in near])
    return result
