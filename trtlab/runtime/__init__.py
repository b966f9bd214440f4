"""Running engines.

* `loaded`: an engine on a device: its weights in device memory, shared by all contexts.
* `executable`: an engine laid out for one set of shapes and bound to addresses.
* `context`: TensorRT's IExecutionContext, on top of `shapes` (profiles, shapes, addresses)
  and `resources` (memory, streams, events, cache).
* `api`: Runtime and ICudaEngine, on top of `engine_tensors` (inputs and outputs).
  `inspector`: EngineInspector. `missing`: the members that TensorRT has beyond.
* `allocators`: where activations and outputs lie.
* `bindings`: TensorRT 8's numbered bindings. `profiler`: its IProfiler.
* `devices`: a device together with the tactics that it offers.

Uses `core`, `devices`, `engine`, `kernels`, `layers`, `network`, `planner`, `report` and
`tactics`.
"""
