"""What a record says of the software at work, on a machine that has it."""

import re
from importlib.util import find_spec

import pytest

from trtlab.devices.open import open_device
from trtlab.profiling.telemetry.machine import one_gpu

pytestmark = pytest.mark.gpu
pytest.importorskip("cupy")


def test_a_record_names_driver_and_libraries():
    record = open_device("cuda").record()
    assert re.fullmatch(r"\d{3,}\.\d+(\.\d+)?", record.driver)
    assert re.fullmatch(r"\d+\.\d", record.driver_cuda)
    assert {"cupy", "cuda", "nvrtc"} <= set(record.library_versions)
    for name, module in (
        ("cudnn", "cudnn"),
        ("cudnn-frontend", "cudnn"),
        ("cublaslt", "nvmath"),
    ):
        assert (name in record.library_versions) is (find_spec(module) is not None)
    for name in {"cudnn", "cublaslt"} & set(record.library_versions):
        major, minor, patch = map(int, record.library_versions[name].split("."))
        assert 8 <= major <= 20, name
        assert minor < 100, name
        assert patch < 100, name


def test_nvml_finds_the_same_gpu_by_its_place():
    (source,) = one_gpu(open_device("cuda").bus_id)
    source.open()
    try:
        names = {metric.name for metric in source.metrics}
        assert {"gpu.sm_clock", "gpu.power", "gpu.temperature"} <= names
    finally:
        source.close()
