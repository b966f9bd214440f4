"""Worker threads that execute a table of native kernels together.

A ``Team`` of n threads is the calling thread plus n − 1 workers. The workers wait inside
native code: they spin for a short while after each table, so that the next one starts within
a microsecond, and then sleep on a POSIX condition, so that an idle process burns no CPU.

A table is int64 rows, in an order that respects every data dependency. Each thread walks all
rows and takes part in those whose thread range it belongs to. Barriers are counters that only
grow during a run: the row says which count to wait for.
"""

import atexit
import ctypes
import os
import threading
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trtlab.core.errors import DeviceError
from trtlab.core.settings import settings
from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import (
    atomic_add,
    atomic_load,
    atomic_max,
    atomic_store,
    call_kernel,
    condition_broadcast,
    condition_wait,
    load_i64,
    monotonic_ns,
    mutex_lock,
    mutex_unlock,
    pause,
    yield_core,
)

# One row of a table, in int64 columns.
ROW_LENGTH: Final = 8
FUNCTION, ARGS, FIRST, COUNT, JOIN_COUNTER, JOIN_TARGET, SYNC_COUNTER, SYNC_TARGET = range(8)
_ROW_BYTES = 8 * ROW_LENGTH

# The state block: each field has a cache line of its own.
_LINE = 64
_EPOCH, _SLEEPERS, _DONE, _REQUEST, _MUTEX, _CONDITION = (
    _LINE * field for field in (0, 1, 2, 3, 4, 6)
)
_TABLE, _ROWS, _STAMPS = _REQUEST, _REQUEST + 8, _REQUEST + 16
_STATE_BYTES = 8 * _LINE

_SPINS_BEFORE_YIELD = 1000
"""About 50 µs of ``pause`` on Intel: longer means that somebody else needs the core."""
_SPIN_NS = 1_500_000
"""How long a worker waits for the next table before it sleeps."""


@routine
def wait_until(counter: int, target: int) -> None:
    """Wait until the counter at an address reaches ``target``."""
    spins = 0
    while atomic_load(counter) < target:
        spins += 1
        if spins < _SPINS_BEFORE_YIELD:
            pause()
        else:
            yield_core()


@routine
def _stamp_begin(stamp: int, began: int) -> None:
    # Threads that find it empty together differ by nanoseconds: either may win.
    if atomic_load(stamp) == 0:
        atomic_store(stamp, began)


@routine
def _execute(table: int, rows: int, thread: int, stamps: int) -> None:
    """Walk a table.

    A row's stamps are the begin of the first thread and the end of the last one, since a
    late thread may find that the others have done its share. Rows that do not meet overlap
    on different threads; there the stamps are thread 0's, which follow each other.
    """
    met = True
    for row in range(rows):
        at = table + row * _ROW_BYTES
        stamp = stamps + 16 * row
        join = load_i64(at + 8 * JOIN_COUNTER)
        if join != 0:
            atomic_add(join, 1)
            wait_until(join, load_i64(at + 8 * JOIN_TARGET))
            met = True
        member = thread - load_i64(at + 8 * FIRST)
        count = load_i64(at + 8 * COUNT)
        if member < 0 or member >= count:
            continue
        if stamps != 0 and (met or member == 0):
            _stamp_begin(stamp, monotonic_ns())
        call_kernel(load_i64(at + 8 * FUNCTION), load_i64(at + 8 * ARGS), member, count)
        sync = load_i64(at + 8 * SYNC_COUNTER)
        met = sync != 0
        if not met:
            if stamps != 0 and member == 0:
                atomic_store(stamp + 8, monotonic_ns())
            continue
        if stamps != 0:
            # Before it is told: whoever arrives last need not be who ended last.
            atomic_max(stamp + 8, monotonic_ns())
        atomic_add(sync, 1)
        wait_until(sync, load_i64(at + 8 * SYNC_TARGET))


@routine
def _await_epoch(state: int, seen: int) -> None:
    spins = 0
    until = monotonic_ns() + _SPIN_NS
    while atomic_load(state + _EPOCH) == seen:
        spins += 1
        if spins < _SPINS_BEFORE_YIELD:
            pause()
            continue
        yield_core()
        if monotonic_ns() > until:
            mutex_lock(state + _MUTEX)
            atomic_add(state + _SLEEPERS, 1)
            while atomic_load(state + _EPOCH) == seen:
                condition_wait(state + _CONDITION, state + _MUTEX)
            atomic_add(state + _SLEEPERS, -1)
            mutex_unlock(state + _MUTEX)


def _work(state: int, thread: int, _threads: int) -> None:
    seen = 0
    while True:
        _await_epoch(state, seen)
        seen += 1
        table = load_i64(state + _TABLE)
        if table == 0:
            return
        _execute(table, load_i64(state + _ROWS), thread, load_i64(state + _STAMPS))
        atomic_add(state + _DONE, 1)


def _lead(state: int, workers: int, _threads: int) -> None:
    """Publish the request in the state block, do thread 0's share, wait for the others."""
    atomic_store(state + _DONE, 0)
    atomic_add(state + _EPOCH, 1)
    # Adding zero is a load that cannot move before the epoch's change: either we see the
    # sleeper, or the sleeper sees the epoch.
    if atomic_add(state + _SLEEPERS, 0) > 0:
        mutex_lock(state + _MUTEX)
        condition_broadcast(state + _CONDITION)
        mutex_unlock(state + _MUTEX)
    table = load_i64(state + _TABLE)
    if table != 0:
        _execute(table, load_i64(state + _ROWS), 0, load_i64(state + _STAMPS))
        wait_until(state + _DONE, workers)


_WORK = kernel(_work)
_LEAD = kernel(_lead)
_NATIVE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def aligned_int64(length: int) -> NDArray[np.int64]:
    """Zeros that begin on a cache line.

    Args:
        length: Number of int64 values.
    """
    raw = np.zeros(length + _LINE // 8, np.int64)
    skip = (-raw.ctypes.data % _LINE) // 8
    return raw[skip : skip + length]


def _run_worker(
    work: Callable[[int, int, int], None], state: NDArray[np.int64], number: int
) -> None:
    work(state.ctypes.data, number, 0)


class Team:
    """A set of threads that execute tables together, one table at a time.

    Args:
        threads: Including the caller's thread.

    Attributes:
        threads: Including the caller's thread.
        lock: Held while a program runs; re-entrant.
    """

    def __init__(self, threads: int) -> None:
        if threads < 1:
            raise DeviceError(
                f"a team of {threads} threads cannot work", hint="ask for at least one thread"
            )
        self.threads = threads
        self.lock = threading.RLock()
        self._process = os.getpid()
        self._closed = False
        self._state = aligned_int64(_STATE_BYTES // 8)
        self._address = self._state.ctypes.data
        self._lead = _NATIVE(_LEAD.address)
        self._workers = self._start() if threads > 1 else []

    def _start(self) -> list[threading.Thread]:
        libc = ctypes.CDLL(None)
        libc.pthread_mutex_init(ctypes.c_void_p(self._address + _MUTEX), None)
        libc.pthread_cond_init(ctypes.c_void_p(self._address + _CONDITION), None)
        work = _NATIVE(_WORK.address)
        workers = [
            threading.Thread(
                # The state array travels along: it must outlive the thread that waits on it.
                target=_run_worker,
                args=(work, self._state, number),
                name=f"trtlab-cpu-{number}",
                daemon=True,
            )
            for number in range(1, self.threads)
        ]
        for worker in workers:
            worker.start()
        return workers

    def execute(self, table: int, rows: int, stamps: int = 0) -> None:
        """Run a table and wait for its end; the caller holds ``lock``.

        Args:
            table: Address of rows (``ROW_LENGTH`` int64 each) whose counters are zero.
            rows: How many.
            stamps: Address of int64 pairs, one a row, for start and end in nanoseconds of
                the monotonic clock; 0 writes none.

        Raises:
            DeviceError: The team is closed, or belongs to the parent of a forked process.
        """
        if self._closed:
            raise DeviceError("the team is closed", hint="make a new Team")
        if os.getpid() != self._process:
            raise DeviceError(
                "the CPU team belongs to the process that this one was forked from",
                hint="start processes with the 'spawn' method",
            )
        self._request(table, rows, stamps)

    def _request(self, table: int, rows: int, stamps: int) -> None:
        self._state[_TABLE // 8] = table
        self._state[_ROWS // 8] = rows
        self._state[_STAMPS // 8] = stamps
        self._lead(self._address, self.threads - 1, 0)

    def stale(self) -> bool:
        """Whether the team is closed or was made before this process was forked."""
        return self._closed or os.getpid() != self._process

    def close(self) -> None:
        """End the workers; closing twice does nothing."""
        with self.lock:
            if self._closed or os.getpid() != self._process:
                return
            self._closed = True
            if self._workers:
                self._request(0, 0, 0)
                for worker in self._workers:
                    worker.join()


_shared: dict[int, Team] = {}
_shared_lock = threading.Lock()


def shared_team(threads: int = 0) -> Team:
    """The process's team of that size, made on first use.

    Args:
        threads: 0 means as many as the settings say (by default every core).
    """
    size = threads or settings().cpu_threads
    with _shared_lock:
        team = _shared.get(size)
        if team is None or team.stale():
            team = _shared[size] = Team(size)
        return team


def _close_all() -> None:
    for team in _shared.values():
        team.close()


atexit.register(_close_all)
