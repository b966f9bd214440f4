from dataclasses import replace

import pytest
from small_report import REPORT

from trtlab.core.settings import Settings
from trtlab.profiling import peaks
from trtlab.report.records import Samples
from trtlab.report.roofline import attainable_percent
from trtlab.runtime.devices import open_runtime


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(peaks, "settings", lambda: Settings(tmp_path, 0, checks=False))
    monkeypatch.setattr(peaks, "_measured_here", set())
    return tmp_path


def test_peaks_are_measured_once_and_kept(own_cache, monkeypatch):
    device, registry = open_runtime("cpu")
    first, notes = peaks.with_peaks(device.record(), device, registry)
    assert notes == ()
    assert first.peak_flops_per_s["fp32"] > 1e8
    assert first.peak_bytes_per_s > 1e7
    monkeypatch.setattr(peaks, "_measure", lambda *_: pytest.fail("measured again"))
    assert peaks.with_peaks(device.record(), device, registry) == (first, ())


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 1}', '{"a": [1.0, 2.0]}', "\x00"])
def test_a_damaged_file_of_peaks_is_replaced(own_cache, monkeypatch, content):
    (own_cache / "peaks.json").write_text(content)
    monkeypatch.setattr(peaks, "_measure", lambda *_: ({"fp32": 2e11}, 1e10))
    device, registry = open_runtime("cpu")
    found, _ = peaks.with_peaks(replace(device.record(), memory_bytes=0), device, registry)
    assert (found.peak_flops_per_s["fp32"], found.peak_bytes_per_s) == (2e11, 1e10)
    monkeypatch.setattr(peaks, "_measure", lambda *_: pytest.fail("measured again"))
    peaks.with_peaks(device.record(), device, registry)


def test_a_precision_has_its_own_peak(own_cache, monkeypatch):
    found = {"fp32": 5e13, "fp16": 7e14}
    monkeypatch.setattr(peaks, "_measure", lambda *_: (found, 4e12))
    device, registry = open_runtime("cpu")
    assert peaks.with_peaks(device.record(), device, registry)[0].peak_flops_per_s == found
    monkeypatch.setattr(peaks, "_measure", lambda *_: pytest.fail("measured again"))
    assert peaks.with_peaks(device.record(), device, registry)[0].peak_flops_per_s == found


def layer(name, *, flops=0, nbytes=0, precision="fp32"):
    """A layer that took 100 µs."""
    took = Samples((100.0,) * 3)
    first = REPORT.layers[0]
    return replace(
        first, name=name, flops=flops, bytes=nbytes, precision=precision, time_us=took
    )


@pytest.fixture
def measure(own_cache, monkeypatch):
    """Measures 1 GFLOP/s and 1 GB/s first, then what is put in front."""
    results = [({"fp32": 1e9}, 1e9)]
    monkeypatch.setattr(peaks, "_measure", lambda *_: results.pop(0))
    device, registry = open_runtime("cpu")

    def run(*layers):
        return peaks.with_peaks(device.record(), device, registry, layers)

    run()
    peaks._measured_here.clear()  # as if another process had measured them
    run.results = results
    return run


def test_a_beaten_peak_is_measured_again(measure):
    measure.results.append(({"fp32": 3e9}, 5e8))
    found, notes = measure(layer("conv", flops=200_000))
    assert (found.peak_flops_per_s["fp32"], found.peak_bytes_per_s, notes) == (3e9, 1e9, ())
    assert measure()[0] == found  # and kept


def test_what_a_layer_does_beyond_a_fresh_peak_is_the_peak_and_stays_it(measure):
    measure.results.append(({"fp32": 1.5e9}, 1e9))
    slower, faster = layer("slower", flops=180_000), layer("faster", flops=200_000)
    found, notes = measure(slower, faster)
    assert found.peak_flops_per_s["fp32"] == pytest.approx(2e9)
    assert len(notes) == 1
    assert notes[0].startswith("faster computed faster than the largest fp32 product")
    assert "2 GFLOP/s" in notes[0]
    assert attainable_percent(faster, found) == pytest.approx(100)
    assert measure(slower) == (found, ())  # not measured a third time
    again, notes = measure(layer("fastest", flops=300_000))
    assert again.peak_flops_per_s["fp32"] == pytest.approx(3e9)
    assert notes[0].startswith("fastest ")


def test_layers_that_caches_serve_do_not_beat_the_memory(measure):
    small = layer("small", nbytes=1 << 20)
    assert measure(small)[1] == ()
    measure.results.append(({"fp32": 1e9}, 1e9))
    large = layer("large", nbytes=1 << 30)
    found, notes = measure(small, large)
    assert found.peak_bytes_per_s == pytest.approx((1 << 30) * 1e4)
    assert "large moved its data faster" in notes[0]


@pytest.mark.parametrize(
    "way", [{"tactic": "cpu.convolution.winograd/4x4"}, {"kernels": ("implicit_WinogradNd",)}]
)
def test_who_computes_with_fewer_operations_beats_no_peak(measure, way):
    saving = replace(layer("wino", flops=500_000_000), **way)  # 5 TFLOP/s by definition
    record, notes = measure(saving)
    assert record.peak_flops_per_s["fp32"] == 1e9
    assert notes == ()


def test_a_precision_without_a_peak_is_not_beaten(measure):
    found, notes = measure(layer("conv", flops=10**9, precision="bf16"))
    assert notes == ()
    assert set(found.peak_flops_per_s) == {"fp32"}
