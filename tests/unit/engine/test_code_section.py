"""Compiled code in engine files: kept whole, checked before use, told by the inspector."""

import json
from dataclasses import replace

import pytest

from tests.support.tiny_models import branches
from trtlab.core.errors import EngineFormatError
from trtlab.devices.cuda.code import CompiledCode
from trtlab.devices.cuda.nvrtc import compile_cubin, cubin_key
from trtlab.engine import plan_file
from trtlab.engine.code_section import code_table, read_code
from trtlab.engine.inspector import engine_information, html_summary
from trtlab.session.one_call import build

TEXT = 'extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= 2.0f; }'
PLAN = CompiledCode("cudnn", "ab12", "cudnn 91900/GPU/132", b"\x00plan\xff", 272)
EMPTY = CompiledCode("cublaslt", "cd34", "cublasLt 130100/GPU/132", b"")


@pytest.fixture(scope="module")
def kernel():
    pytest.importorskip("cuda.bindings.nvrtc")
    key = cubin_key(TEXT, "sm_90")
    return CompiledCode("kernel", key, "nvrtc", compile_cubin(TEXT, "sm_90"))


@pytest.fixture(scope="module")
def engine(kernel):
    made = build(branches(), shapes={"x": (2, 3, 16, 16)}, optimization_level=1).engine
    return replace(made, code=(kernel, PLAN, EMPTY))


@pytest.fixture(scope="module")
def blob(engine):
    return plan_file.serialize(engine)


def test_code_survives_the_way_to_disk_and_back(engine, kernel, tmp_path):
    again = plan_file.load(plan_file.save(engine, tmp_path / "net.engine"))
    assert again.code == engine.code
    assert again.code[0].data == compile_cubin(TEXT, "sm_90")
    assert (again.kernel_count, again.code_bytes) == (1, len(kernel.data) + len(PLAN.data))
    assert plan_file.serialize(again) == plan_file.serialize(engine)


def test_an_engine_of_the_cpu_carries_none(engine):
    plain = replace(engine, code=())
    assert plan_file.deserialize(plan_file.serialize(plain)).code == ()
    assert "library plans" not in html_summary(plain, ())


def test_a_file_from_before_code_is_read():
    assert read_code(memoryview(b""), 0, None) == ()


@pytest.mark.parametrize("which", [0, 1])
def test_damaged_code_is_refused(engine, blob, which):
    data = engine.code[which].data
    place = blob.rindex(data) + len(data) // 2
    damaged = bytearray(blob)
    damaged[place] ^= 1
    with pytest.raises(EngineFormatError, match=r"compiled code .* is damaged"):
        plan_file.deserialize(damaged)


def test_cut_code_is_refused(blob):
    with pytest.raises(EngineFormatError, match="truncated within compiled code"):
        plan_file.deserialize(blob[:-3])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nbytes", 1 << 40),
        ("nbytes", -1),
        ("workspace_bytes", -1),
        ("workspace_bytes", 1 << 50),
        ("key", "x" * 1000),
        ("crc32", "no number"),
    ],
)
def test_a_table_that_lies_is_refused(field, value):
    table = code_table([PLAN])
    table["pieces"][0][field] = value
    with pytest.raises(EngineFormatError):
        read_code(memoryview(PLAN.data), 0, table)


def test_a_table_without_end_is_refused():
    table = {"pieces": code_table([EMPTY])["pieces"] * ((1 << 16) + 1)}
    with pytest.raises(EngineFormatError, match="pieces of code"):
        read_code(memoryview(b""), 0, table)


def test_the_inspector_tells_of_code(engine, kernel):
    told = engine_information(engine, ())["Compiled Code"]
    size = len(kernel.data) + len(PLAN.data)
    assert told == {"Kernels": 1, "Library Plans": 2, "Bytes": size}
    json.dumps(told)
    assert "1 compiled kernels and 2 library plans" in html_summary(engine, ())
