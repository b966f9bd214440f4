"""Memory, launches and time of a device, behind Protocols.

* `protocol`: what builder and runtime ask of a device.
* `cpu`: native kernels on a team of threads. `open`: a device by name.

Uses `core`, `layers` and `report`.
"""
