"""The CUDA device.

* `libraries`: CuPy and the CUDA bindings, imported when first needed; what is missing is said.
* `kernel`: a kernel as text with its launch configuration, and launches as data.
* `nvrtc`: text → machine code, on machines without a driver too; kept on disk.
* `memory`, `clock`, `program`: allocations, the two clocks, captured graphs.
* `device`: all of it behind the device protocol.
"""
