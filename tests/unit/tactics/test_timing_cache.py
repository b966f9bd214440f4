import logging

import pytest

from trtlab.core.errors import EngineFormatError, UsageError
from trtlab.core.settings import settings
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.timing_cache import TimingCache

x = Operand(DataType.FLOAT, (1, 8))
problem = Problem(Activation(), (x,), (x,))
other = Problem(Activation(), (Operand(DataType.FLOAT, (2, 8)),), (x,))


def test_what_one_build_measured_the_next_one_finds(tmp_path):
    path = tmp_path / "times.jsonl"
    first = TimingCache("device", path)
    first.add(problem, "a", (1.0, 2.0))
    first.flush()
    second = TimingCache("device", path)
    assert second.find(problem, "a") == (1.0, 2.0)
    assert second.find(other, "a") is None
    assert second.find(problem, "b") is None
    assert TimingCache("another device", path).find(problem, "a") is None


def test_a_line_cut_short_costs_only_itself(tmp_path, caplog):
    path = tmp_path / "times.jsonl"
    cache = TimingCache("device", path)
    cache.add(problem, "a", (1.0,))
    cache.add(other, "a", (3.0,))
    cache.flush()
    path.write_bytes(path.read_bytes()[:-9])
    with caplog.at_level(logging.WARNING):
        again = TimingCache("device", path)
    assert again.find(problem, "a") == (1.0,)
    assert again.find(other, "a") is None
    assert "1 damaged lines were skipped" in caplog.text


OTHER_VERSION = b'{"format":"trtlab-timing-cache","version":99}\n'


@pytest.mark.parametrize("content", [b"", OTHER_VERSION, OTHER_VERSION[:9]])
def test_a_cache_of_another_version_is_set_aside_not_used_nor_lost(tmp_path, caplog, content):
    path = tmp_path / "times.jsonl"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        cache = TimingCache("device", path)
    cache.add(problem, "a", (1.0,))
    cache.flush()
    assert TimingCache("device", path).find(problem, "a") == (1.0,)
    kept = tmp_path / "times.jsonl.unreadable"
    if content:
        assert kept.read_bytes() == content
        assert str(kept) in caplog.text
    else:
        assert not kept.exists()
        assert not caplog.text


@pytest.mark.parametrize(
    "content", [b"\x00\xff" * 40, b'{"format":"else"}\n', b"[]\n", b"\n", b"\x08\x08 onnx"]
)
def test_somebodys_file_is_refused_and_stays_as_it_is(tmp_path, content):
    path = tmp_path / "precious.onnx"
    path.write_bytes(content)
    for readable in (True, False):
        with pytest.raises(UsageError, match=r"precious\.onnx is no timing cache") as caught:
            TimingCache("device", path, readable=readable)
        assert "delete it" in caught.value.hint
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["precious.onnx"]


def test_a_folder_is_no_cache_file(tmp_path):
    with pytest.raises(UsageError, match="cannot be read as a timing cache: Is a directory"):
        TimingCache("device", tmp_path)


def test_a_missing_folder_is_refused_and_not_made(tmp_path):
    with pytest.raises(UsageError, match="there is no such folder"):
        TimingCache("device", tmp_path / "nowhere" / "times.jsonl")
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder where caches lie unless a file is named; it is not there yet."""
    folder = tmp_path / "cache" / "trtlab"
    monkeypatch.setenv("TRTLAB_CACHE_DIR", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


def test_the_own_folder_is_made_and_junk_in_it_stops_no_build(own, caplog):
    path = own / "timing-cpu.jsonl"
    cache = TimingCache("device", path)
    cache.add(problem, "a", (1.0,))
    cache.flush()
    assert TimingCache("device", path).find(problem, "a") == (1.0,)
    path.write_bytes(b"\x00" * 100)
    with caplog.at_level(logging.WARNING):
        assert len(TimingCache("device", path)) == 0
    assert "starting afresh" in caplog.text
    assert (own / "timing-cpu.jsonl.unreadable").read_bytes() == b"\x00" * 100
    path.mkdir()
    with caplog.at_level(logging.WARNING):
        assert len(TimingCache("device", path)) == 0
    assert "cannot be read" in caplog.text


def test_combine_refuses_bytes_that_are_no_cache():
    with pytest.raises(EngineFormatError, match="not a timing cache of this version"):
        TimingCache("device").combine(b"junk")


def test_caches_combine():
    a, b = TimingCache("device"), TimingCache("device")
    a.add(problem, "a", (1.0,))
    b.combine(a.serialize())
    assert b.find(problem, "a") == (1.0,)


def test_a_cache_that_cannot_be_written_does_not_stop_a_build(tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    cache = TimingCache("device", folder / "times.jsonl")
    folder.rmdir()
    cache.add(problem, "a", (1.0,))
    with caplog.at_level(logging.WARNING):
        cache.flush()
    assert "was not written" in caplog.text
    assert cache.find(problem, "a") == (1.0,)


def test_a_refusal_outlives_the_build_until_a_time_is_measured(tmp_path):
    path = tmp_path / "times.jsonl"
    first = TimingCache("device", path)
    first.add(problem, "a", (1.0,))
    first.refuse(problem, "a", "wrong: 7 of 8 values differ")
    first.refuse(problem, "b", "faulted")
    first.flush()
    second = TimingCache("device", path)
    assert second.find(problem, "a") is None
    assert second.refusal(problem, "a") == "wrong: 7 of 8 values differ"
    assert TimingCache("device", path, readable=False).refusal(problem, "a") == ""
    copy = TimingCache("device")
    copy.combine(second.serialize())
    assert copy.refusal(problem, "b") == "faulted"
    second.add(problem, "b", (2.0,))
    second.flush()
    third = TimingCache("device", path)
    assert (third.refusal(problem, "b"), third.find(problem, "b")) == ("", (2.0,))
    assert second.damaged_lines == third.damaged_lines == 0
