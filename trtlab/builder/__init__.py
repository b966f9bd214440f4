"""From a network to an engine.

* `build`: the straight line; read it first. `options`: what can be asked of it.
* `constant_outputs`: constants that are outputs are copied. `timer`: times tactics on a device.
  `reformats`: makes the chosen formats visible as layers. `reranking`: asks libraries again
  where the plan leaves holes. `packing`: constants as the tactics want them. `carried_code`:
  what an engine takes along of compiled code. `record`: what it tells of its build.
* `rehearsal`: compiles for a GPU what will be timed. `proving`: has candidates tried in other
  processes before they are timed; a `prover` is such a process (`prover_process` from here),
  `proof` is what it does, and `agreement` (with `agreement_kernels`) tells wrong results from
  right ones.
* `progress`: what a build tells while it runs, and how it is stopped. `phases`: its parts.
* `api`: TensorRT's Builder, with `profile`, `cache` and `config` (of `config_base`,
  `config_flags`, `config_search` and `fixed`; what each flag does is in `flags`).

Uses `core`, `devices`, `engine`, `kernels`, `layers`, `network`, `passes`, `planner`,
`report`, `runtime` and `tactics`.
"""
