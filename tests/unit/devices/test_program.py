"""Teams and programs: order, barriers, thread ranges, host calls, stamps, errors."""

import os
import threading
import time

import numpy as np
import pytest

from trtlab.core.errors import DeviceError, InternalError
from trtlab.devices.cpu.kernel import kernel
from trtlab.devices.cpu.native import (
    atomic_load,
    atomic_store,
    load_f32,
    load_i64,
    monotonic_ns,
    store_f32,
    store_i64,
    yield_core,
)
from trtlab.devices.cpu.program import Command, HostCommand, Program, arguments
from trtlab.devices.cpu.team import Team


@kernel
def _shift(args: int, thread: int, threads: int) -> None:
    """y[i] = x[n-1-i] + 1: what one thread reads, another wrote."""
    x, y, n = load_i64(args), load_i64(args + 8), load_i64(args + 16)
    for i in range(n * thread // threads, n * (thread + 1) // threads):
        store_f32(y + 4 * i, load_f32(x + 4 * (n - 1 - i)) + 1.0)


@kernel
def _membership(args: int, thread: int, threads: int) -> None:
    store_i64(load_i64(args) + 16 * thread, thread)
    store_i64(load_i64(args) + 16 * thread + 8, threads)


@kernel
def _busy(args: int, thread: int, threads: int) -> None:
    until = monotonic_ns() + load_i64(args + 8 * thread)
    while monotonic_ns() < until:
        pass


@kernel
def _tell(args: int, thread: int, threads: int) -> None:
    if thread == load_i64(args):
        atomic_store(load_i64(args + 8), 1)


@kernel
def _await(args: int, thread: int, threads: int) -> None:
    """Until it is told, or for a minute."""
    until = monotonic_ns() + 60_000_000_000
    while atomic_load(load_i64(args)) == 0 and monotonic_ns() < until:
        yield_core()


@pytest.fixture(params=[1, 2, 3])
def team(request):
    made = Team(request.param)
    yield made
    made.close()


def test_barriers_order_commands(team):
    x, y = np.arange(1001, dtype=np.float32), np.full(1001, np.nan, np.float32)
    there = Command(_shift.address, arguments(x, y, 1001))
    back = Command(_shift.address, arguments(y, x, 1001))
    program = Program(team, [there, back] * 50)
    for _ in range(3):
        program.run()
    assert (x == np.arange(1001) + 300).all()


def test_ranges_of_threads_run_side_by_side_and_join():
    with_two = Team(2)
    x = np.arange(200, dtype=np.float32)
    y, z = np.full_like(x, np.nan), np.full_like(x, np.nan)
    commands = [
        Command(_shift.address, arguments(x, y, 100), first=0, count=1),
        Command(_shift.address, arguments(x[100:], y[100:], 100), first=1, count=1),
        Command(_shift.address, arguments(y, z, 200), join=True),
    ]
    program = Program(with_two, commands)
    for _ in range(200):
        z.fill(np.nan)
        program.run()
        assert (z[:100] == np.arange(100, 200) + 2).all()
    with_two.close()


def test_a_command_sees_its_place_in_its_own_range():
    with_three = Team(3)
    seen = np.full((3, 2), -1, np.int64)
    Program(with_three, [Command(_membership.address, arguments(seen), first=1)]).run()
    assert seen.tolist() == [[0, 2], [1, 2], [-1, -1]]
    with_three.close()


def test_a_program_for_more_threads_runs_on_fewer():
    alone = Team(1)
    seen = np.full((3, 2), -1, np.int64)
    command = Command(_membership.address, arguments(seen), first=2, count=2, join=True)
    Program(alone, [command]).run()
    assert seen.tolist() == [[0, 1], [-1, -1], [-1, -1]]
    alone.close()


def test_host_commands_run_in_between_and_may_raise(team):
    x, y = np.zeros(8, np.float32), np.full(8, np.nan, np.float32)
    seen = []

    def look():
        seen.append(y[0])
        if len(seen) == 2:
            raise ValueError("as wanted")

    shift = Command(_shift.address, arguments(x, y, 8))
    program = Program(
        team, [shift, HostCommand(look), Command(_shift.address, arguments(y, x, 8))]
    )
    program.run()
    with pytest.raises(ValueError, match="as wanted"):
        program.run()
    program.run()
    assert seen == [1.0, 3.0, 3.0]


def test_stamps_are_ordered_and_on_pythons_clock(team):
    x, y = np.zeros(64, np.float32), np.zeros(64, np.float32)
    shift = Command(_shift.address, arguments(x, y, 64))
    program = Program(team, [shift, HostCommand(lambda: time.sleep(0.002)), shift, shift])
    stamps = np.zeros((4, 2), np.int64)
    before = time.monotonic_ns()
    program.run(stamps)
    after = time.monotonic_ns()
    line = [before, *stamps.ravel().tolist(), after]
    assert line == sorted(line)
    assert stamps[1, 1] - stamps[1, 0] >= 2_000_000
    with pytest.raises(InternalError, match="stamps"):
        program.run(np.zeros((3, 2), np.int64))


def test_args_can_be_patched_between_runs(team):
    x, y, z = np.zeros(4, np.float32), np.zeros(4, np.float32), np.zeros(4, np.float32)
    command = Command(_shift.address, arguments(x, y, 4))
    program = Program(team, [command])
    program.run()
    command.args[1] = z.ctypes.data
    x += 1
    program.run()
    assert (y[0], z[0]) == (1.0, 2.0)


def test_programs_from_several_threads_take_turns(team):
    buffers = [(np.zeros(300, np.float32), np.zeros(300, np.float32)) for _ in range(3)]

    def work(x, y):
        there = Command(_shift.address, arguments(x, y, 300))
        back = Command(_shift.address, arguments(y, x, 300))
        program = Program(team, [there, back])
        for _ in range(100):
            program.run()

    callers = [threading.Thread(target=work, args=pair) for pair in buffers]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all((x == 200).all() for x, _ in buffers)


def test_an_idle_team_sleeps(team):
    program = Program(team, [Command(_membership.address, arguments(np.zeros(8, np.int64)))])
    program.run()
    assert any(_busy_seconds_of(0.1) < 0.05 for _ in range(100))  # it falls asleep
    program.run()  # and wakes again


def _busy_seconds_of(seconds):
    """The processor time that this process takes while it only sleeps."""
    before = os.times()
    time.sleep(seconds)
    after = os.times()
    return after.user + after.system - before.user - before.system


def test_a_closed_team_says_so():
    team = Team(2)
    program = Program(team, [Command(_membership.address, arguments(np.zeros(8, np.int64)))])
    team.close()
    team.close()
    with pytest.raises(DeviceError, match="closed"):
        program.run()
    with pytest.raises(DeviceError, match="0 threads"):
        Team(0)


def test_args_of_another_type_are_refused(team):
    with pytest.raises(InternalError, match="int64"):
        Program(team, [Command(1, np.zeros(3, np.float32))])


def test_a_command_begins_with_its_first_thread_and_ends_with_its_last():
    two, told = Team(2), np.zeros(1, np.int64)
    commands = [
        Command(_await.address, arguments(told), first=0, count=1),
        Command(_tell.address, arguments(1, told)),  # thread 1, while thread 0 is still above
        Command(_busy.address, arguments(0, 5_000_000)),
    ]
    stamps = np.zeros((3, 2), np.int64)
    program = Program(two, commands)
    for _ in range(2):
        told[:] = 0
        program.run(stamps)
        (_, first_end), (shared, shared_end), (last, last_end) = stamps.tolist()
        assert shared < first_end
        assert first_end <= shared_end <= last
        assert last_end - last >= 5_000_000
    two.close()
