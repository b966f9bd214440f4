"""What this device can do at best, measured on it: the two roofs of the roofline.

The fastest tactic of a large matrix product gives the arithmetic peak, the fastest copy of a
tensor far larger than the caches gives the memory peak (bytes read plus bytes written). Both
are kept on disk per device, since they take a second to measure.
Source: Williams, Waterman and Patterson 2009, "Roofline", doi:10.1145/1498765.1498785.
"""

import json
import logging
from dataclasses import replace
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

_SIDE = 1024
_COPY_ELEMENTS = 1 << 24  # 64 MB of float32: larger than the last-level caches
_log = logging.getLogger(__name__)


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
        peak_flops_per_s={**record.peak_flops_per_s, DataType.FLOAT.value: flops},
        peak_bytes_per_s=moved,
    )


def _measure(device: Device, registry: TacticRegistry) -> tuple[float, float]:
    square = Operand(DataType.FLOAT, (_SIDE, _SIDE))
    weights = Operand(DataType.FLOAT, (_SIDE, _SIDE), constant=True)
    product = Problem(MatrixMultiply(), (square, weights), (square,))
    row = Operand(DataType.FLOAT, (_COPY_ELEMENTS,))
    copy = Problem(Pointwise((Step("relu", (0,)),)), (row,), (row,))
    product_us, copy_us = (_best_us(p, device, registry) for p in (product, copy))
    return 2.0 * _SIDE**3 / product_us * 1e6, 2.0 * row.nbytes / copy_us * 1e6


def _best_us(problem: Problem, device: Device, registry: TacticRegistry) -> float:
    """The shortest run of the fastest tactic: a peak is what was reached once, undisturbed."""
    rules = ContestRules(rounds=9, budget_ms=400.0, hint_ratio=4.0)
    contest = hold_contest(problem, registry, DeviceTimer(device), TimingCache(""), rules)
    samples = [us for contender in contest.contenders for us in contender.samples_us]
    if not samples:
        raise TrtlabError(f"no tactic of this device runs {problem.op.kind}")
    return min(samples)


def _read(path: Path) -> dict[str, tuple[float, float]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    pairs = {
        key: cast("list[object]", row) for key, row in rows.items() if isinstance(row, list)
    }
    return {
        key: (float(pair[0]), float(pair[1]))
        for key, pair in pairs.items()
        if len(pair) == 2 and isinstance(pair[0], float) and isinstance(pair[1], float)
    }


def _write(path: Path, peaks: dict[str, tuple[float, float]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(peaks).encode())
    except (OSError, TrtlabError) as error:
        _log.warning("the device's peaks were not kept: %s", error)
