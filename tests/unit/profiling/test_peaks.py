from dataclasses import replace

import pytest

from trtlab.core.settings import Settings
from trtlab.profiling import peaks
from trtlab.runtime.devices import open_runtime


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(peaks, "settings", lambda: Settings(tmp_path, 0, checks=False))
    return tmp_path


def test_peaks_are_measured_once_and_kept(own_cache, monkeypatch):
    device, registry = open_runtime("cpu")
    first = peaks.with_peaks(device.record(), device, registry)
    assert first.peak_flops_per_s["fp32"] > 1e8
    assert first.peak_bytes_per_s > 1e7
    monkeypatch.setattr(peaks, "_measure", lambda *_: pytest.fail("measured again"))
    assert peaks.with_peaks(device.record(), device, registry) == first


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 1}', '{"a": [1.0, 2.0]}', "\x00"])
def test_a_damaged_file_of_peaks_is_replaced(own_cache, monkeypatch, content):
    (own_cache / "peaks.json").write_text(content)
    monkeypatch.setattr(peaks, "_measure", lambda *_: ({"fp32": 2e11}, 1e10))
    device, registry = open_runtime("cpu")
    found = peaks.with_peaks(replace(device.record(), memory_bytes=0), device, registry)
    assert (found.peak_flops_per_s["fp32"], found.peak_bytes_per_s) == (2e11, 1e10)
    monkeypatch.setattr(peaks, "_measure", lambda *_: pytest.fail("measured again"))
    peaks.with_peaks(device.record(), device, registry)


def test_a_precision_has_its_own_peak(own_cache, monkeypatch):
    found = {"fp32": 5e13, "fp16": 7e14}
    monkeypatch.setattr(peaks, "_measure", lambda *_: (found, 4e12))
    device, registry = open_runtime("cpu")
    assert peaks.with_peaks(device.record(), device, registry).peak_flops_per_s == found
    monkeypatch.setattr(peaks, "_measure", lambda *_: pytest.fail("measured again"))
    assert peaks.with_peaks(device.record(), device, registry).peak_flops_per_s == found
