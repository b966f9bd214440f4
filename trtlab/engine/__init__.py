"""The engine: what a build leaves behind, as an object and as a file.

* `engine`: the engine's parts. `plan_file`: the versioned, checksummed container, with
  `plan_header` (the description) and `code_section` (compiled kernels and library plans).
  `weights`: packed constants, aligned.
* `inspector`: the engine in the shape of TensorRT's inspector JSON. `layer_records`: its layers
  as the report has them.

Uses `core`, `devices`, `layers`, `network`, `planner`, `report` and `tactics`.
"""
