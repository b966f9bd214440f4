"""Kernels name the weights of the steps after them, up to the next step that can."""

from trtlab.devices.cuda.ahead import look_ahead
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.devices.cuda.neighbours import FETCH_AHEAD
from trtlab.devices.protocol import Scheduled

ABLE = Kernel("able", f"void able() {{ {FETCH_AHEAD} }}", (1, 1, 1), (32, 1, 1))
UNABLE = Kernel("not", 'extern "C" __global__ void not() {}', (1, 1, 1), (32, 1, 1))
MB = 1 << 20


class _OfALibrary:
    capturable = True


def _steps(*kinds_and_weights):
    steps = []
    for kind, weights in kinds_and_weights:
        launch = _OfALibrary() if kind is None else KernelLaunch(kind, ())
        steps.append(Scheduled((launch,), weights=tuple(weights)))
    return steps


def _asked(steps):
    return [getattr(step.launches[0], "ahead", None) for step in steps]


def test_a_kernel_asks_for_what_the_next_reads():
    steps = _steps((ABLE, [(0, MB)]), (ABLE, [(MB, MB)]), (ABLE, []))
    look_ahead(steps)
    assert _asked(steps) == [((MB, MB),), (), ()]


def test_libraries_cannot_ask_so_the_kernel_before_asks_for_theirs_too():
    steps = _steps(
        (ABLE, []), (None, [(0, MB)]), (UNABLE, [(MB, MB)]), (ABLE, [(2 * MB, 2 * MB)])
    )
    look_ahead(steps)
    assert steps[0].launches[0].ahead == ((0, MB), (MB, MB), (2 * MB, 2 * MB))


def test_what_follows_the_last_kernel_is_asked_for():
    steps = _steps((ABLE, []), (None, [(0, MB)]))
    look_ahead(steps)
    assert steps[0].launches[0].ahead == ((0, MB),)


def test_tables_and_crumbs_are_left_out_and_sizes_are_whole_runs():
    steps = _steps(
        (ABLE, []), (ABLE, [(0, 47 * MB), (64 * MB, 8), (80 * MB, MB + 7), (3, MB)])
    )
    look_ahead(steps)
    assert steps[0].launches[0].ahead == ((80 * MB, MB),)


def test_no_more_is_asked_for_than_a_kernel_can_name():
    steps = _steps((ABLE, []), (ABLE, [(n * MB, MB) for n in range(6)]))
    look_ahead(steps)
    assert steps[0].launches[0].ahead == tuple((n * MB, MB) for n in range(4))


def test_libraries_alone_ask_for_nothing():
    steps = _steps((None, []), (None, [(0, MB)]))
    look_ahead(steps)
    assert _asked(steps) == [None, None]
