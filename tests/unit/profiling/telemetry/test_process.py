"""Load and memory of a process that is not this one, through a stand-in for psutil."""

import os
from types import SimpleNamespace

import psutil
import pytest
from fake_target import FakeClock

from trtlab.profiling.telemetry.host import HostSource
from trtlab.profiling.telemetry.process import ObservedProcess

MS = 1_000_000


class Machine:
    """Processes by pid: [processor seconds, bytes]; `current` is the worker."""

    def __init__(self):
        self.processes = {}
        self.current = None

    def process(self, pid):
        if pid not in self.processes:
            raise psutil.NoSuchProcess(pid)
        return SimpleNamespace(
            pid=pid,
            cpu_times=lambda: SimpleNamespace(user=self.of(pid)[0] - 0.25, system=0.25),
            memory_info=lambda: SimpleNamespace(rss=self.of(pid)[1]),
        )

    def of(self, pid):
        if pid not in self.processes:
            raise psutil.NoSuchProcess(pid)
        return self.processes[pid]


@pytest.fixture
def machine(monkeypatch):
    made = Machine()
    monkeypatch.setattr("trtlab.profiling.telemetry.process.psutil.Process", made.process)
    return made


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def source(machine, clock, tmp_path):
    process = ObservedProcess("the worker", lambda: machine.current)
    opened = HostSource(tmp_path, process=process, now_ns=clock)
    opened.open()
    return opened


def look(source, clock):
    """(load, memory) after 200 ms."""
    clock.ns += 200 * MS
    names = [m.name for m in source.metrics]
    values = dict(zip(names, source.read().values, strict=True))
    return values["cpu.process_load"], values["memory.rss"]


def reasons(source):
    return {source.missing.get(name) for name in ("cpu.process_load", "memory.rss")}


def test_labels_name_the_process(source):
    labels = {m.name: m.label for m in source.metrics}
    assert labels["cpu.process_load"] == "Load of the worker (100 % = one core)"
    assert labels["memory.rss"] == "Memory of the worker"


def test_without_a_worker_there_is_no_value_but_a_reason(source, clock):
    assert look(source, clock) == (None, None)
    assert reasons(source) == {"no worker yet"}


def test_load_and_memory_are_those_of_the_worker(source, machine, clock):
    machine.processes[7], machine.current = [1.0, 5e6], 7
    assert look(source, clock) == (None, 5e6)  # a load needs two looks
    assert reasons(source) == {None}
    machine.processes[7] = [1.3, 6e6]
    assert look(source, clock) == (pytest.approx(150.0), 6e6)  # 300 ms in 200 ms
    assert look(source, clock) == (pytest.approx(0.0), 6e6)


def test_a_worker_that_takes_the_place_of_another_has_no_past(source, machine, clock):
    machine.processes[7], machine.current = [100.0, 5e6], 7
    look(source, clock)
    machine.current = None
    assert look(source, clock) == (None, None)
    assert reasons(source) == {"the worker has ended"}
    machine.processes[8], machine.current = [0.5, 3e6], 8
    assert look(source, clock) == (None, 3e6)
    machine.processes[8] = [0.6, 3e6]
    assert look(source, clock) == (pytest.approx(50.0), 3e6)
    assert reasons(source) == {None}


def test_a_worker_that_ends_between_two_looks(source, machine, clock):
    machine.processes[7], machine.current = [1.0, 5e6], 7
    look(source, clock)
    del machine.processes[7]
    assert look(source, clock) == (None, None)
    assert reasons(source) == {"the worker has ended"}
    machine.current = 9  # known to its parent, gone for the kernel
    assert look(source, clock) == (None, None)
    assert reasons(source) == {"the worker has ended"}


def test_the_real_kernel_tells_of_a_process_by_its_number(tmp_path, clock):
    process = ObservedProcess("the parent", os.getppid)
    source = HostSource(tmp_path, process=process, now_ns=clock)
    source.open()
    look(source, clock)
    load, memory = look(source, clock)
    assert load >= 0
    assert memory > 0
