import itertools

from trtlab.session.time_left import TimeLeft


def estimates(seconds: list[float]) -> list[float | None]:
    """What is said after each of the steps that take so long."""
    left = TimeLeft(len(seconds), 100.0)
    ends = itertools.accumulate(seconds)
    return [left.after(done, 100.0 + end) for done, end in enumerate(ends, 1)]


def test_nothing_is_said_of_the_first_steps() -> None:
    said = estimates([1.0] * 40)
    assert said[:3] == [None, None, None]
    assert said[3] == 36.0
    assert said[-1] == 0.0


def test_short_phases_and_single_steps_are_not_estimated() -> None:
    assert set(estimates([0.01] * 100)) == {None}
    assert estimates([60.0]) == [None]


def test_an_even_pace_counts_down() -> None:
    said = estimates([0.5] * 60)
    known = [s for s in said if s is not None]
    assert len(known) > 50
    assert all(abs(now - 0.5 * left) < 1e-6 for left, now in enumerate(reversed(known)))


def test_one_long_step_does_not_make_it_jump() -> None:
    """Layers that take 0.2 s and one whose kernels compile for 4 s."""
    said = estimates([0.2] * 50 + [4.0] + [0.2] * 49)
    before, after = said[49], said[50]
    assert before is not None
    assert after is not None
    assert abs(after - before) < 3
    assert said[-2] is not None
    assert said[-2] < 2


def test_it_is_silent_while_the_pace_is_another_one() -> None:
    """All the compiling comes first: the pace of the whole says nothing of the rest."""
    said = estimates([3.0] * 5 + [0.05] * 95)
    assert said[9] is None or said[9] < 30  # the plain mean would say 137 s
    assert said[40] is None
    known = [s for s in said if s is not None]
    assert all(later <= now + 3 for now, later in itertools.pairwise(known))


def test_repeated_and_excess_steps_do_no_harm() -> None:
    left = TimeLeft(10, 0.0)
    for second in range(1, 6):
        left.after(second, float(second))
    assert left.after(5, 5.5) is not None
    assert left.after(3, 6.0) is not None
    assert left.after(11, 11.0) == 0.0
