import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from trtlab.core.types import TensorFormat
from trtlab.tactics.layout import Choice, Link, assign_formats

times = st.integers(1, 40).map(float)


def total(choices, links, hwc):
    side = lambda i: False if i is None else hwc[i]  # noqa: E731
    cost = sum(c.hwc_us if h else c.linear_us for c, h in zip(choices, hwc, strict=True))
    return cost + sum(
        link.reformat_us
        for link in links
        if any(side(r) != side(link.producer) for r in link.readers)
    )


@st.composite
def networks(draw):
    count = draw(st.integers(1, 6))
    choices = [
        Choice(draw(times), draw(st.one_of(times, st.just(float("inf")))))
        for _ in range(count)
    ]
    links = [Link(None, (0,), draw(times))]
    for i in range(count):
        readers = draw(st.sets(st.integers(i + 1, count), max_size=3))
        if readers:
            links.append(
                Link(i, tuple(None if r == count else r for r in readers), draw(times))
            )
    return choices, links


@given(networks())
@settings(deadline=None)
def test_the_minimum_cut_is_the_best_of_all_assignments(case):
    choices, links = case
    found = [f is TensorFormat.HWC for f in assign_formats(choices, links)]
    best = min(
        total(choices, links, hwc)
        for hwc in itertools.product((False, True), repeat=len(choices))
    )
    assert total(choices, links, found) == best


def test_a_reformat_is_paid_once_however_many_readers_want_it():
    choices = [Choice(1, 1), Choice(10, 5), Choice(10, 5)]
    # Converting costs 8; each reader alone would save only 5.
    assert assign_formats(choices, [Link(None, (1, 2), 8.0)])[1:] == [TensorFormat.HWC] * 2
    assert assign_formats(choices, [Link(None, (1,), 8.0)])[1] is TensorFormat.LINEAR
