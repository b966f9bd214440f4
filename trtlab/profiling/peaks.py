"""What this device can do at best, measured on it: the two roofs of the roofline.

The fastest tactic of a large matrix product gives the arithmetic peak of a precision, the
fastest copy of a tensor far larger than the caches gives the memory peak (bytes read plus bytes
written). They are kept on disk per device, since they take seconds to measure.
Source: Williams, Waterman and Patterson 2009, "Roofline", doi:10.1145/1498765.1498785.
"""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from trtlab.builder.timer import DeviceTimer
from trtlab.core.errors import TrtlabError
from trtlab.core.settings import settings
from trtlab.core.types import DataType
from trtlab.devices.protocol import Device
from trtlab.layers.linear import MatrixMultiply
from trtlab.layers.pointwise import Pointwise, Step
from trtlab.report.atomic_write import write_atomically
from trtlab.report.records import DeviceRecord
from trtlab.tactics.contest import ContestRules, hold_contest
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.timing_cache import TimingCache

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Problems large enough to reach a kind of device's peaks.

    Attributes:
        sides: Rows and columns of the square factors, by precision.
        copied: float32 elements of the copy: several times the last-level cache.
    """

    sides: dict[DataType, int]
    copied: int


_SIZES = {
    "cpu": _Sizes({DataType.FLOAT: 1024}, 1 << 24),
    "cuda": _Sizes({DataType.FLOAT: 4096, DataType.HALF: 8192, DataType.BF16: 8192}, 1 << 27),
}
_Peaks = tuple[dict[str, float], float]  # operations by precision, bytes; both a second


def with_peaks(record: DeviceRecord, device: Device, registry: TacticRegistry) -> DeviceRecord:
    """The device's record with its measured peaks; without them where they cannot be measured."""
    path = settings().cache_dir / "peaks.json"
    known = _read(path)
    found = known.get(device.fingerprint)
    if found is None:
        try:
            found = _measure(device, registry)
        except TrtlabError as error:
            _log.warning("the device's peaks were not measured: %s", error.what)
            return record
        known[device.fingerprint] = found
        _write(path, known)
    flops, moved = found
    return replace(
        record,
        peak_flops_per_s={**record.peak_flops_per_s, **flops},
        peak_bytes_per_s=moved,
    )


def _measure(device: Device, registry: TacticRegistry) -> _Peaks:
    sizes = _SIZES[device.kind]
    flops: dict[str, float] = {}
    for dtype, side in sizes.sides.items():
        square = Operand(dtype, (side, side))
        weights = Operand(dtype, (side, side), constant=device.kind == "cpu")
        product = Problem(MatrixMultiply(), (square, weights), (square,))
        flops[dtype.value] = 2e6 * side**3 / _best_us(product, device, registry)
        if dtype is DataType.FLOAT and device.kind == "cuda":
            flops["tf32"] = 2e6 * side**3 / _best_us(product, device, registry, tf32=True)
    row = Operand(DataType.FLOAT, (sizes.copied,))
    copy = Problem(Pointwise((Step("relu", (0,)),)), (row,), (row,))
    return flops, 2e6 * row.nbytes / _best_us(copy, device, registry)


def _best_us(
    problem: Problem, device: Device, registry: TacticRegistry, *, tf32: bool = False
) -> float:
    """The shortest run of the fastest tactic: a peak is what was reached once, undisturbed."""
    rules = ContestRules(rounds=9, budget_ms=400.0, hint_ratio=4.0, tf32=tf32)
    contest = hold_contest(problem, registry, DeviceTimer(device), TimingCache(""), rules)
    samples = [us for contender in contest.contenders for us in contender.samples_us]
    if not samples:
        raise TrtlabError(f"no tactic of this device runs {problem.op.kind}")
    return min(samples)


def _read(path: Path) -> dict[str, _Peaks]:
    """What was kept; rows that are damaged or of another form are measured again."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    return {key: peaks for key, row in rows.items() if (peaks := _peaks(row)) is not None}


def _peaks(row: object) -> _Peaks | None:
    pair = cast("list[object]", row) if isinstance(row, list) else []
    if len(pair) != 2 or not isinstance(pair[0], dict) or not isinstance(pair[1], float):
        return None
    flops = cast("dict[str, object]", pair[0])
    known = {name: rate for name, rate in flops.items() if isinstance(rate, float)}
    return (known, pair[1]) if known and len(known) == len(flops) else None


def _write(path: Path, peaks: dict[str, _Peaks]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(peaks).encode())
    except (OSError, TrtlabError) as error:
        _log.warning("the device's peaks were not kept: %s", error)
