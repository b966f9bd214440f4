"""Reports survive the way to a file and back, and anything else ends in a clear error."""

import json
import os
from dataclasses import replace
from enum import Enum

import numpy as np
import pytest
from small_report import BENCHMARK, LAYERS, REPORT, large_report

from trtlab.core.errors import EngineFormatError, UsageError
from trtlab.report import codec
from trtlab.report.records import Report, Samples


def written(path):
    return json.loads(path.read_text())


def test_a_report_comes_back_equal(tmp_path):
    assert codec.load(codec.save(REPORT, tmp_path / "r.json")) == REPORT


def test_a_large_report_comes_back_equal_after_its_first_rounding(tmp_path):
    once = codec.load(codec.save(large_report(20, 10, 500), tmp_path / "r.json"))
    assert codec.load(codec.save(once, tmp_path / "s.json")) == once


def test_compressed_by_name(tmp_path):
    path = REPORT.save(tmp_path / "r.json.gz")
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert Report.load(path) == REPORT
    assert path.read_bytes() == REPORT.save(tmp_path / "again.json.gz").read_bytes()


def test_the_named_keys(tmp_path):
    data = written(codec.save(REPORT, tmp_path / "r.json"))
    assert {
        "schema_version", "model", "device", "build", "layers", "benchmark", "timeline",
        "telemetry", "memory",
    } <= data.keys()  # fmt: skip
    assert {"name", "type", "origins", "tactic", "precision", "time_us", "flops", "bytes"} <= (
        data["layers"][0].keys()
    )
    assert data["layers"][0]["time_us"] == {"median": 20.0, "samples": [30.0, 10.0, 20.0]}
    assert {"min", "median", "p90", "p95", "p99"} <= data["benchmark"]["latency_ms"].keys()
    assert data["benchmark"]["throughput_qps"] == 500.0
    assert data["build"]["passes"][0]["changes"] == 2
    assert data["build"]["seconds"] == 1.5
    assert data["build"]["tactics_tried"] == 3
    assert data["timeline"][3]["start_ns"] == 520_000
    assert data["telemetry"]["traces"][0]["values"] == [1980.0, 1200.0]


def test_derived_values_are_recomputed(tmp_path):
    data = codec.to_dict(REPORT)
    data["layers"][0]["time_us"]["median"] = 1e9
    assert codec.from_dict(data).layers[0].time_us.median == 20.0


def test_floats_are_rounded_to_a_tenth_of_a_nanosecond():
    layer = replace(LAYERS[0], time_us=Samples((1.23456789, 1 / 3)))
    data = codec.to_dict(replace(REPORT, layers=(layer,)))
    assert data["layers"][0]["time_us"] == {"median": 0.784, "samples": [1.2346, 0.3333]}
    fast = replace(BENCHMARK, samples_ms=(0.123456789012,), throughput_qps=1 / 3)
    data = codec.to_dict(replace(REPORT, benchmark=fast))
    assert data["benchmark"]["samples_ms"] == [0.1234568]
    assert data["benchmark"]["throughput_qps"] == 1 / 3  # no unit, no rounding


def test_no_samples_means_null(tmp_path):
    unmeasured = replace(
        REPORT, layers=(replace(LAYERS[0], time_us=Samples(())),), benchmark=None
    )
    data = written(codec.save(unmeasured, tmp_path / "r.json"))
    assert data["layers"][0]["time_us"]["median"] is None
    assert codec.load(tmp_path / "r.json") == unmeasured


class Mode(Enum):
    SAME = 7


def test_attributes_of_any_plain_kind(tmp_path):
    attributes = {"a": (1, (2.5, "x")), "b": Mode.SAME, "c": {"d": None}, "e": np.int64(3)}
    report = replace(REPORT, layers=(replace(LAYERS[0], attributes=attributes),))
    read = codec.load(codec.save(report, tmp_path / "r.json")).layers[0].attributes
    assert read == {"a": (1, (2.5, "x")), "b": "SAME", "c": {"d": None}, "e": 3}


def test_numpy_numbers_become_plain(tmp_path):
    odd = replace(LAYERS[0], flops=np.int64(5), time_us=Samples((np.float32(1.5), 2)))
    read = codec.load(codec.save(replace(REPORT, layers=(odd,)), tmp_path / "r.json")).layers[
        0
    ]
    assert (read.flops, read.time_us.samples) == (5, (1.5, 2.0))


def test_what_json_cannot_say_is_named():
    odd = replace(REPORT, layers=(replace(LAYERS[0], attributes={"fn": object()}),))
    with pytest.raises(UsageError, match=r"report\.layers\.attributes holds a object"):
        codec.to_dict(odd)


def test_not_a_number_is_refused(tmp_path):
    odd = replace(REPORT, layers=(replace(LAYERS[0], time_us=Samples((float("nan"),))),))
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        codec.save(odd, tmp_path / "r.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"PK\x03\x04", "a zip archive, not JSON"),
        (b"<!DOCTYPE html>", "an HTML page, not JSON"),
        (b"TRTLAB\r\n\x01\x00\xff", "an engine, not JSON"),
        (b"hello", "not JSON"),
        (b"[1, 2]", "not a trtlab report"),
        (b'{"Layers": []}', "not a trtlab report"),
        (b'{"schema_version": "1", "layers": []}', "not a trtlab report"),
        (b'{"schema_version": 99, "layers": []}', "schema version is 99"),
        (b'{"schema_version": 1, "layers": NaN}', "holds NaN"),
        (b'{"schema_version": 1, "layers": []}', r"report\.model is missing"),
        (b"\x1f\x8b\x08\x00", "compressed report is damaged"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_foreign_files(tmp_path, content, message):
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(EngineFormatError, match=message) as caught:
        codec.load(path)
    assert str(path) in str(caught.value) or "NaN" in message


@pytest.mark.parametrize("content", [b"", b"hello", b"[1, 2]", b"\x08\x07\xff", b"{}"])
def test_a_foreign_file_is_told_what_is_expected(tmp_path, content):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(EngineFormatError) as caught:
        codec.load(path)
    assert "trtlab profile … --json FILE" in caught.value.hint


def test_every_truncation_is_an_error_that_says_so(tmp_path):
    whole = codec.save(REPORT, tmp_path / "r.json").read_bytes().rstrip()
    for length in range(1, len(whole), 97):
        (tmp_path / "cut.json").write_bytes(whole[:length])
        with pytest.raises(EngineFormatError):
            codec.load(tmp_path / "cut.json")
    (tmp_path / "cut.json").write_bytes(whole[:-1])
    with pytest.raises(EngineFormatError, match="truncated"):
        codec.load(tmp_path / "cut.json")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("layers", 1, "flops"),
            "many",
            r"report\.layers\[1\]\.flops should be a whole number",
        ),
        (
            ("layers", 0, "time_us", "samples", 2),
            None,
            r"time_us\.samples\[2\] should be a number",
        ),
        (("layers", 0, "inputs"), {}, r"inputs should be a list but is an object"),
        (
            ("benchmark", "latency_ms"),
            3,
            r"latency_ms should be an object but is the number 3",
        ),
        (("build", "phases", "parse"), "x", r"phases\['parse'\] should be a number"),
        (("config", "emulated"), 0, r"emulated should be true or false"),
        (("model", "inputs", 0, "shape", 1), 2.5, r"shape\[1\] should be text"),
        (("config", "profiles", 0, "image"), [1], r"should be a list of 3"),
    ],
)
def test_damage_is_located(path, value, message):
    data = json.loads(json.dumps(codec.to_dict(REPORT)))
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(EngineFormatError, match=message):
        codec.from_dict(data)


def test_compatible_additions_are_read():
    data = json.loads(json.dumps(codec.to_dict(REPORT)))
    data["future"] = 1
    data["layers"][0]["future"] = [1]
    del data["warnings"]  # optional: an older file
    del data["memory"]["arena_max_bytes"]
    del data["device"]["driver_cuda"]
    assert codec.from_dict(data) == replace(REPORT, warnings=())


def test_what_the_arena_needs_at_most_comes_back(tmp_path):
    told = replace(REPORT, memory=replace(REPORT.memory, arena_max_bytes=65_536))
    assert codec.load(codec.save(told, tmp_path / "r.json")).memory.arena_max_bytes == 65_536


def test_missing_file(tmp_path):
    with pytest.raises(UsageError, match="there is no report at"):
        codec.load(tmp_path / "none.json")
    with pytest.raises(UsageError, match="cannot read"):
        codec.load(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        codec.save(REPORT, tmp_path / "none" / "r.json")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = codec.save(REPORT, tmp_path / "r.json")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        codec.save(replace(REPORT, created="later"), path)
    assert codec.load(path) == REPORT
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]
