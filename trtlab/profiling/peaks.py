"""What this device can do at best, measured on it: the two roofs of the roofline.

The fastest tactic of a large matrix product gives the arithmetic peak of a precision, the
fastest copy of a tensor far larger than the caches gives the memory peak (bytes read plus bytes
written). They are kept on disk per device, since they take seconds to measure. The moment may
have been a bad one: when a layer beats a kept peak, the peaks are measured again, and what a
layer still does beyond them is the peak and kept, since a peak is what was ever reached: the
next run is held against it too.
Source: Williams, Waterman and Patterson 2009, "Roofline", doi:10.1145/1498765.1498785.
"""

import json
import logging
from collections.abc import Iterator, Sequence
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
from trtlab.report.records import DeviceRecord, LayerRecord
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
        cached_bytes: What caches may hold; a layer that moves less says nothing of the memory.
    """

    sides: dict[DataType, int]
    copied: int
    cached_bytes: int


_SIZES = {
    "cpu": _Sizes({DataType.FLOAT: 1024}, 1 << 24, 64 << 20),
    "cuda": _Sizes(
        {DataType.FLOAT: 4096, DataType.HALF: 8192, DataType.BF16: 8192}, 1 << 27, 128 << 20
    ),
}
_Peaks = tuple[dict[str, float], float]  # operations by precision, bytes; both a second


_measured_here: set[str] = set()  # devices whose peaks this process has measured already


def with_peaks(
    record: DeviceRecord,
    device: Device,
    registry: TacticRegistry,
    layers: Sequence[LayerRecord] = (),
) -> tuple[DeviceRecord, tuple[str, ...]]:
    """The device's record with its peaks, and what a reader must know of them.

    Args:
        record: Without peaks.
        device: Measured when its peaks are not known yet, or when a layer beats them.
        registry: The device's tactics.
        layers: What ran on it; those with a median time count.

    Returns:
        The record, unchanged where the peaks cannot be measured; and a sentence for each peak
        that a layer gave.
    """
    try:
        found = _known_peaks(device, registry, layers)
    except TrtlabError as error:
        _log.warning("the device's peaks were not measured: %s", error.what)
        return record, ()
    beaten = _beaten(found, layers, device.kind)
    flops, moved = _raised(found, beaten)
    if beaten:
        path = _path()
        _write(path, {**_read(path), device.fingerprint: (flops, moved)})
    raised = replace(
        record,
        peak_flops_per_s={**record.peak_flops_per_s, **flops},
        peak_bytes_per_s=moved,
    )
    return raised, tuple(each.sentence for each in beaten)


def _known_peaks(
    device: Device, registry: TacticRegistry, layers: Sequence[LayerRecord]
) -> _Peaks:
    """What was kept, measured again (once a process) when a layer beats it."""
    path = _path()
    known = _read(path)
    found = known.get(device.fingerprint)
    if found is not None and (
        device.fingerprint in _measured_here or not _beaten(found, layers, device.kind)
    ):
        return found
    best = _measure(device, registry)
    _measured_here.add(device.fingerprint)
    if found is not None:  # both were reached
        flops = {name: max(found[0].get(name, 0.0), rate) for name, rate in best[0].items()}
        best = ({**found[0], **flops}, max(found[1], best[1]))
    known[device.fingerprint] = best
    _write(path, known)
    return best


def _path() -> Path:
    return settings().cache_dir / "peaks.json"


@dataclass(frozen=True, slots=True)
class _Beaten:
    """The layer that goes furthest beyond a peak.

    Attributes:
        precision: Whose arithmetic peak; empty for the memory's.
        rate: Operations or bytes a second.
        layer: Its name.
    """

    precision: str
    rate: float
    layer: str

    @property
    def sentence(self) -> str:
        """What a reader of the report must know."""
        if self.precision:
            what = f"{self.layer} computed faster than the largest {self.precision} product"
            rate = f"{self.rate / 1e9:,.0f} GFLOP/s"
        else:
            what = f"{self.layer} moved its data faster than the largest copy"
            rate = f"{self.rate / 1e9:,.1f} GB/s"
        return (
            f"{what} that was measured here; its {rate} count as the device's peak from now on"
        )


def _beaten(peaks: _Peaks, layers: Sequence[LayerRecord], kind: str) -> list[_Beaten]:
    """For each peak that layers beat, the fastest of them."""
    flops, moved = peaks
    best: dict[str, _Beaten] = {}
    for rate in _rates(layers, _SIZES[kind].cached_bytes):
        peak = flops.get(rate.precision) if rate.precision else moved
        before = best.get(rate.precision)
        if peak and rate.rate > max(peak, before.rate if before else 0.0):
            best[rate.precision] = rate
    return list(best.values())


def _rates(layers: Sequence[LayerRecord], cached_bytes: int) -> Iterator[_Beaten]:
    for layer in layers:
        median_us = layer.time_us.median
        if not median_us:
            continue
        if not _saves_operations(layer):
            yield _Beaten(layer.precision, 1e6 * layer.flops / median_us, layer.name)
        if layer.bytes > cached_bytes:
            yield _Beaten("", 1e6 * layer.bytes / median_us, layer.name)


def _saves_operations(layer: LayerRecord) -> bool:
    """Whether it computes with fewer operations than the layer's definition counts."""
    return any("winograd" in name.lower() for name in (layer.tactic, *layer.kernels))


def _raised(peaks: _Peaks, beaten: Sequence[_Beaten]) -> _Peaks:
    flops, moved = peaks
    rates = {each.precision: each.rate for each in beaten}
    return {name: rates.get(name, rate) for name, rate in flops.items()}, rates.get("", moved)


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
