"""A selection that runs nothing: every kernel that would be timed is compiled ahead, in parallel.

Kernels of a GPU compile in a few tenths of a second each, one after the other a build would
mostly wait for the compiler.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from trtlab.core.errors import NoTacticError
from trtlab.devices.cuda.device import CudaDevice
from trtlab.network.graph import Network
from trtlab.network.types_at import Inferred
from trtlab.tactics.contest import ContestRules, Trial
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

    def find(self, problem: Problem, tactic: str) -> tuple[float, ...] | None:
        """As the other cache, without counting a hit."""
        hits = self._cache.hits
        found = self._cache.find(problem, tactic)
        self._cache.hits = hits
        return found

    def add(self, problem: Problem, tactic: str, samples_us: tuple[float, ...]) -> None:
        """Forget."""


class _Bench:
    def __init__(self, device: CudaDevice, problem: Problem) -> None:
        self._device = device
        self._problem = problem

    def trial(self, tactic: Tactic) -> Trial:
        """Compile the tactic's kernels in the background."""
        buffers = Buffers(
            tuple(None if o is None else _ADDRESS for o in self._problem.inputs),
            (_ADDRESS,) * len(self._problem.outputs),
            _ADDRESS,
        )
        self._device.compile_ahead(tactic.bind(self._problem, buffers))
        return lambda: 1.0


class _Timer:
    def __init__(self, device: CudaDevice) -> None:
        self._device = device

    @contextmanager
    def bench(self, problem: Problem) -> Generator[_Bench]:
        """No operands."""
        yield _Bench(self._device, problem)


def rehearse(
    network: Network,
    inferred: Inferred,
    registry: TacticRegistry,
    device: CudaDevice,
    cache: TimingCache,
    rules: ContestRules,
) -> None:
    """Compile what `select` with the same arguments will time; waits until it is done."""
    quick = replace(rules, rounds=1, budget_ms=0.0)
    try:
        select(network, inferred, registry, _Timer(device), _Known(cache), quick, lambda: None)
    except NoTacticError:
        return  # the selection itself will say so
    finally:
        device.finish_compiling()
