import struct

import numpy as np
import pytest

from tests.support.tiny_models import branches
from trtlab.core.errors import EngineFormatError, UsageError
from trtlab.engine import plan_file
from trtlab.report.plain_data import to_plain
from trtlab.runtime.api import ICudaEngine
from trtlab.session.one_call import build


@pytest.fixture(scope="module")
def engine():
    return build(branches(), shapes={"x": (2, 3, 16, 16)}, optimization_level=1).engine


@pytest.fixture(scope="module")
def blob(engine):
    return plan_file.serialize(engine)


def test_an_engine_survives_the_way_to_disk_and_back(engine, tmp_path):
    path = plan_file.save(engine, tmp_path / "net.engine")
    again = plan_file.load(path)
    x = np.random.default_rng(1).standard_normal((2, 3, 16, 16)).astype(np.float32)
    first = ICudaEngine(engine).create_execution_context().infer({"x": x})["y"]
    second = ICudaEngine(again).create_execution_context().infer({"x": x})["y"]
    np.testing.assert_array_equal(first, second)
    assert again.profiles == engine.profiles
    assert again.choices == engine.choices
    assert to_plain(again.build) == to_plain(engine.build)
    assert [layer.origins for layer in again.network] == [
        layer.origins for layer in engine.network
    ]


def test_serializing_twice_gives_the_same_bytes(blob):
    assert plan_file.serialize(plan_file.deserialize(blob)) == blob


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99])
def test_a_truncated_engine_is_refused(blob, share):
    with pytest.raises(EngineFormatError):
        plan_file.deserialize(blob[: int(len(blob) * share)])


def test_every_damaged_byte_is_noticed(blob):
    rng = np.random.default_rng(0)
    header_end = 52 + struct.unpack_from("<Q", blob, 12)[0]
    places = [*range(0, 52, 3), *rng.integers(52, header_end, 20)]
    weights_start = -(-header_end // 64) * 64
    places += [weights_start, weights_start + 5, len(blob) - 1]
    for place in places:
        damaged = bytearray(blob)
        damaged[place] ^= 0xFF
        with pytest.raises(EngineFormatError):
            plan_file.deserialize(damaged)


def test_messages_say_what_to_do(blob, tmp_path):
    with pytest.raises(EngineFormatError, match="not a trtlab engine"):
        plan_file.deserialize(b"onnx" * 100)
    newer = bytearray(blob)
    newer[8:12] = struct.pack("<I", 99)
    with pytest.raises(EngineFormatError, match=r"version 99, this trtlab reads 1"):
        plan_file.deserialize(newer)
    with pytest.raises(UsageError, match="cannot be read"):
        plan_file.load(tmp_path / "missing.engine")
    (tmp_path / "empty.engine").touch()
    with pytest.raises(EngineFormatError, match="is empty"):
        plan_file.load(tmp_path / "empty.engine")


def test_an_engine_for_another_machine_is_refused(engine):
    from dataclasses import replace

    foreign = replace(engine, compatibility="cpu/other")
    with pytest.raises(EngineFormatError, match=r"built for cpu/other .* this device is cpu/"):
        ICudaEngine(foreign)


def test_a_full_disk_leaves_the_old_file(engine, tmp_path, monkeypatch):
    from pathlib import Path

    path = tmp_path / "net.engine"
    path.write_bytes(b"old")

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="No space left on device"):
        plan_file.save(engine, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
