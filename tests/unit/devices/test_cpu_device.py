"""The CPU as a device: what it holds."""

import numpy as np
import pytest

from trtlab.devices.cpu.device import CpuDevice, aligned_bytes


@pytest.mark.parametrize("shift", [0, 4])
@pytest.mark.parametrize("shape", [(0, 3), (0,), (2, 3), ()])
def test_an_array_is_held_wherever_it_lies(shape, shift):
    device = CpuDevice(1)
    count = int(np.prod(shape))
    room = aligned_bytes(256)[shift : shift + 64].view(np.float32)
    array = room[:count].reshape(shape)
    array[...] = np.arange(count).reshape(shape)
    memory = device.hold(array)
    assert memory.address % 64 == 0
    np.testing.assert_array_equal(device.read(memory.address, array.dtype, shape), array)


def test_an_array_with_gaps_is_held_densely():
    device = CpuDevice(1)
    array = np.arange(24, dtype=np.int64).reshape(4, 6).T[::2]
    memory = device.hold(array)
    np.testing.assert_array_equal(device.read(memory.address, array.dtype, array.shape), array)
