"""Times the tactics that accept a problem, interleaved, and ranks them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from trtlab.core.errors import (
    DeviceError,
    DeviceLostError,
    TrtlabError,
    UnsupportedError,
)
from trtlab.core.types import format_shape
from trtlab.report.records import ContenderRecord
from trtlab.tactics.problem import Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Tactic
from trtlab.tactics.timing_cache import TimingCache

Trial = Callable[[], float]  # one timed run in microseconds


class RefusedTacticError(DeviceError):
    """A bench's answer for a candidate that must not run: it faulted or was wrong elsewhere.

    Attributes:
        lasts: It would be so in the next build too.
    """

    def __init__(self, what: str, *, lasts: bool = True) -> None:
        super().__init__(what)
        self.lasts = lasts


class Bench(Protocol):
    """Random operands for one problem, on which its tactics take turns."""

    def trial(self, tactic: Tactic) -> Trial:
        """Prepare a tactic (pack, bind, warm up); each call of the result is one timed run.

        Raises:
            RefusedTacticError: It must not run here; the error says why.
            DeviceLostError: It faulted here: nothing can run in this process any more.
            TrtlabError: It cannot compute the problem.
        """
        ...


class Timer(Protocol):
    """Where tactics are timed: a device, or a fake clock in tests."""

    def bench(self, problem: Problem) -> AbstractContextManager[Bench]:
        """Operands for a problem; freed on exit."""
        ...


@dataclass(frozen=True, slots=True)
class ContestRules:
    """How long to look for the fastest.

    Attributes:
        timed: False: rank by the tactics' own cost hints.
        hint_ratio: Candidates whose hint is this many times the best hint are not timed.
        rounds: Timed runs of every candidate that is still in the race.
        budget_ms: Stop adding rounds for a problem after this long.
        drop_ratio: Out of the race after two runs when this much slower than the best.
        workspace_limit_bytes: The memory pool for scratch.
        sources: Tactic sources that may be used; empty means all.
        max_tactics: Most candidates that are timed, by their hints; None is no limit.
        tf32: FP32 factors may be rounded to TF32 before they are multiplied.
    """

    timed: bool = True
    hint_ratio: float = 8.0
    rounds: int = 5
    budget_ms: float = 40.0
    drop_ratio: float = 2.5
    workspace_limit_bytes: int = 1 << 40
    sources: frozenset[str] = frozenset()
    max_tactics: int | None = None
    tf32: bool = False


@dataclass(frozen=True, slots=True)
class Contest:
    """The outcome for one problem; ``time_us`` is infinite when nobody accepts it."""

    chosen: Tactic | None
    time_us: float
    contenders: tuple[ContenderRecord, ...]


def hold_contest(
    problem: Problem,
    registry: TacticRegistry,
    timer: Timer,
    cache: TimingCache,
    rules: ContestRules,
    others: Sequence[Problem] = (),
) -> Contest:
    """Choose the fastest tactic that accepts the problem, and the same at other shapes.

    Every candidate appears in the result: with samples, or with the reason why it has none: its
    refusal, or the hint that ruled it out. A candidate that fails while being prepared is
    refused, not fatal; when all that were timed failed, the best of those that a hint had ruled
    out is chosen.

    Raises:
        DeviceLostError: A candidate faulted, and with it this process' context.
    """
    refused: list[ContenderRecord] = []
    accepted: list[tuple[float, Tactic]] = []
    for tactic in registry.candidates(problem.op):
        reason = _refusal(tactic, problem, rules) or _refusal_elsewhere(tactic, others)
        reason = reason or cache.refusal(problem, tactic.name)
        if reason:
            refused.append(ContenderRecord(tactic.name, None, rejection=reason))
        else:
            accepted.append((tactic.cost_hint_us(problem), tactic))
    accepted.sort(key=lambda pair: pair[0])
    if not accepted:
        return Contest(None, float("inf"), tuple(refused))
    best_hint = accepted[0][0]
    racing = [t for hint, t in accepted if hint <= rules.hint_ratio * best_hint]
    racing = racing[: rules.max_tactics]
    benched = [pair for pair in accepted if pair[1] not in racing]
    if not rules.timed or len(racing) == 0:
        return _by_hint(problem, accepted, timer, cache, refused)
    timed, failed = _race(problem, racing, timer, cache, rules)
    if not timed:
        return _by_hint(problem, benched, timer, cache, [*failed, *refused])
    timed.sort(key=lambda c: c.time_us or 0.0)
    passed = [_passed_over(problem, t, hint, best_hint, rules) for hint, t in benched]
    return Contest(
        registry.find(timed[0].tactic),
        timed[0].time_us or 0.0,
        (*timed, *failed, *passed, *refused),
    )


def _by_hint(
    problem: Problem,
    accepted: Sequence[tuple[float, Tactic]],
    timer: Timer,
    cache: TimingCache,
    refused: Sequence[ContenderRecord],
) -> Contest:
    """The first by the hints; what only a library knows to be there is run once before."""
    failed: list[ContenderRecord] = []
    with ExitStack() as stack:
        bench: Bench | None = None  # opened once, and only where something is run
        for place, (hint, tactic) in enumerate(accepted):
            try:
                if tactic.ranked:
                    bench = bench or stack.enter_context(timer.bench(problem))
                    bench.trial(tactic)
            except DeviceLostError:
                raise
            except (TrtlabError, MemoryError) as error:
                failed.append(_failure(problem, tactic, error, cache))
            else:
                first = _untimed(problem, tactic, "")
                rest = [
                    _untimed(
                        problem, t, f"estimated at {us:,.1f} µs, {tactic.name} at {hint:,.1f}"
                    )
                    for us, t in accepted[place + 1 :]
                ]
                return Contest(tactic, hint, (first, *rest, *failed, *refused))
    return Contest(None, float("inf"), (*failed, *refused))


def _untimed(problem: Problem, tactic: Tactic, why: str) -> ContenderRecord:
    needed = tactic.workspace_bytes(problem)
    return ContenderRecord(
        tactic.name, None, workspace_bytes=needed, rejection=why and f"not timed: {why}"
    )


def _passed_over(
    problem: Problem, tactic: Tactic, hint: float, best: float, rules: ContestRules
) -> ContenderRecord:
    """A candidate that others left no chance, by their hints."""
    if hint > rules.hint_ratio * best:
        rule = f"more than {rules.hint_ratio:g} times the best estimate, {best:,.1f} µs"
    else:
        rule = f"which is not among the best {rules.max_tactics}"
    return _untimed(problem, tactic, f"estimated at {hint:,.1f} µs, {rule}")


def _failure(
    problem: Problem, tactic: Tactic, error: TrtlabError | MemoryError, cache: TimingCache
) -> ContenderRecord:
    """A candidate that cannot run; the next build need not ask again where that lasts."""
    reason = _reason(error)
    if is_lasting(error):
        cache.refuse(problem, tactic.name, reason)
    return ContenderRecord(tactic.name, None, rejection=reason)


def _refusal(tactic: Tactic, problem: Problem, rules: ContestRules) -> str:
    if rules.sources and tactic.source not in rules.sources:
        return f"tactic source {tactic.source} is switched off"
    if tactic.tf32 and not rules.tf32:
        return "TF32 is switched off"
    rejection = tactic.check(problem)
    if rejection is not None:
        return rejection.reason
    needed = tactic.workspace_bytes(problem)
    if needed > rules.workspace_limit_bytes:
        allowed = rules.workspace_limit_bytes
        return f"needs {needed:,} bytes of workspace, the pool allows {allowed:,}"
    return ""


def _refusal_elsewhere(tactic: Tactic, others: Sequence[Problem]) -> str:
    for problem in others:
        rejection = tactic.check(problem)
        if rejection is not None:
            shapes = ", ".join(format_shape(o.shape) for o in problem.outputs)
            return f"{rejection.reason} (where the profile's shapes make the output {shapes})"
    return ""


def _race(
    problem: Problem,
    racing: Sequence[Tactic],
    timer: Timer,
    cache: TimingCache,
    rules: ContestRules,
) -> tuple[list[ContenderRecord], list[ContenderRecord]]:
    known = {t.name: cache.find(problem, t.name) for t in racing}
    if all(samples is not None for samples in known.values()):
        return [_record(t, problem, known[t.name] or (), cached=True) for t in racing], []
    failed: list[ContenderRecord] = []
    samples: dict[str, list[float]] = {}
    with timer.bench(problem) as bench:
        trials: dict[str, Trial] = {}
        for tactic in racing:
            try:
                trials[tactic.name] = trial = bench.trial(tactic)
                # Two: a single sample that something disturbed must not end the race.
                samples[tactic.name] = [trial(), trial()]
            except DeviceLostError:
                raise  # the next candidates would only repeat it
            except (TrtlabError, MemoryError) as error:
                trials.pop(tactic.name, None)
                failed.append(_failure(problem, tactic, error, cache))
        _run_rounds(trials, samples, rules)
    timed = [t for t in racing if t.name in trials]
    for tactic in timed:
        cache.add(problem, tactic.name, tuple(samples[tactic.name]))
    return [_record(t, problem, samples[t.name], cached=False) for t in timed], failed


def _reason(error: TrtlabError | MemoryError) -> str:
    if isinstance(error, RefusedTacticError):
        return error.what
    said = str(error) or type(error).__name__
    return f"failed while being timed: {said.splitlines()[0]}"


def is_lasting(error: BaseException) -> bool:
    """Whether a candidate would fail in the next build too; memory may be free again then."""
    if isinstance(error, RefusedTacticError):
        return error.lasts
    said = str(error).lower()
    return isinstance(error, UnsupportedError) and not ("alloc" in said or "memory" in said)


def _run_rounds(
    trials: dict[str, Trial], samples: dict[str, list[float]], rules: ContestRules
) -> None:
    if not trials:
        return
    limit = rules.drop_ratio * min(min(samples[name]) for name in trials)
    racing = [name for name in trials if min(samples[name]) <= limit]
    started = perf_counter()
    for _ in range(rules.rounds - 2):
        for name in racing:
            samples[name].append(trials[name]())
        if (perf_counter() - started) * 1e3 > rules.budget_ms:
            break


def undisturbed_us(samples: Sequence[float]) -> float:
    """The lower quartile: other programs only ever make a run longer, never shorter."""
    return sorted(samples)[len(samples) // 4]


def _record(
    tactic: Tactic, problem: Problem, samples: Sequence[float], *, cached: bool
) -> ContenderRecord:
    if not samples:
        raise DeviceError(f"tactic {tactic.name} was timed without a sample")
    return ContenderRecord(
        tactic.name,
        round(undisturbed_us(samples), 4),
        samples_us=tuple(round(s, 4) for s in samples),
        workspace_bytes=tactic.workspace_bytes(problem),
        from_cache=cached,
    )
