"""Kernels of the CUDA device: pure functions from a problem to CUDA C++.

* `prelude`: types, conversions and scalar functions that every kernel text begins with.
* `text`: pieces of text: index arithmetic, loads, stores, the comment on top.
* `lowering`, `program`: pointwise layers as programs, programs as text.
* `pointwise`, `movement`, `gathering`, `pooling`, `rows`, …: one family of layers a file.
* `window_stem`, `blocks`, `patches`: first convolutions, straight from the image or over a copy.
* `contraction`: matrix products, convolutions and einsums as one form; `simt` and `mma`
  compute it.
"""
