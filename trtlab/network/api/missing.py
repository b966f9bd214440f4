"""Methods that TensorRT's INetworkDefinition has and trtlab's lacks, each with what to do."""

_NO_QUANTIZATION = "quantized layers are not available; convert with add_cast"
_NO_PLUGINS = "plugins are not available; compose the function of other layers"
_NO_CONTROL_FLOW = "loops and conditionals are not available; unroll them, or use add_select"
_NO_DEBUG = "debug tensors are not available; mark_output shows a tensor's values"
_NO_REFIT = "engines cannot be refitted; build again with other weights"
MISSING_METHODS = {
    "add_quantize": _NO_QUANTIZATION,
    "add_dequantize": _NO_QUANTIZATION,
    "add_dynamic_quantize": _NO_QUANTIZATION,
    "add_dynamic_quantize_v2": _NO_QUANTIZATION,
    "add_plugin": _NO_PLUGINS,
    "add_plugin_v2": _NO_PLUGINS,
    "add_plugin_v3": _NO_PLUGINS,
    "add_loop": _NO_CONTROL_FLOW,
    "add_if_conditional": _NO_CONTROL_FLOW,
    "add_assertion": _NO_CONTROL_FLOW,
    "add_grid_sample": "grid sampling is not available; add_resize samples on regular grids",
    "add_nms": "non-maximum suppression is not available; run it on the network's outputs",
    "add_ragged_softmax": "ragged softmax is not available; mask with add_select first",
    "add_rotary_embedding": "rotary embeddings are not available; compose them of products",
    "add_kv_cache_update": "key-value caches are not available; use add_scatter",
    "add_moe": "mixtures of experts are not available; compose them of matrix products",
    "add_dist_collective": "engines run on one device",
    "add_rnn_v2": "recurrent layers come from ONNX models only",
    "mark_debug": _NO_DEBUG,
    "unmark_debug": _NO_DEBUG,
    "mark_unfused_tensors_as_debug_tensors": _NO_DEBUG,
    "unmark_unfused_tensors_as_debug_tensors": _NO_DEBUG,
    "mark_weights_refittable": _NO_REFIT,
    "unmark_weights_refittable": _NO_REFIT,
    "serialize": "networks are kept as ONNX files, or as text: str(network.graph)",
}
