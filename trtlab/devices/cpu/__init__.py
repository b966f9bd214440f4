"""The CPU device.

* ``isa``: vector width of the host.
* ``operation``: how a machine operation becomes callable from Numba kernels.
* ``native``: memory, atomics, clock, calls. ``vectors``: vector arithmetic.
* ``kernel``: a native kernel, compiled on first use and cached on disk.
* ``team``: persistent worker threads that execute a table of kernels.
* ``program``: a whole inference as such a table.
"""
