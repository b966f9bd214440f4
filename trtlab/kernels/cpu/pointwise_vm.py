"""The pointwise machine: runs a program of scalar functions over rows of float32.

A program is data, so one compiled kernel serves every fused chain of every network. The
machine works on tiles that stay in the first-level cache, one step of the program at a time.

Use from another kernel, on a row that it has just computed::

    call_kernel(machine, program, values, count)

``machine``: ``MACHINE.address``, handed to the kernel among its arguments. ``program``:
address of the table that `pointwise_code.encode` made. ``values``: address of an int64 table
with the address of each operand and then of the result; the result may lie on an operand.
``count``: elements of the row, any number. An operand that is one value for the whole row
(see ``splats`` of `encode`) is given by the address of LANES copies of it.
"""

from trtlab.devices.cpu.kernel import kernel, routine
from trtlab.devices.cpu.native import load_i64, store_i64
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.vectors import vload_first, vstore_first
from trtlab.kernels.cpu.machine import stack_scratch
from trtlab.kernels.cpu.pointwise_code import (
    FIRST_STEP_BYTES,
    OPERANDS_AT,
    SPLATS_AT,
    STEP_BYTES,
    STEPS_AT,
    TEMPORARIES_AT,
    TILE_BYTES,
)
from trtlab.kernels.cpu.pointwise_steps import run_step

_VECTOR_BYTES = 4 * LANES
# The machine's scratch: addresses of the values, one vector a value, temporaries.
_STAGE = 1024
_TEMPORARIES = 8192


@routine
def _run(program: int, places: int, size: int) -> None:
    """All steps on ``size`` bytes, a multiple of a vector."""
    at = program + FIRST_STEP_BYTES
    for _step in range(load_i64(program + STEPS_AT)):
        target = load_i64(places + 8 * load_i64(at + 8))
        a = load_i64(places + 8 * load_i64(at + 16))
        b = load_i64(places + 8 * load_i64(at + 24))
        c = load_i64(places + 8 * load_i64(at + 32))
        run_step(at, target, a, b, c, size)
        at += STEP_BYTES


@kernel
def MACHINE(program: int, values: int, count: int) -> None:  # noqa: N802  (a constant, in truth)
    """Run a program over ``count`` elements (see the module's text)."""
    operands = load_i64(program + OPERANDS_AT)
    splats = load_i64(program + SPLATS_AT)  # bit i: operand i is one value
    places = stack_scratch()
    for slot in range(load_i64(program + TEMPORARIES_AT)):
        temporary = places + _TEMPORARIES + TILE_BYTES * slot
        store_i64(places + 8 * (operands + 1 + slot), temporary)
    done = 0  # bytes
    total = 4 * count
    while done < total:
        left = total - done
        size = min(TILE_BYTES, left // _VECTOR_BYTES * _VECTOR_BYTES)
        rest = left // 4 if size == 0 else 0  # less than a vector: staged
        for i in range(operands + 1):
            place = load_i64(values + 8 * i)
            if not splats >> i & 1:
                place += done
                if rest > 0:
                    stage = places + _STAGE + _VECTOR_BYTES * i
                    if i < operands:
                        vstore_first(stage, vload_first(place, rest), LANES)
                    place = stage
            store_i64(places + 8 * i, place)
        _run(program, places, _VECTOR_BYTES if rest > 0 else size)
        if rest > 0:
            stage = places + _STAGE + _VECTOR_BYTES * operands
            vstore_first(
                load_i64(values + 8 * operands) + done, vload_first(stage, rest), rest
            )
            size = left
        done += size
