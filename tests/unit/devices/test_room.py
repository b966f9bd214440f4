"""The next kernel is set up early unless its blocks would be stacked on what is free."""

from trtlab.devices.cuda.kernel import FOLLOW, Kernel, KernelLaunch
from trtlab.devices.cuda.room import Multiprocessors, is_crowded, mark_crowded
from trtlab.devices.protocol import Scheduled

GPU = Multiprocessors(count=132, threads=2048, shared_bytes=228 << 10)
KB = 1 << 10


def _kernel(blocks, threads=128, shared_kb=0):
    return Kernel("k", FOLLOW, (blocks, 1, 1), (threads, 1, 1), shared_kb * KB)


def test_small_kernels_find_room_everywhere():
    assert not is_crowded(_kernel(96), _kernel(96), GPU)
    assert not is_crowded(_kernel(96, 192, 98), _kernel(96, 192, 98), GPU)


def test_two_blocks_would_share_what_one_kernel_leaves():
    """96 blocks of 180 kB leave 36 multiprocessors, and two blocks of 98 kB fit on each."""
    assert is_crowded(_kernel(96, 384, 180), _kernel(96, 192, 98), GPU)


def test_blocks_that_fit_once_cannot_be_stacked():
    assert not is_crowded(_kernel(96, 384, 180), _kernel(96, 384, 180), GPU)


def test_a_kernel_that_fills_the_gpu_anyway_may_come():
    assert not is_crowded(_kernel(132, 384, 180), _kernel(4000, 256), GPU)


def test_threads_count_as_shared_memory_does():
    assert is_crowded(_kernel(132, 1024), _kernel(100, 1024), GPU) is False
    assert is_crowded(_kernel(264, 1024), _kernel(100, 1024), GPU) is True


def test_each_launch_is_told_about_the_next_on_its_stream():
    large, small = _kernel(96, 384, 180), _kernel(96, 192, 98)
    first, second, third, other = (KernelLaunch(k, ()) for k in (large, small, large, large))
    steps = [
        Scheduled((first, second)),
        Scheduled((third,)),
        Scheduled((other,), stream=1, region=0),
        Scheduled((KernelLaunch(small, ()),), stream=0, region=0),
    ]
    mark_crowded(steps, GPU)
    assert [x.crowded for x in (first, second, third, other)] == [True, False, False, False]


def test_a_library_call_between_two_kernels_ends_the_matter():
    class Library:
        capturable = True

    first = KernelLaunch(_kernel(96, 384, 180), ())
    mark_crowded([Scheduled((first, Library(), KernelLaunch(_kernel(96, 192, 98), ())))], GPU)
    assert first.crowded is False
