"""TensorRT's views of a network: ITensor, ILayer and one subclass a layer type.

* `arguments`: what users pass, checked and made plain. `options`: TensorRT's member names over
  the fields of operators.
* `tensor`, `layer`: the views. `unfinished`: layers whose options are still to come.
* `state`: the network with its views; every edit passes through it.
* `window` (with `add_window`), `pointwise`, `linear`, `axes`, `movement`, `indexing`,
  `creation`: the layer types by family, each with its ``add_*`` methods.
* `catalog`: operator → view. `record`: what reports say of the network. `missing`: the methods
  that TensorRT has beyond.
"""
