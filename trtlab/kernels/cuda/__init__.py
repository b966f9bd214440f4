"""Kernels of the CUDA device: pure functions from a problem to CUDA C++.

* `prelude`: types, conversions and scalar functions that every kernel text begins with.
* `text`: pieces of text: index arithmetic, loads, stores, the comment on top.
* `catalog`: every tactic by layer type; read it first.
* `lowering`, `program`: pointwise layers as programs, programs as text; `per_element` and
  `elementwise`: a thread computes one result, or a few neighbours.
* `pointwise`, `movement` (with `transpose`), `gathering` and `gather_rows`, `pooling` and
  `pooling_vector`, `reducing`, `rows` and `normalizing`, `choosing`, `sampling`, `depthwise`,
  `recurrent` and `recurrent_steps` (with `cell`): a family of layers each.
* `forms`, `contraction`: matrix products, convolutions and einsums as one form. `product`
  offers it on plain cores (`simt`) and tensor cores (`mma` with `mma_load`, `mma_store` and
  `split`); `wgmma_product` on Hopper's warp groups (`wgmma` with `wgmma_tile`, `wgmma_text`,
  `wgmma_finish`, `wgmma_split` for shared sums, `wgmma_window` for convolutions). `thin`
  (with `thin_rows` and `thin_text`): many short rows with few weights; `matrices`: operands
  with a pitch. `tf32`: weights for libraries that cut factors.
* `attending`, `flash` (with `flash_text`): attention; `wgmma_attention` (with
  `wgmma_attention_tile` and `wgmma_attention_text`) on Hopper's warp groups.
* `stem`, `window_stem` (with `window_stem_text`), `blocks`, `patches`, `cudnn_stem`,
  `cudnn_blocks`: first convolutions, straight from the image or over a copy.
* `cublaslt`, `cudnn_conv`, `cudnn_product`, `cudnn_attention`: NVIDIA's libraries; launches in
  `cublaslt_launch` and `cudnn_launch`, what cuDNN's tactics share in `cudnn_tactic`, how long
  their graphs live in `cudnn_graphs`.
"""
