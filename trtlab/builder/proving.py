"""Tries candidates in processes of their own before they are timed in this one.

CUDA ends the context of a process in which a kernel faults. So every candidate without a known
time first runs once in a prover (see `prover`), of which a few work side by side; when one dies,
its candidate is refused and another prover takes its place.
"""

import pickle
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from time import monotonic
from typing import Self

from trtlab.builder.prover_process import ProverProcess, Task, start
from trtlab.builder.timer import Refusal
from trtlab.core.settings import available_cores
from trtlab.devices.cuda.libraries import cupy, told
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Tactic

_MOST_PROVERS = 8
_CORES_A_PROVER = 2
_PATIENCE_S = 60.0
_TICK_S = 0.2
_FAILED_STARTS = 2
_BYTES_A_PROVER = 4 << 30
_FAULTED = "faulted while being tried: "


@dataclass(frozen=True, slots=True)
class Proofs:
    """What came out.

    Attributes:
        refusals: By problem and tactic name.
        warnings: Why candidates could not be tried apart; they run in this process untried.
    """

    refusals: dict[tuple[Problem, str], Refusal] = field(
        default_factory=dict[tuple[Problem, str], Refusal]
    )
    warnings: list[str] = field(default_factory=list[str])


class Proving:
    """Provers for one build; a context, so that none outlives it.

    Args:
        index: Of the CUDA device.
        most: Provers side by side; see `fitting_provers`.
        patience_s: Silence after which a prover counts as hanging.
        command: What to run instead of the prover, for tests.
    """

    def __init__(
        self,
        index: int,
        most: int = 1,
        patience_s: float = _PATIENCE_S,
        command: Sequence[str] = (sys.executable, "-m", "trtlab.builder.prover"),
    ) -> None:
        self._index = index
        self._most = most
        self._patience_s = patience_s
        self._command = list(command)
        self._provers: list[ProverProcess] = []
        self._tasks: deque[Task] = deque()
        self._failed_starts = 0
        self.proofs = Proofs()

    def submit(self, problem: Problem, tactics: Sequence[Tactic]) -> None:
        """Have candidates tried; returns at once."""
        apart = [tactic for tactic in tactics if _travels(tactic)]
        if len(apart) < len(tactics):
            stay = ", ".join(t.name for t in tactics if t not in apart)
            self._warn(f"{stay}: defined where no other process can import it")
        if apart:
            self._tasks.append(Task(problem, apart))
            self._turn(0.0)

    @property
    def waiting(self) -> int:
        """Problems that were not handed out yet, or are being worked on."""
        return len(self._tasks) + sum(prover.task is not None for prover in self._provers)

    def finish(self, goes_on: Callable[[int], object]) -> Proofs:
        """Wait until everything was tried; the provers end.

        Args:
            goes_on: Called now and then with `waiting`; what it raises ends the wait.
        """
        try:
            while waiting := self.waiting:
                goes_on(waiting)
                self._turn(_TICK_S)
        finally:
            self.close()
        return self.proofs

    def close(self) -> None:
        """End all provers."""
        for prover in self._provers:
            prover.process.kill()
        for prover in self._provers:
            prover.end()
        self._provers.clear()
        self._tasks.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ---- inside ------------------------------------------------------------------------

    def _turn(self, timeout_s: float) -> None:
        """Start, hear and hand out once."""
        self._start_missing()
        for prover in list(self._provers):
            self._hand_out(prover)
        links = {prover.link: prover for prover in self._provers}
        for link in wait(list(links), timeout_s if links else 0.0):
            self._hear(links[link])  # pyright: ignore[reportArgumentType] - only links wait
        for prover in list(self._provers):
            if (prover.task or not prover.ready) and (
                monotonic() - prover.heard > self._patience_s
            ):
                # Other programs may have had the cores: the next build tries again.
                silence = f"no answer within {self._patience_s:g} s"
                self._lose(prover, silence, lasts=False)
        for prover in list(self._provers):
            self._hand_out(prover)

    def _start_missing(self) -> None:
        busy = sum(prover.task is not None for prover in self._provers)
        wanted = min(self._most, busy + len(self._tasks))
        while len(self._provers) < wanted and self._failed_starts < _FAILED_STARTS:
            try:
                self._provers.append(start(self._command, self._index))
            except OSError as error:
                self._give_up(f"no process can be started: {error}")
        if not self._provers:
            self._tasks.clear()

    def _hand_out(self, prover: ProverProcess) -> None:
        if not (prover.ready and prover.task is None and self._tasks):
            return
        prover.task, prover.begun = self._tasks.popleft(), ""
        prover.heard = monotonic()
        try:
            prover.link.send((prover.task.problem, prover.task.tactics))
        except OSError:
            self._tasks.appendleft(prover.task)  # it died while idle
            self._drop(prover)

    def _hear(self, prover: ProverProcess) -> None:
        """Take what a prover has to say; its silence at the end of the pipe is its death."""
        try:
            while prover.link.poll():
                kind, name, reason = prover.link.recv()
                prover.heard = monotonic()
                self._take(prover, kind, name, reason)
                if prover not in self._provers:
                    return
        except (EOFError, OSError):
            how = prover.last_words()
            self._lose(prover, how, lasts=not prover.ended_from_outside)

    def _take(self, prover: ProverProcess, kind: str, name: str, reason: str) -> None:
        task = prover.task
        if kind == "ready":
            prover.ready, self._failed_starts = True, 0
        elif kind == "unable":
            self._drop(prover)
            self._give_up(reason)
        elif task is None:
            return
        elif kind == "begin":
            prover.begun = name
        elif kind == "refused":
            self.proofs.refusals[task.problem, name] = Refusal(reason)
        elif kind == "lost":
            self._lose(prover, reason)
        elif kind == "unproved":
            self._warn(f"{name}: {reason}")
        elif kind == "no room":
            self._warn(f"{task.problem.op.kind}: {reason}")
        elif kind == "done":
            prover.task = None

    def _lose(self, prover: ProverProcess, how: str, *, lasts: bool = True) -> None:
        """A prover is gone: its candidate is to blame, if one had begun."""
        task = prover.task
        self._drop(prover)
        if not prover.ready:
            self._give_up(how)
        elif task is not None and not prover.begun:
            self._warn(f"{task.problem.op.kind}: {how}")
        elif task is not None:
            refusal = Refusal(_FAULTED + how, lasts)
            self.proofs.refusals[task.problem, prover.begun] = refusal
            refused = self.proofs.refusals
            rest = [t for t in task.tactics if (task.problem, t.name) not in refused]
            if rest:
                self._tasks.appendleft(Task(task.problem, rest))

    def _drop(self, prover: ProverProcess) -> None:
        self._provers.remove(prover)
        prover.end()

    def _give_up(self, reason: str) -> None:
        """A start failed; after a few the rest is tried in this process."""
        self._failed_starts += 1
        self._most = max(len(self._provers), 1)
        self._warn(reason)

    def _warn(self, reason: str) -> None:
        sentence = f"candidates run in this process without having been tried apart: {reason}"
        if sentence not in self.proofs.warnings:
            self.proofs.warnings.append(sentence)


def fitting_provers() -> int:
    """How many provers cores and free GPU memory have room for."""
    with told("asking for free memory"):
        free_bytes = int(cupy().cuda.runtime.memGetInfo()[0])
    room = min(available_cores() // _CORES_A_PROVER, free_bytes // _BYTES_A_PROVER)
    return max(1, min(_MOST_PROVERS, room))


def _travels(tactic: Tactic) -> bool:
    """Whether another process can make the same tactic."""
    if type(tactic).__module__ == "__main__":
        return False
    try:
        pickle.dumps(tactic)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True
