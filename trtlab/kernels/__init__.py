"""Tactic implementations, one sub-room a device.

* ``cpu``: native kernels for the CPU device.
"""
