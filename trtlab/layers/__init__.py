"""Floor 3: one class a layer type.

An operator is a frozen value: its options, and as methods its type and shape rule (`infer`),
its cost (`flops`, `traffic_bytes`) and its NumPy meaning (`evaluate`). Layers of a network
carry one; kernels are tested against its meaning.

* `base`: the contract. `pointwise`: programs of scalar functions, alone or as an epilogue.
* The other modules: one family of TensorRT's layer types each; `catalog` lists them all.
"""
