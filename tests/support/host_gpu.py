"""The CPU in a GPU's place, for what only looks at memory: poison, sums, comparisons, copies."""

import ctypes
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np

from trtlab.builder import agreement, proof
from trtlab.devices.cpu.device import CpuDevice


def view(address, dtype, count):
    """Memory as an array."""
    raw = (ctypes.c_char * (count * np.dtype(dtype).itemsize)).from_address(address)
    return np.frombuffer(raw, dtype)


def _survey(device, operand, address):
    values = view(address, operand.dtype.numpy, int(np.prod(operand.shape)))
    bits = values.view(f"u{values.itemsize}")
    missing = int((bits == np.iinfo(bits.dtype).max).sum())
    wide = values.astype(np.float64)
    wide = wide[np.isfinite(wide)]
    return missing, float(np.sqrt((wide**2).mean())) if wide.size else 0.0


def _compare(device, operand, address, right, relative, absolute):
    count = int(np.prod(operand.shape))
    a, b = (
        view(where, operand.dtype.numpy, count).astype(np.float64)
        for where in (address, right)
    )
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)
        near = (apart <= relative * np.abs(b) + absolute) & np.isfinite(b)
        off = ~(near | (a == b) | (np.isnan(a) & np.isnan(b)))
    return int(off.sum()), float(np.nan_to_num(apart[off]).max(initial=0.0))


def host_gpu(monkeypatch, threads: int = 1) -> CpuDevice:
    """A device for `proof.prove` and CPU tactics."""
    device = CpuDevice(threads)
    device.stream = SimpleNamespace(ptr=0)

    def memset(address, value, nbytes, stream):
        ctypes.memset(address, value, nbytes)

    runtime = SimpleNamespace(memsetAsync=memset)
    fake = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(proof, "cupy", lambda: fake)
    monkeypatch.setattr(proof, "told", lambda doing: nullcontext())
    monkeypatch.setattr(proof, "give_back_unused", lambda: None)
    monkeypatch.setattr(
        proof, "checksum", lambda d, address, n: hash(view(address, np.uint8, n).tobytes())
    )
    monkeypatch.setattr(agreement, "survey", _survey)
    monkeypatch.setattr(agreement, "compare", _compare)
    monkeypatch.setattr(
        agreement, "copy_async", lambda to, source, n, *rest: ctypes.memmove(to, source, n)
    )
    return device
