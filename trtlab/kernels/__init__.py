"""Tactic implementations, one sub-room a device.

* `catalog`: every tactic that a device offers, in the order in which candidates are tried.
* `cpu`: native kernels for the CPU device. `cuda`: CUDA C++ as text, and library calls.

Uses `core`, `devices`, `layers` and `tactics`.
"""
