"""CUDA C++ text to machine code with NVRTC; needs no driver and no GPU.

Compiled code is kept on disk under the text's digest, the target and the compiler's version, so
that a second build compiles nothing.
"""

import os
import tempfile
from functools import cache
from pathlib import Path

from trtlab.core.errors import KernelCompileError
from trtlab.core.settings import settings
from trtlab.devices.cuda.code import digest_of
from trtlab.devices.cuda.libraries import nvrtc, succeeded

_OPTIONS = ("--std=c++17", "-default-device", "--extra-device-vectorization")
_ACCELERATED = {"sm_90": "sm_90a"}
"""Targets with the instructions of one architecture alone, such as warp-group products."""
_MAGIC = b"\x7fELF"


@cache
def compiler_version() -> str:
    """NVRTC's version, such as ``13.0``."""
    major, minor = succeeded(nvrtc().nvrtcVersion(), "nvrtcVersion")
    return f"{major}.{minor}"


def compile_cubin(text: str, arch: str, options: tuple[str, ...] = ()) -> bytes:
    """Machine code for one architecture.

    Args:
        text: Source that needs no headers.
        arch: Such as ``sm_90``.
        options: More of the compiler's options than every kernel is compiled with.

    Raises:
        KernelCompileError: It does not compile; has the compiler's log.
        DeviceError: NVRTC is missing.
    """
    flags = _flags(arch, options)
    place = _place(text, flags)
    code = _kept(place)
    if code[:4] == _MAGIC:
        return code
    code = _compile(text, arch, flags)
    _store(place, code)
    return code


def cubin_key(text: str, arch: str) -> str:
    """Tells code apart whichever version of the compiler made it; needs no compiler."""
    return digest_of(*_flags(arch, ()), text)


def _flags(arch: str, options: tuple[str, ...]) -> tuple[str, ...]:
    return (f"--gpu-architecture={_ACCELERATED.get(arch, arch)}", *_OPTIONS, *options)


def _place(text: str, flags: tuple[str, ...]) -> Path:
    digest = digest_of(compiler_version(), *flags, text)
    return settings().cache_dir / "cuda" / digest[:2] / f"{digest}.cubin"


def _kept(place: Path) -> bytes:
    """What the cache has; nothing where it has been cleared, or belongs to somebody else."""
    try:
        return place.read_bytes()
    except OSError:
        return b""


def _store(place: Path, code: bytes) -> None:
    """Write through a temporary file, so that a killed process leaves no half a file."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent)
    except OSError:
        return  # a read-only cache only costs time
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(code)
        Path(name).replace(place)
    except OSError:  # such as a full disk, which nothing is left on
        Path(name).unlink(missing_ok=True)


def _compile(text: str, arch: str, flags: tuple[str, ...]) -> bytes:
    api = nvrtc()
    program = succeeded(
        api.nvrtcCreateProgram(text.encode(), b"kernel.cu", 0, None, None),
        "nvrtcCreateProgram",
    )
    try:
        options = [flag.encode() for flag in flags]
        (code,) = api.nvrtcCompileProgram(program, len(options), options)
        if int(code) != 0:
            raise KernelCompileError(
                f"generated code does not compile for {arch}: {code.name}",
                where=(_log(program), _first_lines(text)),
                hint="this is a bug in trtlab; please report it with this text",
            )
        size = succeeded(api.nvrtcGetCUBINSize(program), "nvrtcGetCUBINSize")
        cubin = bytearray(size)
        buffer = bytes(cubin)
        succeeded((*api.nvrtcGetCUBIN(program, buffer), None), "nvrtcGetCUBIN")
        return buffer
    finally:
        api.nvrtcDestroyProgram(program)


def _log(program: object) -> str:
    api = nvrtc()
    size = succeeded(api.nvrtcGetProgramLogSize(program), "nvrtcGetProgramLogSize")
    log = b" " * size
    api.nvrtcGetProgramLog(program, log)
    return log.rstrip(b"\x00 \n").decode(errors="replace")[:4000]


def _first_lines(text: str) -> str:
    return "\n".join(text.splitlines()[:12])
