"""The stable topological order."""

from itertools import permutations

import pytest

from trtlab.network.order import stable_order


@pytest.mark.parametrize(
    ("waits_for", "order"),
    [
        ([], []),
        ([(), (), ()], [0, 1, 2]),
        ([(), (0,), (0, 1)], [0, 1, 2]),
        ([(2,), (), ()], [1, 2, 0]),
        ([(3,), (), (1,), ()], [1, 2, 3, 0]),
        ([(1,), (2,), ()], [2, 1, 0]),
    ],
)
def test_what_may_stay_stays(waits_for, order):
    assert stable_order(waits_for) == (order, [])


def test_of_all_valid_orders_the_first_one():
    waits_for = [{4}, set(), {0, 1}, {1}, set()]
    valid = [
        list(order)
        for order in permutations(range(5))
        if all(
            order.index(a) < order.index(b)
            for b, earlier in enumerate(waits_for)
            for a in earlier
        )
    ]
    assert stable_order(waits_for) == (min(valid), [])


def test_a_cycle_and_what_waits_for_it_are_named():
    assert stable_order([(), (2,), (1,), (1,), (0,)]) == ([0, 4], [1, 2, 3])
