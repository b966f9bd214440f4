"""Scratch memory of a stream's launches, with a loader that only counts."""

from types import SimpleNamespace

from trtlab.devices.cuda.scratch import SharedScratch


class _Loader:
    def __init__(self):
        self.asked = []

    def function(self, kernel):
        return f"function of {kernel}"

    def scratch(self, nbytes):
        self.asked.append(nbytes)
        return SimpleNamespace(nbytes=nbytes, address=len(self.asked))


def test_a_block_serves_all_that_want_no_more():
    loader = _Loader()
    shared = SharedScratch(loader)
    blocks = [shared.scratch(n) for n in (100, 40, 100, 300, 200)]
    assert loader.asked == [100, 300]
    assert [b.address for b in blocks] == [1, 1, 1, 2, 2]


def test_streams_do_not_share():
    loader = _Loader()
    first, second = SharedScratch(loader), SharedScratch(loader)
    assert first.scratch(10) is not second.scratch(10)
    assert first.function("k") == "function of k"
