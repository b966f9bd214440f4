"""The CPU as a device: host memory, and programs for a team of threads."""

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numba
import numpy as np
import psutil
from numpy.typing import NDArray

from trtlab.core.errors import DeviceError, InternalError
from trtlab.core.types import StaticShape
from trtlab.devices.cpu.isa import target_isa
from trtlab.devices.cpu.kernel import source_digest
from trtlab.devices.cpu.program import Command, HostCommand, Program
from trtlab.devices.cpu.team import Team
from trtlab.devices.protocol import Scheduled
from trtlab.layers.base import Array
from trtlab.report.records import DeviceRecord

_ALIGN = 64


class HostMemory:
    """An array's bytes; the array lives as long as this object.

    Args:
        array: Contiguous. Its bytes are not copied.
    """

    def __init__(self, array: Array) -> None:
        self.array = array
        self.address: int = array.ctypes.data
        self.nbytes: int = array.nbytes


def aligned_bytes(nbytes: int) -> NDArray[np.uint8]:
    """Uninitialised bytes that start at a cache line.

    Raises:
        DeviceError: Not enough memory.
    """
    try:
        raw = np.empty(nbytes + _ALIGN, np.uint8)
    except MemoryError as error:
        raise DeviceError(
            f"the host cannot allocate {nbytes:,} bytes",
            hint="use smaller shapes, or close other programs",
        ) from error
    start = -raw.ctypes.data % _ALIGN
    return raw[start : start + nbytes]


class CpuDevice:
    """Runs programs on a team of threads.

    Args:
        threads: Kernels share their work among so many.
    """

    kind: Literal["cpu"] = "cpu"

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.team = Team(threads)

    @property
    def compatibility(self) -> str:
        """Packed weights depend on the vector width."""
        return f"cpu/{target_isa().name}"

    @property
    def fingerprint(self) -> str:
        """Processor, vector width, threads and kernel sources."""
        return f"{_cpu_name()}/{target_isa().name}/{self.threads}/{source_digest()}"

    def record(self) -> DeviceRecord:
        """Name, threads and memory of the host."""
        return DeviceRecord(
            kind="cpu",
            name=_cpu_name(),
            cores=self.threads,
            memory_bytes=int(psutil.virtual_memory().total),
            isa=target_isa().name,
            driver=f"{platform.system()} {platform.release()}",
            library_versions={"numpy": np.__version__, "numba": numba.__version__},
        )

    def allocate(self, nbytes: int) -> HostMemory:
        """Uninitialised host memory."""
        return HostMemory(aligned_bytes(max(nbytes, 1)))

    def hold(self, array: Array) -> HostMemory:
        """The array itself where it is aligned, else an aligned copy."""
        if array.flags.c_contiguous and array.ctypes.data % _ALIGN == 0:
            return HostMemory(array)
        memory = self.allocate(array.nbytes)
        self.write(memory.address, array)  # nothing of an empty array; its memory has a byte
        return memory

    def write(self, address: int, array: Array) -> None:
        """Copy an array into host memory."""
        if array.nbytes:
            _at(address, array.nbytes)[:] = (
                np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            )

    def read(self, address: int, dtype: np.dtype, shape: StaticShape) -> Array:
        """Copy host memory into a new array."""
        count = int(np.prod(shape, dtype=np.int64))
        flat = _at(address, count * dtype.itemsize).copy()
        return flat.view(dtype).reshape(shape)

    def program(self, steps: Sequence[Scheduled], streams: int) -> "CpuProgram":
        """Commands in order; streams of a region share the threads among them."""
        return CpuProgram(self.team, steps, streams)

    def synchronize(self) -> None:
        """Nothing to wait for: programs return when they are done."""


class CpuProgram:
    """Steps as commands for the team."""

    def __init__(self, team: Team, steps: Sequence[Scheduled], streams: int) -> None:
        commands: list[Command | HostCommand] = []
        self._owners: list[int] = []
        region = -1
        for number, step in enumerate(steps):
            first, count = _threads(step, team.threads, streams)
            for launch in step.launches:
                if isinstance(launch, Command):
                    launch.join = step.region != region and region >= 0
                    launch.first = first
                    launch.count = min(launch.count or count, count)
                elif not isinstance(launch, HostCommand):
                    raise InternalError(f"{launch!r} is not a command of the CPU device")
                region = step.region
                commands.append(launch)
                self._owners.append(number)
        self._steps = len(steps)
        self._program = Program(team, commands)
        self._stamps = np.zeros((len(commands), 2), np.int64)

    def run(self) -> None:
        """Execute all steps; returns when they are done."""
        self._program.run()

    def run_stamped(self) -> NDArray[np.int64]:
        """Execute all steps; start and end of each in nanoseconds."""
        self._program.run(self._stamps)
        result = np.zeros((self._steps, 2), np.int64)
        result[:, 0] = np.iinfo(np.int64).max
        owners = np.asarray(self._owners, np.int64)
        np.minimum.at(result[:, 0], owners, self._stamps[:, 0])
        np.maximum.at(result[:, 1], owners, self._stamps[:, 1])
        return result


def _threads(step: Scheduled, threads: int, streams: int) -> tuple[int, int]:
    """First thread and number of threads of a step; 0 threads means the whole team."""
    if step.region < 0 or streams < 2:
        return 0, threads
    if streams >= threads:
        return step.stream % threads, 1
    first = step.stream * threads // streams
    return first, (step.stream + 1) * threads // streams - first


def _at(address: int, nbytes: int) -> NDArray[np.uint8]:
    """Host memory at an address, as bytes. The caller vouches for the address."""
    if nbytes == 0:
        return np.empty(0, np.uint8)
    interface = {"data": (address, False), "shape": (nbytes,), "typestr": "|u1", "version": 3}
    return np.asarray(type("_Raw", (), {"__array_interface__": interface})())


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    return platform.processor() or platform.machine()
