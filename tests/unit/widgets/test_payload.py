import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from sample_reports import built_only, resnet_report
from trtlab_widgets.payload import CATEGORIES, pack, pack_container

from trtlab.report.records import Report

TYPES = {"f8": "<f8", "f4": "<f4", "i4": "<i4", "u1": "u1"}


def unpack(packed: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    (length,) = struct.unpack_from("<I", packed)
    header = json.loads(packed[4 : 4 + length])
    columns = {
        name: np.frombuffer(packed, TYPES[kind], count, 4 + length + offset)
        for name, (kind, offset, count) in header["buffers"].items()
    }
    return header, columns


@pytest.fixture(scope="module")
def report() -> Report:
    return resnet_report(iterations=6)


def test_parts_begin_at_multiples_of_eight() -> None:
    packed = pack_container({"a": 1}, {"x": ("u1", [1, 2, 3]), "y": ("f8", [0.5])})
    header, columns = unpack(packed)
    (length,) = struct.unpack_from("<I", packed)
    assert (4 + length) % 8 == 0
    assert all(offset % 8 == 0 for _, offset, _ in header["buffers"].values())
    assert columns["x"].tolist() == [1, 2, 3]
    assert columns["y"].tolist() == [0.5]


def test_slices_keep_their_numbers(report: Report) -> None:
    _, columns = unpack(pack(report))
    names = json.loads(columns["slice.names"].tobytes())
    for i in (0, 1, 2, len(report.timeline) // 2, -1):
        wanted = report.timeline[i]
        assert columns["slice.start"][i] == wanted.start_ns
        assert columns["slice.duration"][i] == wanted.duration_ns
        assert columns["slice.layer"][i] == wanted.layer
        assert columns["slice.iteration"][i] == wanted.iteration
        assert CATEGORIES[columns["slice.category"][i]] == wanted.category
        name = columns["slice.name"][i]
        assert (wanted.layer >= 0) == (name == -1)
        assert wanted.layer >= 0 or names[name] == wanted.name


def test_samples_are_found_by_their_ends(report: Report) -> None:
    _, columns = unpack(pack(report))
    ends = columns["sample.end"]
    second = columns["sample.us"][ends[0] : ends[1]]
    assert second == pytest.approx(report.layers[1].time_us.samples)


def test_traces_and_throttling_travel(report: Report) -> None:
    header, columns = unpack(pack(report))
    assert report.telemetry is not None
    for index, trace in enumerate(report.telemetry.traces):
        assert header["traces"][index]["label"] == trace.label
        assert columns[f"trace.{index}.v"] == pytest.approx(trace.values)
    assert header["throttling"][0][2] == "Software power cap"
    assert header["missing"] == report.telemetry.missing


def test_contenders_are_ordered_by_time_and_refusals_come_last(report: Report) -> None:
    header, _ = unpack(pack(report))
    arena = max((layer["arena"] for layer in header["layers"]), key=len)
    times = [c["time"] for c in arena if c["time"] is not None]
    assert times == sorted(times)
    assert sum(c["chosen"] for c in arena) == 1
    first = next((i for i, c in enumerate(arena) if c["why"]), len(arena))
    assert all(c["time"] is None for c in arena[first:])
    assert not any(c["refused"] for c in arena)  # they do not apply; none was tried


def test_attributes_that_json_lacks_become_text(report: Report) -> None:
    odd = {
        "value": float("-inf"),
        "axes": (1, 2),
        "nested": {"a": np.float32(1)},
        "none": None,
    }
    layer = replace(report.layers[0], attributes=odd)
    header, _ = unpack(pack(replace(report, layers=(layer, *report.layers[1:]))))
    assert header["layers"][0]["attributes"] == {
        "value": "-inf", "axes": [1, 2], "nested": {"a": "1.0"}, "none": None,
    }  # fmt: skip


def test_each_layer_says_whether_it_is_emulated(report: Report) -> None:
    """Whatever the build was asked for: single layers may differ from it, both ways."""
    through = replace(report.layers[1], precision="fp16", tactic="cpu.gemm.packed~fp16")
    native = replace(report.layers[2], precision="fp16", tactic="cpu.cast.vector")
    layers = (report.layers[0], through, native, *report.layers[3:])
    for emulated in (False, True):
        config = replace(report.config, emulated=emulated)
        header, _ = unpack(pack(replace(report, config=config, layers=layers)))
        assert [layer["emulated"] for layer in header["layers"][:3]] == [False, True, False]


def test_a_report_that_was_only_built_can_be_packed(report: Report) -> None:
    bare = built_only(report)
    header, columns = unpack(pack(bare))
    assert header["traces"] == []
    assert len(columns["slice.start"]) == len(columns["query.ms"]) == 0


def test_an_unknown_category_is_shown_like_a_copy(report: Report) -> None:
    slices = (replace(report.timeline[0], category="wait"),)
    _, columns = unpack(pack(replace(report, timeline=slices)))
    assert CATEGORIES[columns["slice.category"][0]] == "copy"
