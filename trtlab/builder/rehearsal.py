"""A selection that runs nothing: every kernel that would be timed is compiled ahead, in parallel.

Kernels of a GPU compile in a few tenths of a second each, one after the other a build would
mostly wait for the compiler. What would be timed also goes to the provers, if there are any.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace

from trtlab.builder.proving import Proving
from trtlab.core.errors import NoTacticError, TrtlabError
from trtlab.devices.cuda.device import CudaDevice
from trtlab.network.graph import Network
from trtlab.tactics.contest import ContestRules, Trial
from trtlab.tactics.occasions import Occasions
from trtlab.tactics.problem import Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.select import select
from trtlab.tactics.tactic import Buffers, Tactic
from trtlab.tactics.timing_cache import TimingCache

_ADDRESS = 1 << 20  # aligned as real ones are; nothing is read there


class _Known(TimingCache):
    """What another cache holds; nothing is added to it."""

    def __init__(self, cache: TimingCache) -> None:
        super().__init__(cache.fingerprint)
        self._cache = cache

    def refusal(self, problem: Problem, tactic: str) -> str:
        """As the other cache."""
        return self._cache.refusal(problem, tactic)

    def find(self, problem: Problem, tactic: str) -> tuple[float, ...] | None:
        """As the other cache, without counting a hit."""
        hits = self._cache.hits
        found = self._cache.find(problem, tactic)
        self._cache.hits = hits
        return found

    def add(self, problem: Problem, tactic: str, samples_us: tuple[float, ...]) -> None:
        """Forget."""

    def refuse(self, problem: Problem, tactic: str, reason: str) -> None:
        """Forget."""


class _Bench:
    def __init__(self, device: CudaDevice, problem: Problem) -> None:
        self._device = device
        self._problem = problem
        self.tactics: list[Tactic] = []

    def trial(self, tactic: Tactic) -> Trial:
        """Compile the tactic's kernels in the background."""
        buffers = Buffers(
            tuple(None if o is None else _ADDRESS for o in self._problem.inputs),
            (_ADDRESS,) * len(self._problem.outputs),
            _ADDRESS,
        )
        self._device.compile_ahead(tactic.bind(self._problem, buffers))
        self.tactics.append(tactic)
        return lambda: 1.0


class _Timer:
    def __init__(
        self, device: CudaDevice, cache: TimingCache, proving: Proving | None
    ) -> None:
        self._device = device
        self._cache = cache
        self._proving = proving

    @contextmanager
    def bench(self, problem: Problem) -> Generator[_Bench]:
        """No operands; at its end the candidates without a known time are handed on."""
        bench = _Bench(self._device, problem)
        yield bench
        unknown = [t for t in bench.tactics if self._cache.find(problem, t.name) is None]
        if self._proving is not None and unknown:
            self._proving.submit(problem, unknown)


def rehearse(
    network: Network,
    occasions: Occasions,
    registry: TacticRegistry,
    device: CudaDevice,
    cache: TimingCache,
    rules: ContestRules,
    proving: Proving | None = None,
    goes_on: Callable[[], object] = lambda: None,
) -> None:
    """Compile what `select` with the same arguments will time; waits until it is done.

    Args:
        network: As for `select`, as are the next five.
        occasions: Types of its tensors at the shapes that matter.
        registry: The device's tactics.
        device: Compiles.
        cache: Known times; what is in it needs neither timing nor proving.
        rules: How hard to look.
        proving: Takes the candidates without a known time.
        goes_on: Called now and then; what it raises ends the rehearsal.
    """
    known = _Known(cache)
    quick = replace(rules, rounds=1, budget_ms=0.0)
    timer = _Timer(device, known, proving)
    try:
        with suppress(NoTacticError):  # the selection itself will say so
            select(network, occasions, registry, timer, known, quick, goes_on)
    except TrtlabError:
        device.drop_compiling()
        raise
    device.finish_compiling(goes_on)
