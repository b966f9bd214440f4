"""Devices: memory, threads and programs behind each kind of hardware.

* ``cpu``: Numba kernels on a team of threads.
"""
