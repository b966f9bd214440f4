"""Floor 12: from a network to an engine.

* `build`: the straight line; read it first. `options`: what can be asked of it.
* `constant_outputs`: constants that are outputs are copied. `reformats`: makes the chosen
  formats visible as layers. `timer`: times tactics on a device.
* `progress`: what a build tells while it runs, and how it is stopped.
* `api`: TensorRT's Builder, with `profile`, `cache` and `config` (of `config_flags`,
  `config_search` and `fixed`; what each flag does is in `flags`).
"""
