"""The CUDA device.

* `libraries`: CuPy and the CUDA bindings, imported when first needed; what is missing is said.
* `versions`: of the driver and of the libraries that offer tactics, for records.
* `kernel`: a kernel as text with its launch configuration, and launches as data; `neighbours`:
  how it treats those around it; `tensor_map`: matrices, heads and windows of images as the copy
  engine's arguments.
* `nvrtc`: text → machine code, on machines without a driver too; kept on disk. `code`: compiled
  code and library plans that came with an engine.
* `memory`, `scratch`, `clock`: allocations, what launches share, the two clocks.
* `program`: steps that run, on top of `replay` (one graph, or step by step), `enqueueing`
  (streams that fork and join), `graphs` (captures), `l2_window` (what the cache keeps), `ahead`
  (what it fetches), `callers_stream` and `kernel_names` (asked of a captured graph).
* `stamped_run`: a run that tells each step's time, by `kernel_stamps` (kernels write it down) or
  `event_stamps` (events around steps), less what these cost (`stamp_cost`).
* `device`: all of it behind the device protocol.
"""
