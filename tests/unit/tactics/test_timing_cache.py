import logging

import pytest

from trtlab.core.errors import EngineFormatError
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


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 40, b'{"format":"else"}\n', b"[]\n"])
def test_a_foreign_file_is_set_aside_not_used_nor_lost(tmp_path, content):
    path = tmp_path / "times.jsonl"
    path.write_bytes(content)
    cache = TimingCache("device", path)
    cache.add(problem, "a", (1.0,))
    cache.flush()
    assert TimingCache("device", path).find(problem, "a") == (1.0,)
    if content:
        assert (tmp_path / "times.jsonl.unreadable").read_bytes() == content


def test_combine_refuses_bytes_that_are_no_cache():
    with pytest.raises(EngineFormatError, match="not a timing cache of this version"):
        TimingCache("device").combine(b"junk")


def test_caches_combine():
    a, b = TimingCache("device"), TimingCache("device")
    a.add(problem, "a", (1.0,))
    b.combine(a.serialize())
    assert b.find(problem, "a") == (1.0,)


def test_a_cache_that_cannot_be_written_does_not_stop_a_build(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = TimingCache("device", blocked / "times.jsonl")
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
