"""ITimingCache: bytes, merging and editing."""

import pytest

import trtlab as trt
from trtlab.builder.cache import ITimingCache, StrictTimingCache
from trtlab.core.types import DataType
from trtlab.layers.activation import Activation
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.timing_cache import TimingCache

A, B = "a" * 32, "b" * 32


@pytest.fixture
def config():
    return trt.Builder(trt.Logger()).create_builder_config()


def test_bytes_go_there_and_back(config):
    cache = config.create_timing_cache(b"")
    cache.cache.put(A, (1.0, 2.0, 9.0))
    again = config.create_timing_cache(cache.serialize())
    assert dict(again.cache.items()) == {A: (1.0, 2.0, 9.0)}
    assert len(again) == 1
    assert again.reset()
    assert len(again) == 0


@pytest.mark.parametrize("blob", [b"rubbish", b"{}\n", b"\0" * 64])
def test_rubbish_is_refused(config, blob):
    with pytest.raises(trt.EngineFormatError):
        config.create_timing_cache(blob)


def test_damaged_lines_are_refused(config):
    blob = config.create_timing_cache(b"").serialize() + b"{broken\n"
    with pytest.raises(trt.EngineFormatError, match="damaged"):
        config.create_timing_cache(blob)


def test_query_and_update(config):
    cache = config.create_timing_cache(b"")
    cache.cache.put(A, (1000.0, 3000.0, 2000.0))
    (key,) = cache.queryKeys()
    assert trt.TimingCacheKey.parse(str(key)) == key
    assert cache.query(key).timingMSec == pytest.approx(2.0)
    value = trt.TimingCacheValue(cache.query(key).tacticHash, 0.5)
    with pytest.raises(trt.UsageError, match="not editable"):
        cache.update(key, value)
    config.set_flag(trt.BuilderFlag.EDITABLE_TIMING_CACHE)
    assert cache.update(key, value)
    assert cache.query(key).timingMSec == pytest.approx(0.5)
    assert cache.query(trt.TimingCacheKey(B)) is None
    with pytest.raises(trt.UsageError, match="no time"):
        cache.update(key, trt.TimingCacheValue(0, -1.0))
    with pytest.raises(trt.UsageError, match="no key"):
        trt.TimingCacheKey.parse("xyz")


def test_caches_combine_and_keep_their_own(config):
    one, two = config.create_timing_cache(b""), config.create_timing_cache(b"")
    one.cache.put(A, (1.0,))
    two.cache.put(A, (2.0,))
    two.cache.put(B, (3.0,))
    assert one.combine(two, ignore_mismatch=False)
    assert dict(one.cache.items()) == {A: (1.0,), B: (3.0,)}


def test_caches_of_other_devices_are_not_taken(config):
    foreign = ITimingCache(TimingCache("another device"), lambda: False)
    assert not config.set_timing_cache(foreign, ignore_mismatch=False)
    assert config.get_timing_cache() is None
    assert config.set_timing_cache(foreign, ignore_mismatch=True)
    own = config.create_timing_cache(b"")
    assert not own.combine(foreign, False)
    assert config.set_timing_cache(None)


def test_a_strict_cache_refuses_to_miss():
    operand = Operand(DataType.FLOAT, (2, 3))
    problem = Problem(Activation(), (operand,), (operand,))
    base = TimingCache("device")
    base.add(problem, "known", (1.0,))
    strict = StrictTimingCache(base)
    assert strict.find(problem, "known") == (1.0,)
    with pytest.raises(trt.UsageError, match="unknown has no time"):
        strict.find(problem, "unknown")
