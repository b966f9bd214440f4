"""Runs one tactic on one problem on a GPU, with poisoned memory, against the NumPy meaning."""

import dataclasses
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from kernel_conformance import GUARD_BYTES, POISON, Case, Spec

from trtlab.core.settings import available_cores
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import KernelLaunch
from trtlab.devices.cuda.nvrtc import compile_cubin
from trtlab.devices.protocol import Scheduled
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Tactic


def in_type(case: Case, dtype: DataType) -> Case:
    """The case with its float32 operands in another type, and tolerances to match."""

    def turned(spec: Spec | None) -> Spec | None:
        if spec is None or spec.dtype is not DataType.FLOAT or spec.kept:
            return spec
        return dataclasses.replace(spec, dtype=dtype)

    outputs = tuple(turned(s) for s in case.outputs)
    values = {
        i: v.astype(dtype.numpy) if v.dtype == np.float32 and not _kept(case, i) else v
        for i, v in case.values.items()
    }
    loose = 2e-3 if dtype is DataType.HALF else 1e-2
    return dataclasses.replace(
        case,
        inputs=tuple(turned(s) for s in case.inputs),
        outputs=outputs,
        values=values,
        rtol=loose,
        atol=max(case.atol, 2 * loose),
    )


def _kept(case: Case, index: int) -> bool:
    spec = case.inputs[index]
    return spec is not None and spec.kept


class DeviceMemory:
    """A poisoned buffer on the device with room for an operand, and guards on both sides."""

    def __init__(self, device, operand: Operand) -> None:
        self.device, self.operand = device, operand
        size = operand.dtype.numpy.itemsize
        reach = 1 + sum(
            (e - 1) * s for e, s in zip(operand.shape, operand.strides, strict=True)
        )
        self.nbytes = max(reach, 0) * size if 0 not in operand.shape else 0
        self.raw = np.full(2 * GUARD_BYTES + self.nbytes, POISON, np.uint8)
        self.memory = device.allocate(self.raw.nbytes)
        self.address = self.memory.address + GUARD_BYTES
        self._steps = tuple(s * size for s in operand.strides)

    def _view(self, dtype: np.dtype) -> np.ndarray:
        inside = self.raw[GUARD_BYTES : GUARD_BYTES + self.nbytes].view(dtype)
        if 0 in self.operand.shape:
            return np.empty(self.operand.shape, dtype)
        return np.lib.stride_tricks.as_strided(inside, self.operand.shape, self._steps)

    @property
    def view(self) -> np.ndarray:
        return self._view(self.operand.dtype.numpy)

    def upload(self) -> None:
        self.device.write(self.memory.address, self.raw)

    def download(self) -> None:
        self.raw = self.device.read(self.memory.address, np.dtype(np.uint8), self.raw.shape)

    def untouched_outside(self) -> bool:
        size = self.operand.dtype.numpy.itemsize
        bits = self._view(np.dtype(f"u{size}"))
        kept = bits.copy()
        bits[...] = int.from_bytes(bytes([POISON]) * size)
        clean = bool((self.raw == POISON).all())
        bits[...] = kept
        return clean


def bound_kernels(tactic: Tactic, problem: Problem) -> list[str]:
    """Texts of the kernels that a tactic launches for a problem."""
    buffers = Buffers(
        tuple(None if o is None else 1 << 20 for o in problem.inputs),
        tuple(1 << 21 for _ in problem.outputs),
        1 << 22,
    )
    launches = tactic.bind(problem, buffers)
    return [x.kernel.text for x in launches if isinstance(x, KernelLaunch)]


def compile_all(texts: Iterable[str], arch: str) -> None:
    """Fill the disk cache, many texts at a time: the compiler lets other threads run."""
    with ThreadPoolExecutor(available_cores()) as pool:
        for _ in pool.map(lambda text: compile_cubin(text, arch), set(texts)):
            pass


def run_on_gpu(device, tactic: Tactic, case: Case, seed: int = 0) -> tuple[list, list]:
    """Results and float64 references; asserts that nothing else was written."""
    rng = np.random.default_rng(seed)
    arrays = case.arrays(rng)
    problem = case.problem(arrays)
    constants = {
        i: a
        for i, (a, o) in enumerate(zip(arrays, problem.inputs, strict=True))
        if o is not None and a is not None and o.constant
    }
    packed = {i: np.ascontiguousarray(a) for i, a in tactic.pack(problem, constants).items()}
    memories: list[DeviceMemory | None] = []
    addresses: list[int | None] = []
    held: list[object] = []
    for i, (array, operand) in enumerate(zip(arrays, problem.inputs, strict=True)):
        memory = None
        if operand is None or array is None:
            addresses.append(None)
        elif i in packed:
            held.append(device.hold(packed[i]))
            addresses.append(held[-1].address)
        else:
            memory = DeviceMemory(device, operand)
            memory.view[...] = array
            memory.upload()
            addresses.append(memory.address)
        memories.append(memory)
    outputs = [DeviceMemory(device, operand) for operand in problem.outputs]
    for output in outputs:
        output.upload()
    need = tactic.workspace_bytes(problem)
    workspace = device.hold(np.full(need + 256, 0xFF, np.uint8))  # NaN in every float type
    buffers = Buffers(tuple(addresses), tuple(o.address for o in outputs), workspace.address)
    program = device.program([Scheduled(tactic.bind(problem, buffers))], 1)
    program.run()
    device.synchronize()
    tail = device.read(workspace.address, np.dtype(np.uint8), (need + 256,))[need:]
    assert (tail == 0xFF).all(), "wrote beyond the workspace"
    for memory in (*outputs, *(m for m in memories if m is not None)):
        memory.download()
        assert memory.untouched_outside(), f"wrote outside {memory.operand}"
    for memory, array in zip(memories, arrays, strict=True):
        assert memory is None or np.array_equal(
            memory.view, array, equal_nan=array.dtype.kind == "f"
        ), "changed an input"
    wide = [
        a.astype(np.float64) if a is not None and DataType.from_numpy(a.dtype).is_float else a
        for a in arrays
    ]
    with np.errstate(all="ignore"):
        expected = case.op.evaluate(wide)
    return [o.view.copy() for o in outputs], list(expected)
