"""A whole inference as one list of commands for a team of threads.

Native commands between two host commands become one table, which the team walks without
returning to Python.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from trtlab.core.errors import InternalError
from trtlab.devices.cpu.team import (
    ARGS,
    COUNT,
    FIRST,
    FUNCTION,
    JOIN_COUNTER,
    JOIN_TARGET,
    ROW_LENGTH,
    SYNC_COUNTER,
    SYNC_TARGET,
    Team,
    aligned_int64,
)


@dataclass(slots=True)
class Command:
    """One call of a native kernel, shared among threads.

    Attributes:
        function: Address of a kernel ``void(args, thread, threads)``.
        args: int64 block that the kernel reads. Its values may be changed between runs.
        first: First thread of those that share the work.
        count: How many threads share it; 0 means all from ``first`` on. Commands on separate
            threads run side by side.
        join: All threads of the team meet before this command: needed where a command reads
            what another range of threads wrote.
        sync: The command's threads meet after it. ``False`` only where what follows on each
            thread depends on that thread's share alone, or on nothing of it.
        keep: What must live as long as the program: arrays whose addresses are in ``args``.
    """

    function: int
    args: NDArray[np.int64]
    first: int = 0
    count: int = 0
    join: bool = False
    sync: bool = True
    keep: tuple[object, ...] = ()


@dataclass(slots=True)
class HostCommand:
    """A Python call between native commands, on the caller's thread."""

    call: Callable[[], None]


def arguments(*values: float | NDArray[np.generic]) -> NDArray[np.int64]:
    """An argument block: integers as they are, floats as float32 bits, arrays as addresses.

    The caller keeps the arrays alive.
    """
    block = np.zeros(len(values), np.int64)
    for place, value in enumerate(values):
        if isinstance(value, np.ndarray):
            block[place] = value.ctypes.data
        elif isinstance(value, (float, np.floating)):
            block[place : place + 1].view(np.float32)[0] = value
        else:
            block[place] = value
    return block


@dataclass(slots=True)
class _Segment:
    """Consecutive native commands as a table, with the counters of its barriers."""

    first_command: int
    table: NDArray[np.int64]
    counters: NDArray[np.int64]
    commands: list[Command] = field(default_factory=list["Command"])


class Program:
    """Commands bound to a team, ready to run any number of times.

    Args:
        team: Commands meant for more threads than it has run on those that it has.
        commands: In an order that respects every data dependency.
    """

    def __init__(self, team: Team, commands: Sequence[Command | HostCommand]) -> None:
        self.team = team
        self.commands = tuple(commands)
        self._steps: list[_Segment | tuple[int, HostCommand]] = []
        pending: list[Command] = []
        for place, command in enumerate(self.commands):
            if isinstance(command, Command):
                pending.append(command)
                continue
            if pending:
                self._steps.append(_build_segment(team, pending, place - len(pending)))
                pending = []
            self._steps.append((place, command))
        if pending:
            self._steps.append(
                _build_segment(team, pending, len(self.commands) - len(pending))
            )

    def run(self, stamps: NDArray[np.int64] | None = None) -> None:
        """Execute all commands once and wait for their end.

        Args:
            stamps: int64 [commands, 2]; receives start and end of each command in
                nanoseconds of ``time.monotonic_ns``. ``None`` costs nothing.

        Raises:
            DeviceError: The team is closed. What a host command raises passes through; the
                team stays usable.
        """
        if stamps is not None:
            _check_stamps(stamps, len(self.commands))
        with self.team.lock:
            for step in self._steps:
                if isinstance(step, _Segment):
                    self._run_segment(step, stamps)
                else:
                    _run_host(*step, stamps)

    def _run_segment(self, segment: _Segment, stamps: NDArray[np.int64] | None) -> None:
        segment.counters.fill(0)
        address = 0
        if stamps is not None:
            first = segment.first_command
            stamps[first : first + len(segment.table)] = 0  # begun by nobody yet
            address = stamps.ctypes.data + 16 * first
        self.team.execute(segment.table.ctypes.data, len(segment.table), address)


def _check_stamps(stamps: NDArray[np.int64], commands: int) -> None:
    right = stamps.dtype == np.int64 and stamps.flags.c_contiguous
    if not right or stamps.shape != (commands, 2):
        raise InternalError(
            f"stamps of shape {stamps.shape} and type {stamps.dtype} do not fit the program",
            hint=f"pass a contiguous int64 array of shape ({commands}, 2)",
        )


def _run_host(place: int, command: HostCommand, stamps: NDArray[np.int64] | None) -> None:
    began = time.monotonic_ns()
    # BLAS threads spin for a while after their work, on the cores that the team needs next:
    # measured, a ResNet-50 with two such calls took three times as long.
    with _blas_alone()():
        command.call()
    if stamps is not None:
        stamps[place] = began, time.monotonic_ns()


@cache
def _blas_alone() -> Callable[[], AbstractContextManager[object]]:
    controller: Any = ThreadpoolController()  # its methods have no types
    return partial(controller.select(user_api="blas").limit, limits=1)


class _Counters:
    """Hands out barrier counters, one a range of threads, and the counts to wait for."""

    def __init__(self) -> None:
        self._slots: dict[tuple[int, int], int] = {}
        self._targets: dict[tuple[int, int], int] = {}

    def meet(self, first: int, count: int) -> tuple[int, int]:
        """Slot and target of the next meeting of a range of threads."""
        key = (first, count)
        slot = self._slots.setdefault(key, len(self._slots))
        self._targets[key] = self._targets.get(key, 0) + count
        return slot, self._targets[key]

    def __len__(self) -> int:
        return len(self._slots)


_LINE_LENGTH = 8  # int64 values in a cache line: counters do not share one


def _build_segment(team: Team, commands: list[Command], first_command: int) -> _Segment:
    counters = _Counters()
    table = aligned_int64(len(commands) * ROW_LENGTH).reshape(len(commands), ROW_LENGTH)
    meetings: list[tuple[int, int, int]] = []  # (row, column, slot)
    for row, command in enumerate(commands):
        if command.args.dtype != np.int64 or not command.args.flags.c_contiguous:
            raise InternalError("a command's args must be a contiguous int64 array")
        first = min(command.first, team.threads - 1)
        count = min(command.count or team.threads, team.threads - first)
        table[row, [FUNCTION, ARGS, FIRST, COUNT]] = (
            command.function,
            command.args.ctypes.data,
            first,
            count,
        )
        if command.join and team.threads > 1:
            slot, table[row, JOIN_TARGET] = counters.meet(-1, team.threads)
            meetings.append((row, JOIN_COUNTER, slot))
        if command.sync and count > 1:
            slot, table[row, SYNC_TARGET] = counters.meet(first, count)
            meetings.append((row, SYNC_COUNTER, slot))
    memory = aligned_int64(max(1, len(counters)) * _LINE_LENGTH)
    for row, column, slot in meetings:
        table[row, column] = memory.ctypes.data + 8 * _LINE_LENGTH * slot
    return _Segment(first_command, table, memory, list(commands))
