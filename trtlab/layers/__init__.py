"""One class a layer type.

An operator is a frozen value: its options, and as methods its type and shape rule (`infer`),
its cost (`flops`, `traffic_bytes`) and its NumPy meaning (`evaluate`). Layers of a network
carry one; kernels are tested against its meaning.

* `base`: the contract. `pointwise`: programs of scalar functions, alone or as an `epilogue`.
* `dims`: arithmetic on dimensions known by name, over `polynomial`.
* `window`: what convolution and pooling share. `erf`: a function that NumPy lacks.
* `catalog`: every operator by its kind, and back from plain attributes. `resolve`: known shape
  tensors become options.
* The other modules: one family of TensorRT's layer types each.

Uses `core`.
"""
