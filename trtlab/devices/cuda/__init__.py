"""The CUDA device.

* `libraries`: CuPy and the CUDA bindings, imported when first needed; what is missing is said.
* `kernel`: a kernel as text with its launch configuration, and launches as data.
* `nvrtc`: text → machine code, on machines without a driver too; kept on disk.
* `memory`, `clock`: allocations, the two clocks.
* `program`: steps that run, on top of `enqueueing` (streams that fork and join), `graphs`
  (captures and replays), `stamps` (events around steps), `l2_window` (what the cache keeps)
  and `callers_stream`.
* `device`: all of it behind the device protocol.
"""
